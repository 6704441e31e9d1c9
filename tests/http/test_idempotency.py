"""
Idempotency-Key over HTTP: exact statuses and codes.
"""

from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import attrs
import pytest
from werkzeug.test import TestResponse

from payments_bootstrap import Container
from payments_core.ports.faults import hooked
from payments_core.testing.conformance.idempotency import Died, dying_at
from payments_core.testing.fake_provider import (
    ACTION_METHOD,
    DECLINED_METHOD,
    FakePaymentProvider,
    Fault,
)
from payments_core.testing.memory import InMemoryDatabase
from tests.http.conftest import Api, Json, MakePayment, a_body

REPLAYED: Final = "Idempotency-Replayed"


def code(answer: TestResponse) -> str:
    """
    Return the code of a refusal.
    """
    return str(answer.get_json()["code"])


def told(answer: TestResponse) -> tuple[int, Json]:
    """
    Return what must be the same in every answer to a key.
    """
    return answer.status_code, answer.get_json()


def is_replay(answer: TestResponse) -> bool:
    """
    Return whether an answer says that it was given before.
    """
    return answer.headers.get(REPLAYED) == "true"


# ---------------------------------------------------------------- the key itself

KEYS: Final = [
    ("missing", None, 400, "idempotency_key_missing"),
    ("empty", "", 400, "idempotency_key_invalid"),
    ("256 characters", "k" * 256, 400, "idempotency_key_invalid"),
    ("beyond ASCII", "schlüssel", 400, "idempotency_key_invalid"),
    ("tabulator", "a\tb", 400, "idempotency_key_invalid"),
    ("255 characters", "k" * 255, 0, ""),
    ("SQL", "' OR 1=1--", 0, ""),
    ("one character", "k", 0, ""),
]
WRITES: Final[dict[str, tuple[str, Json, int]]] = {
    "confirm": ("Waiting", {"paymentMethodId": "fake_approved"}, 200),
    "capture": ("Authorized", {}, 200),
    "cancel": ("Authorized", {}, 200),
    "refund": ("Succeeded", {"amount": "1.00"}, 201),
}
REQUIRED: Final = {"capture", "refund"}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("case", "key", "status", "problem"), KEYS)
def test_keys(
    admin: Api,
    payment_in: MakePayment,
    write: str,
    case: str,
    key: str | None,
    status: int,
    problem: str,
) -> None:
    """
    A key is 1 to 255 printable ASCII characters, and only refund and capture need one.
    """
    state, body, good = WRITES[write]
    answer = admin.post(f"/api/payments/{payment_in(state)}/{write}", body, key=key)

    if case == "missing" and write not in REQUIRED:
        status, problem = 0, ""
    assert answer.status_code == (status or good), answer.text
    assert not problem or code(answer) == problem


@pytest.mark.parametrize(("case", "key", "status", "problem"), KEYS[1:])
def test_keys_of_creations(
    alice: Api, database: InMemoryDatabase, case: str, key: str, status: int, problem: str
) -> None:
    """
    The same for a creation; what is refused leaves nothing.
    """
    answer = alice.post("/api/payments", a_body(), key=key)

    assert answer.status_code == (status or 201), case
    assert not problem or code(answer) == problem
    assert len(database.tables.payments) == (not problem)


# ---------------------------------------------------------------- the same answer


@pytest.mark.parametrize("write", WRITES)
def test_replay(admin: Api, payment_in: MakePayment, write: str) -> None:
    """
    The same key and request give the stored answer, and say so; nothing is done again.
    """
    state, body, good = WRITES[write]
    path = f"/api/payments/{payment_in(state)}/{write}"
    first, second = (admin.post(path, body, key="k") for _ in range(2))

    assert first.status_code == good
    assert told(second) == told(first)
    assert (is_replay(first), is_replay(second)) == (False, True)


@pytest.mark.parametrize(
    ("method", "status"), [("fake_approved", "Succeeded"), (DECLINED_METHOD, "Failed")]
)
def test_replay_of_a_creation(
    alice: Api, provider: FakePaymentProvider, method: str, status: str
) -> None:
    """
    Also a declined payment is the same 201 again, with its place.
    """
    body = a_body(paymentMethodId=method)
    first, second = (alice.post("/api/payments", body, key="k") for _ in range(2))

    assert (first.status_code, first.get_json()["status"]) == (201, status)
    assert told(second) == told(first)
    assert second.headers["Location"] == first.headers["Location"]
    assert (is_replay(first), is_replay(second)) == (False, True)
    assert provider.calls.count("create_intent") == 1


