"""
The API's routes: each parses, calls one use case, and renders.
"""
