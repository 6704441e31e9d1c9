"""
PostgreSQL and SQLite repositories for payments-core.
"""