def test_order_of_keys_and_spaces_do_not_matter(alice: Api) -> None:
    """
    The same JSON in another spelling is the same request.
    """
    body = a_body()
    alice.post("/api/payments", body, key="k")
    spelt = ",\n ".join(f'"{name}" : "{value}"' for name, value in reversed(body.items()))
    again = alice.call(
        "POST",
        "/api/payments",
        key="k",
        data="{ " + spelt.replace('"10.00"', '"10.0"') + " }",
        content_type="application/json",
    )

    assert (again.status_code, is_replay(again)) == (201, True)


@pytest.mark.parametrize("change", [{"amount": "10.01"}, {"orderId": str(uuid4())}])
def test_other_request(alice: Api, database: InMemoryDatabase, change: Json) -> None:
    """
    The same key with another body is refused, and writes nothing.
    """
    body = a_body()
    alice.post("/api/payments", body, key="k")
    before = database.tables
    answer = alice.post("/api/payments", body | change, key="k")

    assert (answer.status_code, code(answer)) == (422, "idempotency_key_reused")
    assert database.tables is before


def test_other_payment(admin: Api, payment_in: MakePayment) -> None:
    """
    The payment in the path is part of the request.
    """
    one, other = payment_in("Succeeded"), payment_in("Succeeded")
    body = {"amount": "1.00"}
    admin.post(f"/api/payments/{one}/refund", body, key="k")
    answer = admin.post(f"/api/payments/{other}/refund", body, key="k")

    assert (answer.status_code, code(answer)) == (422, "idempotency_key_reused")


# ---------------------------------------------------------------- whose key it is


def test_other_client(api: Api) -> None:
    """
    The same key of another person, or through another client, is another key.
    """
    callers = [api.of("Customer", sub=s, azp=c) for s, c in (("a", "x"), ("b", "x"), ("a", "y"))]
    answers = [caller.post("/api/payments", a_body(), key="k") for caller in callers]

    assert [a.status_code for a in answers] == [201] * 3
    assert len({a.get_json()["paymentId"] for a in answers}) == 3
    assert not any(is_replay(a) for a in answers)


def test_other_route(admin: Api, payment_in: MakePayment) -> None:
    """
    The same key on another route is another key.
    """
    payment_id = payment_in("Authorized")
    captured = admin.post(f"/api/payments/{payment_id}/capture", {}, key="k")
    refunded = admin.post(f"/api/payments/{payment_id}/refund", {}, key="k")

    assert (captured.status_code, refunded.status_code) == (200, 201)
    assert not is_replay(refunded)


def test_case_matters(admin: Api, payment_in: MakePayment) -> None:
    """
    Keys in lower and upper case are different keys.
    """
    path = f"/api/payments/{payment_in('Succeeded')}/refund"
    answers = [admin.post(path, {"amount": "1.00"}, key=key) for key in ("key", "KEY")]

    assert len({a.get_json()["refundId"] for a in answers}) == 2


# ---------------------------------------------------------------- what is not stored

NOT_STORED: Final[dict[str, tuple[Callable[[Api], TestResponse], int]]] = {
    "no token": (
        lambda api: attrs.evolve(api, token="").post("/api/payments", a_body(), key="k"),
        401,
    ),
    "not allowed": (lambda api: api.of("Ops").post("/api/payments", a_body(), key="k"), 403),
    "not JSON": (
        lambda api: api.call(
            "POST", "/api/payments", key="k", data="{", content_type="application/json"
        ),
        400,
    ),
    "other type": (
        lambda api: api.call("POST", "/api/payments", key="k", data="x", content_type="text/plain"),
        415,
    ),
    "too long": (
        lambda api: api.call(
            "POST", "/api/payments", key="k", data=" " * 65_537, content_type="application/json"
        ),
        413,
    ),
    "not valid": (lambda api: api.post("/api/payments", a_body(amount="0"), key="k"), 422),
}


@pytest.mark.parametrize("case", NOT_STORED)
def test_refusals_are_not_stored(alice: Api, database: InMemoryDatabase, case: str) -> None:
    """
    A refused request leaves the key free, and the corrected one executes.
    """
    act, status = NOT_STORED[case]
    refused = act(alice)
    keys = dict(database.tables.keys)
    answer = alice.post("/api/payments", a_body(), key="k")

    assert (refused.status_code, keys) == (status, {})
    assert (answer.status_code, is_replay(answer)) == (201, False)


def test_failures_are_not_stored(alice: Api, container: Container) -> None:
    """
    A database that is away is no answer; the same request is done later.
    """
    body = a_body()
    with hooked(_unavailable):
        away = alice.post("/api/payments", body, key="k")
    answer = alice.post("/api/payments", body, key="k")

    assert (away.status_code, answer.status_code) == (503, 201)
    assert container is not None


