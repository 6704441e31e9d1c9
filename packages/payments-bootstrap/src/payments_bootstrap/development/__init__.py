"""
A whole service on a developer's machine: SQLite, the Stripe simulator, tokens of its own.
"""
