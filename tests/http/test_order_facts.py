"""
A payment for an order that the Order Service told agrees with it; for others the settings decide.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest
from flask.testing import FlaskClient

from payments_core.domain.order import Order
from payments_core.testing.builders import eur
from payments_core.testing.fake_provider import FakePaymentProvider
from payments_core.testing.memory import InMemoryDatabase

Api = Any
Json = dict[str, Any]
ClientWith = Callable[[Mapping[str, str]], FlaskClient]


@pytest.fixture
def order(database: InMemoryDatabase) -> Order:
    """
    An order of alice's that costs 10.00 EUR.
    """
    order = Order(id=uuid4(), customer_id="alice", total=eur("10.00"))
    database.tables.orders[order.id] = order
    return order


def _body(order_id: UUID, **changes: str) -> Json:
    body = {"orderId": str(order_id), "amount": "10.00", "currency": "EUR"}
    return body | {"paymentMethodId": "fake_approved"} | changes


def test_owner_pays(alice: Api, order: Order) -> None:
    """
    The order's customer pays what it costs.
    """
    answer = alice.post("/api/payments", _body(order.id))

    assert (answer.status_code, answer.get_json()["customerId"]) == (201, "alice")


@pytest.mark.parametrize(
    ("who", "changes", "status", "code"),
    [
        ("mallory", {}, 404, "not_found"),
        ("mallory", {"amount": "9.99"}, 404, "not_found"),
        ("alice", {"amount": "9.99"}, 422, "order_amount_mismatch"),
        ("alice", {"amount": "10.01"}, 422, "order_amount_mismatch"),
        ("alice", {"currency": "USD"}, 422, "order_amount_mismatch"),
        ("order-service", {"amount": "9.99"}, 422, "order_amount_mismatch"),
        ("order-service", {"customerId": "mallory"}, 404, "not_found"),
    ],
)
def test_what_differs_is_refused(
    api: Api,
    order: Order,
    provider: FakePaymentProvider,
    database: InMemoryDatabase,
    who: str,
    changes: dict[str, str],
    status: int,
    code: str,
) -> None:
    """
    Another customer, amount or currency than the order's is refused, and nothing is left behind.
    """
    caller = api.of_service(who) if who == "order-service" else api.of("Customer", sub=who)
    answer = caller.post("/api/payments", _body(order.id, **changes))

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert not provider.calls
    assert not database.tables.payments


@pytest.mark.parametrize("who", ["order-service", "Admin"])
def test_paid_on_behalf(api: Api, order: Order, who: str) -> None:
    """
    Without a named customer the order's owns what a service or an administrator pays.
    """
    caller = api.of_service(who) if who == "order-service" else api.of(who, sub="root")

    assert caller.post("/api/payments", _body(order.id)).get_json()["customerId"] == "alice"
    assert caller.post("/api/payments", _body(uuid4())).get_json()["customerId"] != "alice"


def test_unknown_orders(alice: Api, order: Order, client_with: ClientWith) -> None:
    """
    With ORDERS__REQUIRE_KNOWN an order must have been told; another's is as one that was not.
    """
    assert alice.post("/api/payments", _body(uuid4())).status_code == 201

    strict = attrs.evolve(alice, client=client_with({"ORDERS__REQUIRE_KNOWN": "true"}))
    mallory = strict.of("Customer", sub="mallory")
    same = {"X-Request-Id": "the-same-request"}
    unknown = mallory.post("/api/payments", _body(uuid4()), headers=same)
    alices = mallory.post("/api/payments", _body(order.id), headers=same)

    assert unknown.status_code == alices.status_code == 404
    assert unknown.data == alices.data
    assert str(unknown.headers) == str(alices.headers)
    assert unknown.headers["Retry-After"]
    assert strict.post("/api/payments", _body(order.id)).status_code == 201


def test_anothers_live_payment(api: Api, alice: Api) -> None:
    """
    Neither is a payment for another's order told from one for an order that nobody told.
    """
    order_id = uuid4()
    alice.post("/api/payments", _body(order_id))
    answer = api.of("Customer", sub="mallory").post("/api/payments", _body(order_id))

    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
