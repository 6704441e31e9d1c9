"""
Refunds, as callers see them.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from payments_core.testing.fake_provider import FakePaymentProvider, Fault

Api = Any
MakePayment = Callable[[str], str]


@pytest.fixture
def path(payment_in: MakePayment) -> str:
    """
    Where a captured payment of 10.00 EUR is refunded.
    """
    return f"/api/payments/{payment_in('Succeeded')}/refund"


def test_refunded_in_part(admin: Api, path: str) -> None:
    """
    A refund is 201, with exact amounts.
    """
    answer = admin.post(path, {"amount": "4.00", "reason": "damaged"}, key="k")
    refund = answer.get_json()

    assert answer.status_code == 201
    assert refund == {
        "refundId": refund["refundId"],
        "paymentId": path.split("/")[3],
        "amount": "4.00",
        "currency": "EUR",
        "status": "Succeeded",
        "reason": "damaged",
        "providerRefundId": "stripe_re_1",
        "createdAt": refund["createdAt"],
        "completedAt": refund["completedAt"],
    }


def test_all_that_is_left(admin: Api, path: str) -> None:
    """
    Without an amount everything that is left goes back, and the payment is Refunded.
    """
    admin.post(path, {"amount": "4.00"}, key="a")
    answer = admin.post(path, key="b")

    assert answer.get_json()["amount"] == "6.00"
    assert admin.get(path.removesuffix("/refund")).get_json()["status"] == "Refunded"


def test_too_much(admin: Api, path: str) -> None:
    """
    No more than is left can be refunded.
    """
    answer = admin.post(path, {"amount": "10.01"}, key="k")

    assert answer.status_code == 422
    assert answer.get_json()["code"] == "refund_exceeds_captured"


def test_nothing_left(admin: Api, path: str) -> None:
    """
    What is refunded already cannot be refunded again.
    """
    admin.post(path, key="a")
    answer = admin.post(path, key="b")

    assert answer.status_code == 409
    assert answer.get_json()["code"] == "already_refunded"


def test_same_key_same_refund(admin: Api, path: str, provider: FakePaymentProvider) -> None:
    """
    The same key and request again give the same refund, marked as a replay; no money moves.
    """
    first = admin.post(path, {"amount": "4.00"}, key="k")
    second = admin.post(
        path, data=b'{ "amount" : "4.00" }', content_type="application/json", key="k"
    )

    assert second.status_code == 201
    assert second.get_json() == first.get_json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert provider.calls.count("refund") == 1


def test_same_key_other_request(admin: Api, path: str) -> None:
    """
    The same key with another amount is refused.
    """
    admin.post(path, {"amount": "4.00"}, key="k")
    answer = admin.post(path, {"amount": "5.00"}, key="k")

    assert answer.status_code == 422
    assert answer.get_json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("other", ["K", "k "])
def test_other_key_other_refund(admin: Api, path: str, other: str) -> None:
    """
    Keys are compared as they are, letter by letter.
    """
    first = admin.post(path, {"amount": "4.00"}, key="k").get_json()
    second = admin.post(path, {"amount": "4.00"}, key=f"{other}x").get_json()

    assert first["refundId"] != second["refundId"]


def test_keys_are_each_callers_own(admin: Api, api: Api, path: str) -> None:
    """
    The same key of another caller is another key.
    """
    callers = (
        admin,
        api.of("Finance", sub="f"),
        api.of("Finance", sub="f", azp="back-office"),
    )
    made = [c.post(path, {"amount": "3.00"}, key="k").get_json()["refundId"] for c in callers]

    assert len(set(made)) == len(callers)


def test_keys_are_each_routes_own(admin: Api, payment_in: MakePayment) -> None:
    """
    The same key on another route is another key.
    """
    payment = f"/api/payments/{payment_in('Authorized')}"
    captured = admin.post(f"{payment}/capture", {}, key="k")
    refunded = admin.post(f"{payment}/refund", {}, key="k")

    assert (captured.status_code, refunded.status_code) == (200, 201)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency_key_missing"),
        ("", "idempotency_key_invalid"),
        ("k" * 256, "idempotency_key_invalid"),
        ("schl\u00fcssel", "idempotency_key_invalid"),
        ("a\tb", "idempotency_key_invalid"),
    ],
)
@pytest.mark.parametrize("action", ["refund", "capture"])
def test_bad_key(admin: Api, path: str, key: str | None, code: str, action: str) -> None:
    """
    Where money moves a good key is required.
    """
    answer = admin.post(path.replace("refund", action), {}, key=key)

    assert answer.status_code == 400
    assert answer.get_json()["code"] == code


@pytest.mark.parametrize("key", ["k" * 255, "' OR 1=1--", "~!@#"])
def test_good_key(admin: Api, path: str, key: str) -> None:
    """
    A key is text and nothing else.
    """
    assert admin.post(path, {}, key=key).status_code == 201


def test_unknown_outcome(admin: Api, path: str, provider: FakePaymentProvider) -> None:
    """
    A refund whose outcome nobody knows is 202 and Pending, and so is its repetition.
    """
    provider.faults.append(Fault("refund"))
    first = admin.post(path, {}, key="k")
    second = admin.post(path, {}, key="k")

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.get_json()["status"] == "Pending"
    assert first.headers["Retry-After"] == "2"


def test_never_more_than_captured(admin: Api, path: str) -> None:
    """
    Of twenty refunds of a third each, sent at once, exactly three succeed.
    """

    def ask(number: int) -> int:
        status: int = admin.post(path, {"amount": "3.33"}, key=f"k{number}").status_code
        return status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(ask, range(20)))

    assert statuses.count(201) == 3
    assert statuses.count(422) == 17
