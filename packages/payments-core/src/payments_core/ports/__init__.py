"""
What the core needs from outside, as protocols that adapters inherit.
"""
