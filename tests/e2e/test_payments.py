"""
A payment from the request to the database, over real HTTP and signed webhooks.
"""

import json
import re
import sqlite3
import subprocess
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests

from tests.e2e.conftest import Service, wait_for


def test_the_printed_lines_work_as_printed(service: Service) -> None:
    """
    Whoever copies the banner's lines into a shell sees what the banner says.
    """
    lines = service.printed[service.printed.index("  # A customer's token") :]
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        cwd=service.home,
        env=service.environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    answers = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    first, again, declined, secure, listed, confirmed, captured, part, rest = answers

    assert (first["status"], first["paymentId"]) == ("Succeeded", again["paymentId"])
    assert (declined["status"], declined["failure"]["code"]) == ("Failed", "card_declined")
    assert secure["status"] == "RequiresAction"
    assert secure["nextAction"]["redirectUrl"].startswith("http")
    assert len(listed["items"]) >= 3
    assert (confirmed["status"], confirmed["capturedAmount"]) == ("Succeeded", "40.00")
    assert (captured["status"], captured["capturedAmount"]) == ("Succeeded", "60.00")
    assert (part["amount"], rest["amount"]) == ("10.00", "50.00")
    assert service.get(rest["paymentId"])["status"] == "Refunded"
    assert re.search(r"status +Refunded", ran.stdout)


def test_a_decline_is_a_payment(service: Service) -> None:
    """
    201, Failed, with Stripe's code; its object is cancelled and can never be charged.
    """
    declined = service.pay("pm_card_chargeDeclined")
    names = [e["name"] for e in service.timeline(declined.body["paymentId"])]

    assert declined.status == 201
    assert declined.body["status"] == "Failed"
    assert declined.body["failure"]["code"] == "card_declined"
    assert "cancel" in names
    assert "IPaymentFailed" in names


@pytest.mark.parametrize(("outcome", "status"), [("approve", "Succeeded"), ("fail", "Failed")])
def test_three_d_secure(service: Service, outcome: str, status: str) -> None:
    """
    The customer decides on the bank's page; the webhook alone brings it to the payment.
    """
    back = f"{service.url}/swagger/"
    payment = service.pay("pm_card_threeDSecure2Required", returnUrl=back).body
    page = payment["nextAction"]["redirectUrl"]

    assert payment["status"] == "RequiresAction"
    assert "Approve" in requests.get(page, timeout=60).text

    answer = requests.post(page, data={"outcome": outcome}, timeout=60, allow_redirects=False)

    assert answer.headers["Location"].startswith(back)
    assert service.becomes(payment["paymentId"], status)["status"] == status


def test_manual_capture_of_a_part(service: Service) -> None:
    """
    Authorised first, a part captured later; what is released is no refund.
    """
    payment = service.pay(captureMethod="manual").body
    captured = service.call("POST", f"/{payment['paymentId']}/capture", {"amount": "4.00"})
    entries = service.timeline(payment["paymentId"])

    assert payment["status"] == "Authorized"
    assert captured.status == 200
    assert (captured.body["status"], captured.body["capturedAmount"]) == ("Succeeded", "4.00")
    assert captured.body["refundedAmount"] == "0.00"
    assert not [e for e in entries if e["kind"] == "refund"]


def test_refund_of_a_part_and_the_rest(service: Service) -> None:
    """
    Partial leaves Succeeded, the rest makes Refunded.
    """
    payment_id = service.pay().body["paymentId"]
    part = service.call("POST", f"/{payment_id}/refund", {"amount": "4.00"})
    between = service.get(payment_id)
    rest = service.call("POST", f"/{payment_id}/refund", {})

    assert (part.status, part.body["status"]) == (201, "Succeeded")
    assert (between["status"], between["refundedAmount"]) == ("Succeeded", "4.00")
    assert (rest.status, rest.body["amount"]) == (201, "6.00")
    assert service.get(payment_id)["status"] == "Refunded"


