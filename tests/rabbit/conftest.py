"""
Names of its own for each test, on a real broker.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from aio_pika.exceptions import AMQPError
from dependency_injector import providers
from joserfc.jwk import KeySet, RSAKey

from payments_bootstrap import Container, close
from payments_bootstrap.configuration import load
from payments_bootstrap.serving import migrate_database
from payments_core.testing.fake_provider import FakePaymentProvider
from payments_http.app import create_app
from payments_rabbit import RabbitEventPublisher, RabbitSettings
from payments_rabbit.names import error_queue, skipped_queue
from payments_rabbit.topology import endpoints
from tests.http.conftest import ISSUER, Api, Issuer
from tests.rabbit.peer import Neighbour

KEY, SIGNATURES = "sk_test_abcdef", "whsec_one"
EVENTS = ("IPaymentSucceeded", "IPaymentFailed", "IRefundIssued", "IRefundFailed")


@pytest.fixture
def settings(rabbit_url: str) -> RabbitSettings:
    """
    Settings under which no two tests share a name.
    """
    own = f"T{uuid4().hex[:8]}"
    return RabbitSettings(
        url=rabbit_url,
        payments_namespace=f"{own}.Payments",
        order_created=(f"{own}.Orders:IOrderCreated",),
        refund_queue=f"{own}-refund-payment",
        capture_queue=f"{own}-capture-payment",
        order_queue=f"{own}-order-created",
    )


@pytest.fixture
def neighbour(settings: RabbitSettings) -> Iterator[Neighbour]:
    """
    Another service; what the test declared is deleted at its end.
    """
    peer = Neighbour(settings.url)
    yield peer
    names = [f"{settings.payments_namespace}:{name}" for name in EVENTS]
    for endpoint in endpoints(settings):
        queue = endpoint.queue
        names += [queue, error_queue(queue), skipped_queue(queue)]
        names += [e for kind in endpoint.types for e in (kind.exchange, kind.fault_exchange)]
    with suppress(AMQPError):
        peer.delete(*names)
    peer.close()


@pytest.fixture
def publisher(settings: RabbitSettings) -> Iterator[RabbitEventPublisher]:
    """
    Our publisher.
    """
    publisher = RabbitEventPublisher(settings)
    yield publisher
    publisher.stop()


@pytest.fixture
def issuer() -> Issuer:
    """
    Whose tokens the API accepts.
    """
    return Issuer(RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"}))


@pytest.fixture
def provider() -> FakePaymentProvider:
    """
    A provider that does as it is told.
    """
    return FakePaymentProvider(name="stripe")


@pytest.fixture
def container(
    settings: RabbitSettings, tmp_path: Path, issuer: Issuer, provider: FakePaymentProvider
) -> Iterator[Container]:
    """
    An installation with SQLite, the tests' broker and a fake provider.
    """
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(KeySet([issuer.key]).as_dict(private=False)))
    container = Container(
        settings=load(
            {
                "ENVIRONMENT": "development",
                "DATABASE__URL": f"sqlite:///{tmp_path}/payments.db",
                "PAYMENT_PROVIDERS__STRIPE__API_KEY": KEY,
                "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": SIGNATURES,
                "KEYCLOAK__ISSUER": ISSUER,
                "KEYCLOAK__JWKS_URL": keys.as_uri(),
                "RABBITMQ__URL": settings.url,
                "RABBITMQ__PAYMENTS_NAMESPACE": settings.payments_namespace,
                "RABBITMQ__ORDER_CREATED": settings.order_created[0],
                "RABBITMQ__REFUND_QUEUE": settings.refund_queue,
                "RABBITMQ__CAPTURE_QUEUE": settings.capture_queue,
                "RABBITMQ__ORDER_QUEUE": settings.order_queue,
            }
        )
    )
    container.stripe.override(providers.Object(provider))
    migrate_database(container)
    yield container
    close(container)


@pytest.fixture
def api(container: Container, issuer: Issuer) -> Api:
    """
    The API, called by a customer.
    """
    return Api(create_app(container).test_client(), issuer).of("Customer")
