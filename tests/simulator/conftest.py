"""
A simulator for each test, and what speaks to it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe

from stripe_simulator import Simulator
from tests.simulator.harness import Api, Receiver, receiving


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """
    A simulator that sends no webhooks and whose late outcomes wait for the clock.
    """
    with Simulator(seed=1, delay_seconds=60) as running:
        yield running


@pytest.fixture
def api(simulator: Simulator) -> Iterator[Api]:
    """
    Its API with the secret key.
    """
    api = Api(simulator.url, simulator.api_key)
    yield api
    api.session.close()


@pytest.fixture
def browser(simulator: Simulator) -> Iterator[Api]:
    """
    Its API with the publishable key.
    """
    api = Api(simulator.url, simulator.settings.publishable_key)
    yield api
    api.session.close()


@pytest.fixture
def client(simulator: Simulator) -> Iterator[stripe.StripeClient]:
    """
    Stripe's own SDK, pointed at it.
    """
    http = stripe.RequestsClient(timeout=(3, 8))
    yield stripe.StripeClient(
        simulator.api_key, base_addresses={"api": simulator.url}, http_client=http
    )
    http.close()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """
    A webhook endpoint.
    """
    with receiving() as endpoint:
        yield endpoint