def test_the_same_request_is_the_same_payment(service: Service) -> None:
    """
    Created once: 201, then 200 with the same payment, and one charge.
    """
    order = str(uuid4())
    first, second = service.pay(orderId=order), service.pay(orderId=order)

    assert (first.status, second.status) == (201, 200)
    assert second.body["paymentId"] == first.body["paymentId"]
    assert len(service.charges(first.body["paymentId"])) == 1


def test_a_timeout_after_success_is_not_a_failure(service: Service) -> None:
    """
    Stripe charges, the answer never comes: 202 Pending, later Succeeded by the webhook.
    """
    service.fault(kind="effect_then_timeout", operation="payment_intents.create", times=1)
    # Webhooks wait, so that what the caller is told does not depend on their speed.
    service.fault(kind="delay", seconds=6, times=3)
    lost = service.pay()
    payment_id = lost.body["paymentId"]

    assert lost.status == 202
    assert lost.headers["Retry-After"]
    assert (lost.body["status"], lost.body["unresolvedOperations"]) == ("Pending", 1)

    paid = service.becomes(payment_id, "Succeeded")
    charges = service.charges(payment_id)

    assert paid["unresolvedOperations"] == 0
    assert [c["status"] for c in charges] == ["succeeded"]


@pytest.mark.slow
def test_a_request_that_never_arrived_is_sent_again(service: Service) -> None:
    """
    Stripe did nothing, so no webhook ever comes: the worker's sweeper sends the same key.
    """
    service.fault(kind="timeout", operation="payment_intents.create", times=1)
    lost = service.pay()
    payment_id = lost.body["paymentId"]

    assert (lost.status, lost.body["unresolvedOperations"]) == (202, 1)

    paid = service.becomes(payment_id, "Succeeded")

    assert paid["unresolvedOperations"] == 0
    assert [c["status"] for c in service.charges(payment_id)] == ["succeeded"]


@pytest.mark.parametrize(
    ("amount", "currency", "on_the_wire"),
    [("500", "JPY", 500), ("5.250", "BHD", 5250), ("700", "ISK", 70000), ("4000", "UGX", 400000)],
)
def test_currencies_on_the_wire(
    service: Service, amount: str, currency: str, on_the_wire: int
) -> None:
    """
    Stripe counts some currencies otherwise than ISO: what it gets is what it means.
    """
    payment = service.pay(amount=amount, currency=currency).body
    (charge,) = service.charges(payment["paymentId"])

    assert payment["status"] == "Succeeded"
    assert payment["capturedAmount"] == amount
    assert (charge["amount"], charge["currency"]) == (on_the_wire, currency.lower())


def test_bad_input_leaves_nothing(service: Service) -> None:
    """
    10.005 EUR is refused, never rounded: no row, no call.
    """
    order = str(uuid4())
    refused = service.pay(orderId=order, amount="10.005")
    listed = service.call("GET", f"?orderId={order}").body["items"]
    asked = requests.get(f"{service.simulator}/_simulator/requests", timeout=60).text

    assert refused.status == 422
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.body["code"] == "amount_precision"
    assert listed == []
    assert order not in asked


def test_everything_is_in_the_database(service: Service, request: pytest.FixtureRequest) -> None:
    """
    Payment, operations, refund, webhooks and messages are rows that anybody can read.
    """
    payment_id = service.pay().body["paymentId"]
    service.call("POST", f"/{payment_id}/refund", {})
    wait_for(lambda: any(e["kind"] == "webhook" for e in service.timeline(payment_id)), 10)
    counted = {
        table: _rows(service, request, table)
        for table in ("payments", "payment_operations", "refunds", "webhook_events", "outbox")
    }

    assert all(counted.values()), counted


def _rows(service: Service, request: pytest.FixtureRequest, table: str) -> int:
    query = f"SELECT count(*) FROM {table}"  # noqa: S608 - one of ours
    connection: Any
    if "postgres" in request.node.name:
        connection = psycopg.connect(request.getfixturevalue("own_database"))
    else:
        connection = sqlite3.connect(service.home / "var/development/payments.db")
    with connection:
        count = int(connection.execute(query).fetchone()[0])
    connection.close()
    return count
