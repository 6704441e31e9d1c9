"""
The real app over in-memory storage and a fake provider, and tokens for every caller.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from uuid import uuid4

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from dependency_injector import providers
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug.test import TestResponse

from payments_bootstrap import Container
from payments_bootstrap.configuration import load
from payments_core.testing.fake_provider import ACTION_METHOD, APPROVED_METHOD, FakePaymentProvider
from payments_core.testing.memory import InMemoryDatabase, InMemoryUnitOfWork
from payments_core.testing.memory_queries import InMemoryPaymentQueries
from payments_core.testing.memory_reconciliation import InMemoryReconciliationQueries
from payments_http.access import EXTENSION
from payments_http.app import create_app

ISSUER: Final = "https://issuer.example/realms/ecommerce-realm"

Json = dict[str, Any]


def base64url(data: bytes) -> str:
    """
    Return the data as tokens write it.
    """
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@attrs.frozen
class Issuer:
    """
    Signs tokens as Keycloak does.
    """

    key: RSAKey
    issuer: str = ISSUER

    def claims(self, **changes: Any) -> Json:
        """
        Return the claims of a good token of a customer; None takes one away.
        """
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": "payment-service",
            "sub": "alice",
            "typ": "Bearer",
            "azp": "web-shop",
            "iat": now,
            "exp": now + 300,
            "realm_access": {"roles": ["Customer"]},
        }
        return {k: v for k, v in (claims | changes).items() if v is not None}

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """
        Return the claims as a token.
        """
        head = {"alg": "RS256", "kid": self.key.kid, **header}
        return jwt.encode({k: v for k, v in head.items() if v is not None}, dict(claims), self.key)

    def stamp(self, header: str, claims: str) -> str:
        """
        Return a token of exactly these two texts, with a signature (RS256) that is right.
        """
        text = f"{base64url(header.encode())}.{base64url(claims.encode())}"
        signature = self.key.get_op_key("sign").sign(text.encode(), PKCS1v15(), SHA256())
        return f"{text}.{base64url(signature)}"

    def token(self, *roles: str, sub: str = "alice", **changes: Any) -> str:
        """
        Return a good token of a person with roles.
        """
        return self.sign(self.claims(sub=sub, realm_access={"roles": list(roles)}, **changes))

    def service(self, client: str) -> str:
        """
        Return a good token of another service.
        """
        account = {"azp": client, "preferred_username": f"service-account-{client}"}
        return self.token(sub=f"id-of-{client}", **account)


@attrs.define
class Api:
    """
    A caller of the app: a client with somebody's token.
    """

    client: FlaskClient
    issuer: Issuer
    token: str = ""

    def of(self, *roles: str, sub: str = "alice", **claims: Any) -> "Api":
        """
        Return the same client with the token of a person.
        """
        return attrs.evolve(self, token=self.issuer.token(*roles, sub=sub, **claims))

    def of_service(self, client: str) -> "Api":
        """
        Return the same client with the token of another service.
        """
        return attrs.evolve(self, token=self.issuer.service(client))

    def call(
        self, method: str, path: str, body: object = None, *, key: str | None = None, **options: Any
    ) -> TestResponse:
        """
        Send a request; a body is sent as JSON.
        """
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if key is not None:
            headers["Idempotency-Key"] = key
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        """
        Get.
        """
        return self.call("GET", path, **options)

    def post(self, path: str, body: object = None, **options: Any) -> TestResponse:
        """
        Post.
        """
        return self.call("POST", path, body, **options)

    def pay(self, **changes: Any) -> Json:
        """
        Take a payment and return it.
        """
        answer = self.post("/api/payments", a_body(**changes))
        assert answer.status_code in {200, 201, 202}, answer.text
        found: Json = answer.get_json()
        return found


def a_body(**changes: Any) -> Json:
    """
    Return the body that takes 10.00 EUR at once; None takes a field away.
    """
    body = {
        "orderId": str(uuid4()),
        "amount": "10.00",
        "currency": "EUR",
        "paymentMethodId": APPROVED_METHOD,
    }
    return {k: v for k, v in (body | changes).items() if v is not None}


@pytest.fixture(scope="session")
def signing_key() -> RSAKey:
    """
    The issuer's key; making one takes long.
    """
    return RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig", "alg": "RS256"})


@pytest.fixture
def issuer(signing_key: RSAKey) -> Issuer:
    """
    Who signs the tokens of the tests.
    """
    return Issuer(signing_key)


@pytest.fixture
def database() -> InMemoryDatabase:
    """
    What is stored.
    """
    return InMemoryDatabase()


@pytest.fixture
def provider() -> FakePaymentProvider:
    """
    The payment provider, under the name of the default one.
    """
    return FakePaymentProvider(name="stripe")


@pytest.fixture(scope="session")
def environ(tmp_path_factory: pytest.TempPathFactory, signing_key: RSAKey) -> dict[str, str]:
    """
    Settings that a developer's machine could have.
    """
    keys = tmp_path_factory.mktemp("issuer") / "jwks.json"
    keys.write_text(json.dumps(KeySet([signing_key]).as_dict(private=False)))
    return {
        "ENVIRONMENT": "development",
        "DATABASE__URL": "sqlite://",
        "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one",
        "KEYCLOAK__ISSUER": ISSUER,
        # Both kinds of key, so that the wrong kind for a key can be tried.
        "KEYCLOAK__ALGORITHMS": "RS256,ES256",
        "KEYCLOAK__JWKS_URL": keys.as_uri(),
        "HTTP__ALLOWED_RETURN_URLS": "shop.example,localhost:3000",
    }


@pytest.fixture(scope="session")
def app(environ: dict[str, str]) -> Flask:
    """
    The app; making one takes long, and it keeps nothing of a request.
    """
    return create_app(Container(settings=load(environ)))


@pytest.fixture
def container(
    app: Flask, database: InMemoryDatabase, provider: FakePaymentProvider
) -> Iterator[Container]:
    """
    The app's container with storage and provider replaced.
    """
    container: Container = app.extensions[EXTENSION].container
    replaced: dict[providers.Provider[Any], providers.Provider[Any]] = {
        container.unit_of_work: providers.Factory(InMemoryUnitOfWork, database),
        container.queries: providers.Object(InMemoryPaymentQueries(database)),
        container.reconciliation_queries: providers.Object(InMemoryReconciliationQueries(database)),
        container.payment_providers: providers.Object({"stripe": provider}),
        container.stripe: providers.Object(provider),
    }
    for original, replacement in replaced.items():
        original.override(replacement)
    yield container
    for original in replaced:
        original.reset_override()
    container.reset_singletons()


@pytest.fixture
def client_with(
    environ: dict[str, str], container: Container
) -> Callable[[Mapping[str, str]], FlaskClient]:
    """
    Make a client of an app with other settings, over the same storage and provider.
    """

    def make(changes: Mapping[str, str]) -> FlaskClient:
        other = Container(settings=load({**environ, **changes}))
        for name in ("unit_of_work", "queries", "payment_providers", "stripe"):
            getattr(other, name).override(getattr(container, name))
        return create_app(other).test_client()

    return make


@pytest.fixture
def api(app: Flask, container: Container, issuer: Issuer) -> Api:
    """
    The app, called by nobody in particular.
    """
    assert container is app.extensions[EXTENSION].container
    return Api(app.test_client(), issuer)


@pytest.fixture
def alice(api: Api) -> Api:
    """
    The app, called by the customer Alice.
    """
    return api.of("Customer")


@pytest.fixture
def admin(api: Api) -> Api:
    """
    The app, called by an administrator.
    """
    return api.of("Admin", sub="root")


MakePayment = Callable[[str], str]


@pytest.fixture
def payment_in(alice: Api, admin: Api) -> MakePayment:
    """
    Make a payment of Alice's in a state, and return its id.
    """
    recipes: dict[str, Json] = {
        "Succeeded": {},
        "Authorized": {"captureMethod": "manual"},
        "RequiresAction": {"paymentMethodId": ACTION_METHOD, "returnUrl": "https://shop.example/"},
        "Failed": {"paymentMethodId": "fake_declined"},
        "Canceled": {"captureMethod": "manual"},
        "Refunded": {},
        "Waiting": {"paymentMethodId": None},
    }

    def make(state: str) -> str:
        payment_id = str(alice.pay(**recipes[state])["paymentId"])
        if state == "Canceled":
            admin.post(f"/api/payments/{payment_id}/cancel")
        if state == "Refunded":
            admin.post(f"/api/payments/{payment_id}/refund", {}, key="all")
        return payment_id

    return make
