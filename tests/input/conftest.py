"""
The app as it ships, with a real database, Stripe's adapter, and a simulated Stripe over HTTP.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest
import sqlalchemy as sa
from joserfc.jwk import KeySet, RSAKey
from werkzeug.test import TestResponse

from payments_bootstrap import Container, close
from payments_bootstrap.configuration import load
from payments_bootstrap.serving import migrate_database
from payments_http.app import create_app
from stripe_simulator import Simulator
from stripe_simulator.webhooks import sign
from tests.http.conftest import ISSUER, Api, Issuer

WEBHOOK = "/api/payments/webhooks/stripe"
OLD_SECRET = "whsec_before_the_rotation"

Json = dict[str, Any]


@attrs.frozen
class Shop:
    """
    A running service, its Stripe, and everybody who may call it.
    """

    container: Container
    simulator: Simulator
    api: Api

    @property
    def alice(self) -> Api:
        """
        The service as a customer calls it.
        """
        return self.api.of("Customer", sub="alice")

    @property
    def admin(self) -> Api:
        """
        The service as an administrator calls it.
        """
        return self.api.of("Admin", sub="root")

    def pay(self, method: str | None = "pm_card_visa", **changes: Any) -> Json:
        """
        Take 10.00 EUR from Alice.
        """
        return self.alice.pay(paymentMethodId=method, **changes)

    def event(self, **changes: Any) -> Json:
        """
        Return Stripe's last event about a PaymentIntent, under a new id.
        """
        found = [e for e in self.simulator.objects("event") if e["type"].startswith("payment_i")]
        fresh = {"id": f"evt_{uuid4().hex}", "created": int(time.time())}
        return {**found[-1], **fresh, **changes}

    def deliver(
        self,
        payload: bytes,
        header: str | None = None,
        *,
        secret: str | None = None,
        **headers: str,
    ) -> TestResponse:
        """
        Deliver a payload, signed as Stripe signs unless a header is given.
        """
        secret = secret or self.simulator.webhook_secret
        value = sign(payload, secret, int(time.time())) if header is None else header
        sent = {"Stripe-Signature": value, **headers}
        kind = "application/json; charset=utf-8"
        return self.api.post(WEBHOOK, data=payload, headers=sent, content_type=kind)

    def rows(self) -> Mapping[str, int]:
        """
        Return how many rows each table has.
        """
        engine = self.container.engine()
        tables = sa.inspect(engine).get_table_names()
        with engine.connect() as connection:
            return {
                table: int(connection.execute(sa.text(f'SELECT count(*) FROM "{table}"')).scalar())  # type: ignore[arg-type]  # noqa: S608 - our own tables
                for table in tables
            }

    def traces(self) -> tuple[Mapping[str, int], int]:
        """
        Return what a request could leave behind: rows, and calls of Stripe.
        """
        return self.rows(), len(self.simulator.requests())

    def stored(self, event_id: str) -> Mapping[str, Any]:
        """
        Return the row of a webhook event.
        """
        query = sa.text("SELECT * FROM webhook_events WHERE event_id = :id")
        with self.container.engine().connect() as connection:
            return dict(connection.execute(query, {"id": event_id}).mappings().one())


def raw(event: Json) -> bytes:
    """
    Return an event as Stripe writes it.
    """
    return json.dumps(event, indent=2).encode()


MakeShop = Callable[..., Shop]


@pytest.fixture(scope="module")
def make_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeShop]:
    """
    Start services with settings of their own; all end with the module.
    """
    opened: list[Shop] = []
    key = RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig", "alg": "RS256"})

    def make(**settings: str) -> Shop:
        folder: Path = tmp_path_factory.mktemp("shop")
        keys = folder / "jwks.json"
        keys.write_text(json.dumps(KeySet([key]).as_dict(private=False)))
        simulator = Simulator(seed=1, delay_seconds=60)
        simulator.__enter__()
        environ = {
            "ENVIRONMENT": "development",
            "DATABASE__URL": f"sqlite:///{folder / 'payments.db'}",
            "PAYMENT_PROVIDERS__STRIPE__API_KEY": simulator.api_key,
            "PAYMENT_PROVIDERS__STRIPE__API_BASE": simulator.url,
            "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": f"{simulator.webhook_secret},{OLD_SECRET}",
            "KEYCLOAK__ISSUER": ISSUER,
            "KEYCLOAK__JWKS_URL": keys.as_uri(),
            "HTTP__ALLOWED_RETURN_URLS": "shop.example",
        }
        container = Container(settings=load(environ | settings))
        migrate_database(container)
        api = Api(create_app(container).test_client(), Issuer(key))
        opened.append(Shop(container, simulator, api))
        return opened[-1]

    yield make
    for shop in opened:
        close(shop.container)
        shop.simulator.__exit__(None, None, None)


@pytest.fixture(scope="module")
def shop(make_shop: MakeShop) -> Shop:
    """
    A service that a module's tests share.
    """
    return make_shop()