def _unavailable(name: str) -> None:
    if name == "create.intent.precommit":
        from payments_core.domain.errors import StorageUnavailable

        raise StorageUnavailable("gone")


def test_unknown_outcome(alice: Api, provider: FakePaymentProvider) -> None:
    """
    A 202 is not stored: a repeat answers the present state, and the first known one stays.
    """
    body = a_body(captureMethod="manual")
    provider.faults.append(Fault("create_intent", effect=True))
    unknown, still = (alice.post("/api/payments", body, key="k") for _ in range(2))
    payment_id = unknown.get_json()["paymentId"]
    (made,) = (p for p in provider._payments.values() if str(p.payment_id) == payment_id)
    payload, headers = provider.webhook(made.id)
    alice.client.post("/api/payments/webhooks/stripe", data=payload, headers=headers)
    known, again = (alice.post("/api/payments", body, key="k") for _ in range(2))

    assert (unknown.status_code, still.status_code) == (202, 202)
    assert unknown.headers["Retry-After"] == still.headers["Retry-After"] == "2"
    assert (known.status_code, known.get_json()["status"]) == (201, "Authorized")
    assert told(again) == told(known)
    assert provider.calls.count("create_intent") == 1


def test_in_flight(alice: Api, provider: FakePaymentProvider) -> None:
    """
    While a request is being done its repeat is asked to wait; another request is refused at once.
    """
    body = a_body()
    with hooked(dying_at("create.call.before")), pytest.raises(Died):
        alice.post("/api/payments", body, key="k")
    waits = alice.post("/api/payments", body, key="k")
    other = alice.post("/api/payments", body | {"amount": "11.00"}, key="k")

    assert (waits.status_code, code(waits)) == (409, "idempotency_in_progress")
    assert waits.headers["Retry-After"] == "1"
    assert (other.status_code, code(other)) == (422, "idempotency_key_reused")
    assert provider.calls == []


# ---------------------------------------------------------------- secrets


def test_secrets_are_those_of_now(
    alice: Api, api: Api, provider: FakePaymentProvider, database: InMemoryDatabase
) -> None:
    """
    The client secret is not stored: a replay has it while the payment waits, and not after.
    """
    body = a_body(paymentMethodId=ACTION_METHOD, returnUrl="https://shop.example/")
    first, waiting = (alice.post("/api/payments", body, key="k") for _ in range(2))
    kept = str([r.result for r in database.tables.keys.values()])
    (made,) = provider._payments.values()
    provider.approve(made.id)
    payload, headers = provider.webhook(made.id)
    api.client.post("/api/payments/webhooks/stripe", data=payload, headers=headers)
    after = alice.post("/api/payments", body, key="k")

    assert first.get_json()["clientSecret"]
    assert told(waiting) == told(first)
    secrets = ("clientSecret", "nextAction")
    assert told(after) == (201, {k: v for k, v in first.get_json().items() if k not in secrets})
    assert first.get_json()["clientSecret"] not in kept
    assert "result" not in repr(next(iter(database.tables.keys.values())))


def test_secrets_are_the_owners(api: Api) -> None:
    """
    A service that pays for a customer sees no secret, the second time neither.
    """
    orders = api.of_service("order-service")
    body: dict[str, Any] = a_body(paymentMethodId=None, customerId="alice")
    answers = [orders.post("/api/payments", body, key="k") for _ in range(2)]

    assert [a.status_code for a in answers] == [201, 201]
    assert not any("clientSecret" in a.get_json() for a in answers)


# ---------------------------------------------------------------- the requester's own id


def test_a_named_refund_is_one_whoever_asks(api: Api, payment_in: MakePayment) -> None:
    """
    The same refundRequestId is one refund of the payment, for every caller and key.
    """
    path = f"/api/payments/{payment_in('Succeeded')}/refund"
    body = {"amount": "4.00", "refundRequestId": "return-17"}
    answers = [
        api.of("Finance", sub="anna").post(path, body, key="k1"),
        api.of("Finance", sub="bert").post(path, body, key="k2"),
        api.of_service("order-service").post(path, body, key="k3"),
    ]
    other = api.of("Finance", sub="anna").post(path, body | {"amount": "5.00"}, key="k4")

    assert [a.status_code for a in answers] == [201] * 3
    assert len({a.get_json()["refundId"] for a in answers}) == 1
    assert (other.status_code, code(other)) == (422, "idempotency_key_reused")
