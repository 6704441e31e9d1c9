"""
What is written on the wire for other services.
"""
