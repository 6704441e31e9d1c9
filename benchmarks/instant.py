"""
The service as shipped, but for a provider inside the process that takes no time.

For measuring alone, no setting leads here: ``gunicorn … 'benchmarks.instant:create_app()'``.
"""

import os
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from dependency_injector import providers
from flask import Flask
from typing_extensions import override

from payments_bootstrap import Container, bootstrap
from payments_core.domain.facts import ProviderPayment, ProviderPaymentStatus
from payments_core.domain.money import Money
from payments_core.domain.requests import CreateIntent
from payments_http.app import create_app as serve
from payments_stripe import StripePaymentProvider

APPROVED: Final = "pm_card_visa"
WAITS: Final = "pm_card_authenticationRequired"
AMOUNT: Final = Money.from_minor(1000, "EUR")


class Instant(StripePaymentProvider):
    """
    Takes every payment of 10.00 EUR; what waits for the customer was approved when it is read.

    Webhooks are Stripe's, and verified as such.
    """

    @override
    def create_intent(self, request: CreateIntent, *, idempotency_key: str) -> ProviderPayment:
        if request.payment_method_id == WAITS:
            return _payment(request.payment_id, ProviderPaymentStatus.REQUIRES_ACTION)
        return _payment(request.payment_id, ProviderPaymentStatus.SUCCEEDED)

    @override
    def retrieve(self, provider_payment_id: str) -> ProviderPayment:
        payment_id = UUID(provider_payment_id.removeprefix("pi_"))
        return _payment(payment_id, ProviderPaymentStatus.SUCCEEDED)


def _payment(payment_id: UUID, status: ProviderPaymentStatus) -> ProviderPayment:
    paid = AMOUNT if status is ProviderPaymentStatus.SUCCEEDED else Money.zero("EUR")
    return ProviderPayment(
        id=f"pi_{payment_id.hex}",
        status=status,
        amount=AMOUNT,
        authorized=paid,
        captured=paid,
        created_at=datetime.now(UTC),
        payment_id=payment_id,
    )


def replaced(container: Container) -> Container:
    """
    Return a container with that provider in it.
    """
    settings = container.settings().payment_providers.stripe
    assert settings
    container.stripe.override(providers.Object(Instant(settings)))
    return container


def create_app() -> Flask:
    """
    Return the app that serves it.
    """
    return serve(replaced(bootstrap(os.environ)))
