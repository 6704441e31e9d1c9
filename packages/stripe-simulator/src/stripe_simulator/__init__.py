"""
A stateful server that speaks Stripe's HTTP API, for tests without an account.
"""
