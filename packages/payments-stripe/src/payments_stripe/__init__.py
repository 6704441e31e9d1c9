"""
Stripe as a payment provider for payments-core.
"""

from typing import TYPE_CHECKING

from payments_stripe.settings import KEYS_ARE_KEPT, StripeSettings, is_live
from payments_stripe.watch import IStripeWatch

if TYPE_CHECKING:
    from payments_stripe.provider import StripePaymentProvider

__all__ = ["KEYS_ARE_KEPT", "IStripeWatch", "StripePaymentProvider", "StripeSettings", "is_live"]


def __getattr__(name: str) -> object:
    """
    Import the provider when it is first asked for.

    Stripe's SDK takes a quarter of a second to import, and whoever only reads settings,
    such as a command line that prints its help, should not wait for it.
    """
    if name == "StripePaymentProvider":
        from payments_stripe.provider import StripePaymentProvider

        return StripePaymentProvider
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
