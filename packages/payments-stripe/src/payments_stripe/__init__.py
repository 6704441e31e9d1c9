"""
Stripe as a payment provider for payments-core.
"""
