"""
The same thing asked twenty times at once of the real service: one effect, and one answer.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import uuid4

import pytest

from tests.e2e.conftest import Reply

Service = Any

# Starting the service takes longest; the use cases are raced at every change (tests/postgres).
pytestmark = pytest.mark.slow

AT_ONCE: Final = 20
PATIENCE: Final = 120.0  # seconds


def at_once(act: Callable[[int], Reply]) -> list[Reply]:
    """
    Send requests that start together, and return their answers.
    """
    start = threading.Barrier(AT_ONCE)

    def wait_and_act(number: int) -> Reply:
        start.wait(30)
        return act(number)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(wait_and_act, range(AT_ONCE)))


def patiently(send: Callable[[], Reply]) -> Reply:
    """
    Return an answer that is not "somebody was faster, try again".
    """
    deadline = time.monotonic() + PATIENCE
    while (reply := send()).body.get("code") == "concurrent_update":
        assert time.monotonic() < deadline, "The database was busy all the time"
    return reply


def test_one_key(service: Service) -> None:
    """
    Twenty creations with one key: one payment, one charge, and every good answer is the same.
    """
    body = {
        "orderId": str(uuid4()),
        "amount": "9.00",
        "currency": "EUR",
        "paymentMethodId": "pm_card_visa",
    }
    key = str(uuid4())

    def pay(_: int) -> Reply:
        return patiently(lambda: service.call("POST", "", body, role="Customer", key=key))

    replies = [*at_once(pay), pay(0)]
    good = [r for r in replies if r.status == 201]
    others = {(r.status, r.body["code"]) for r in replies if r.status != 201}

    assert len(good) >= 2
    assert all(r.body == good[0].body for r in good)
    assert others <= {(409, "idempotency_in_progress")}
    assert replies[-1].headers["Idempotency-Replayed"] == "true"
    assert len(service.charges(good[0].body["paymentId"])) == 1


def test_one_order(service: Service) -> None:
    """
    Twenty creations for one order, each with a key of its own: one payment and one charge.
    """
    body = {
        "orderId": str(uuid4()),
        "amount": "9.00",
        "currency": "EUR",
        "paymentMethodId": "pm_card_visa",
    }

    def pay(_: int) -> Reply:
        return patiently(lambda: service.call("POST", "", body, role="Customer"))

    replies = at_once(pay)
    ids = {r.body["paymentId"] for r in replies}

    assert {r.status for r in replies} <= {200, 201, 202}
    assert [r.status for r in replies].count(201) <= 1
    assert len(ids) == 1
    assert len(service.charges(ids.pop())) == 1


def test_refunds_of_a_third(service: Service) -> None:
    """
    Of twenty refunds of a third exactly three succeed; the others hear that nothing is left.
    """
    payment_id = service.pay(amount="9.00").body["paymentId"]
    path = f"/{payment_id}/refund"

    def refund(number: int) -> Reply:
        key = f"{payment_id} {number}"
        return patiently(lambda: service.call("POST", path, {"amount": "3.00"}, key=key))

    replies = at_once(refund)
    made = [r for r in replies if r.status == 201]
    others = {(r.status, r.body["code"]) for r in replies if r.status != 201}

    assert len({r.body["refundId"] for r in made}) == len(made) == 3
    assert others <= {(422, "refund_exceeds_captured"), (409, "already_refunded")}
    assert service.becomes(payment_id, "Refunded")["refundedAmount"] == "9.00"
