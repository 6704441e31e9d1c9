"""
The adapter keeps what every provider promises, over HTTP against the simulator.
"""

import json
import time
from collections.abc import Iterator, Mapping

import pytest
from typing_extensions import override

from payments_core.domain.facts import ProviderPayment
from payments_core.testing.conformance.provider import ProviderConformance
from payments_stripe import StripePaymentProvider, StripeSettings
from payments_stripe.webhook import EVENT_TYPES
from stripe_simulator import Simulator
from stripe_simulator.webhooks import sign


class TestStripePaymentProvider(ProviderConformance):
    """
    Stripe's published test payment methods, by their names.
    """

    approved = "pm_card_visa"
    declined = "pm_card_visa_chargeDeclined"
    action = "pm_card_threeDSecure2Required"

    simulator: Simulator

    @pytest.fixture(autouse=True)
    def _simulator(self, simulator: Simulator) -> None:
        self.simulator = simulator

    @pytest.fixture
    @override
    def provider(self, settings: StripeSettings) -> Iterator[StripePaymentProvider]:
        provider = StripePaymentProvider(settings)
        yield provider
        provider.close()

    @override
    def approve(self, payment: ProviderPayment) -> None:
        self.simulator.approve(payment.id)

    @override
    def reject(self, payment: ProviderPayment) -> None:
        self.simulator.fail(payment.id)

    @override
    def delivery(self, payment: ProviderPayment) -> tuple[bytes, Mapping[str, str]]:
        event = next(
            event
            for event in self.simulator.objects("event")
            if event["type"] in EVENT_TYPES and event["data"]["object"].get("id") == payment.id
        )
        payload = json.dumps(event).encode()
        signature = sign(payload, self.simulator.webhook_secret, int(time.time()))
        return payload, {"stripe-signature": signature}
