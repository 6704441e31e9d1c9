"""
A Stripe simulator, and the adapter that talks to it over HTTP.
"""

from collections.abc import Iterator

import pytest

from payments_stripe import StripePaymentProvider, StripeSettings
from stripe_simulator import Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """
    A simulator whose late outcomes wait for its clock.
    """
    with Simulator(seed=1, delay_seconds=60) as running:
        yield running


@pytest.fixture
def settings(simulator: Simulator) -> StripeSettings:
    """
    Settings that point at the simulator; patient, since a busy machine is no lost answer.
    """
    return StripeSettings(
        api_key=simulator.api_key,
        webhook_secrets=(simulator.webhook_secret,),
        api_base=simulator.url,
        read_timeout=20.0,
        deadline=40.0,
    )


@pytest.fixture
def provider(settings: StripeSettings) -> Iterator[StripePaymentProvider]:
    """
    The adapter.
    """
    provider = StripePaymentProvider(settings)
    yield provider
    provider.close()
