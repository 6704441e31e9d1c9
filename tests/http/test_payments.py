"""
Taking a payment and what follows, as callers see it.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import attrs
import pytest

from payments_core.testing.builders import a_payment
from payments_core.testing.fake_provider import (
    ACTION_METHOD,
    DECLINED_METHOD,
    FakePaymentProvider,
    Fault,
)
from payments_core.testing.memory import InMemoryDatabase

Api = Any
MakePayment = Callable[[str], str]


def _body(**changes: object) -> dict[str, object]:
    body = {
        "orderId": str(uuid4()),
        "amount": "10.00",
        "currency": "EUR",
        "paymentMethodId": "fake_approved",
    }
    return {k: v for k, v in (body | changes).items() if v is not None}


def test_created(alice: Api) -> None:
    """
    A payment is 201, with its place, exact amounts and times in UTC.
    """
    order_id = str(uuid4())
    answer = alice.post("/api/payments", _body(orderId=order_id))
    payment = answer.get_json()

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/payments/{payment['paymentId']}"
    assert payment["createdAt"].endswith("Z")
    assert payment == {
        "paymentId": payment["paymentId"],
        "orderId": order_id,
        "customerId": "alice",
        "status": "Succeeded",
        "amount": "10.00",
        "currency": "EUR",
        "authorizedAmount": "10.00",
        "capturedAmount": "10.00",
        "refundedAmount": "0.00",
        "captureMethod": "automatic",
        "provider": "stripe",
        "providerPaymentId": "stripe_pi_1",
        "unresolvedOperations": 0,
        "createdAt": payment["createdAt"],
        "updatedAt": payment["updatedAt"],
    }


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("10", "EUR", "10.00"),
        (10, "EUR", "10.00"),
        (10.5, "EUR", "10.50"),
        (129.9, "USD", "129.90"),
        ("7", "JPY", "7"),
        ("1.230", "BHD", "1.230"),
    ],
)
def test_amounts(alice: Api, amount: object, currency: str, shown: str) -> None:
    """
    Amounts come in as text or numbers, and go out as text with the currency's decimals.
    """
    assert alice.pay(amount=amount, currency=currency)["amount"] == shown


def test_declined(alice: Api) -> None:
    """
    A declined payment is 201 and Failed, with the reason: it is no error of the request.
    """
    answer = alice.post("/api/payments", _body(paymentMethodId=DECLINED_METHOD))

    assert answer.status_code == 201
    assert answer.get_json()["status"] == "Failed"
    assert answer.get_json()["failure"] == {
        "code": "card_declined",
        "message": "Your card was declined.",
    }


def test_next_action(alice: Api) -> None:
    """
    A payment that waits for approval says where the customer must go.
    """
    payment = alice.pay(paymentMethodId=ACTION_METHOD, returnUrl="https://shop.example/done")

    assert payment["status"] == "RequiresAction"
    assert payment["nextAction"] == {
        "type": "redirect",
        "redirectUrl": "https://stripe.example/approve/stripe_pi_1",
    }


def test_unknown_outcome(alice: Api, provider: FakePaymentProvider) -> None:
    """
    A payment whose outcome nobody knows is 202 and Pending, never an error and never Failed.
    """
    provider.faults.append(Fault("create_intent"))
    answer = alice.post("/api/payments", _body())

    assert answer.status_code == 202
    assert answer.headers["Retry-After"] == "2"
    assert answer.get_json()["status"] == "Pending"
    assert answer.get_json()["unresolvedOperations"] == 1


def test_same_again(alice: Api, provider: FakePaymentProvider) -> None:
    """
    The same request again is 200 with the same payment, and charges nobody twice.
    """
    body = _body()
    first = alice.post("/api/payments", body)
    second = alice.post("/api/payments", body)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.get_json() == first.get_json()
    assert provider.calls == ["create_intent"]


def test_another_for_the_order(alice: Api) -> None:
    """
    Another amount for an order that has a live payment is a conflict.
    """
    body = _body()
    alice.post("/api/payments", body)
    answer = alice.post("/api/payments", body | {"amount": "11.00"})

    assert answer.status_code == 409
    assert answer.get_json()["code"] == "order_already_has_payment"


def test_anothers_order(api: Api, alice: Api) -> None:
    """
    An order of somebody else is not there.
    """
    body = _body()
    alice.post("/api/payments", body)
    answer = api.of("Customer", sub="bob").post("/api/payments", body)

    assert answer.status_code == 404
    assert answer.get_json()["code"] == "not_found"


def test_client_secret_is_the_owners(api: Api, alice: Api, admin: Api) -> None:
    """
    The client secret is shown to the owner while it is needed, and to nobody else.
    """
    payment = alice.pay(paymentMethodId=None)
    path = f"/api/payments/{payment['paymentId']}"

    assert payment["clientSecret"] == "stripe_pi_1_secret"
    assert "clientSecret" in alice.get(path).get_json()
    for other in (admin, api.of("Ops", sub="o"), api.of_service("order-service")):
        assert "clientSecret" not in other.get(path).get_json()


def test_client_secret_goes_with_its_use(alice: Api) -> None:
    """
    A payment that is done has no client secret.
    """
    payment = alice.pay()

    assert "clientSecret" not in alice.get(f"/api/payments/{payment['paymentId']}").get_json()


def test_redirect_is_for_whoever_confirms(api: Api, payment_in: MakePayment) -> None:
    """
    Where to approve carries a secret of the provider: who only looks does not get it.
    """
    path = f"/api/payments/{payment_in('RequiresAction')}"

    assert "nextAction" in api.of_service("order-service").get(path).get_json()
    assert "nextAction" not in api.of("Ops", sub="o").get(path).get_json()


def test_captured_in_part(alice: Api, admin: Api) -> None:
    """
    A capture takes a part; the rest is released.
    """
    payment = alice.pay(captureMethod="manual")
    answer = admin.post(
        f"/api/payments/{payment['paymentId']}/capture", {"amount": "7.50"}, key="k"
    )

    assert answer.status_code == 200
    assert payment["status"] == "Authorized"
    assert answer.get_json()["status"] == "Succeeded"
    assert answer.get_json()["capturedAmount"] == "7.50"


def test_captured_without_a_body(admin: Api, payment_in: MakePayment) -> None:
    """
    Without a body everything is captured.
    """
    answer = admin.post(f"/api/payments/{payment_in('Authorized')}/capture", key="k")

    assert answer.get_json()["capturedAmount"] == "10.00"


def test_capture_of_too_much(admin: Api, payment_in: MakePayment) -> None:
    """
    No more than was authorised can be captured.
    """
    path = f"/api/payments/{payment_in('Authorized')}/capture"
    answer = admin.post(path, {"amount": "10.01"}, key="k")

    assert answer.status_code == 422
    assert answer.get_json()["code"] == "capture_exceeds_authorized"


def test_capture_without_answer(
    admin: Api, payment_in: MakePayment, provider: FakePaymentProvider
) -> None:
    """
    A capture whose outcome nobody knows is 202.
    """
    path = f"/api/payments/{payment_in('Authorized')}/capture"
    provider.faults.append(Fault("capture"))
    answer = admin.post(path, {}, key="k")

    assert answer.status_code == 202
    assert answer.get_json()["unresolvedOperations"] == 1


def test_internal_capture(api: Api, payment_in: MakePayment) -> None:
    """
    The Fulfillment Service captures by the internal route, and gets 202.
    """
    body = {"paymentId": payment_in("Authorized"), "amount": "10.00"}
    answer = api.of_service("fulfillment-service").post("/internal/payments/capture", body)

    assert answer.status_code == 202
    assert answer.get_json()["status"] == "Succeeded"


def test_canceled(alice: Api, payment_in: MakePayment) -> None:
    """
    A customer cancels before the money is taken.
    """
    path = f"/api/payments/{payment_in('Authorized')}/cancel"
    answer = alice.post(path, {"reason": "changed my mind"})

    assert answer.status_code == 200
    assert answer.get_json()["status"] == "Canceled"


def test_confirmed_again(
    alice: Api, payment_in: MakePayment, provider: FakePaymentProvider
) -> None:
    """
    Confirming what is confirmed is 200 and does nothing.
    """
    path = f"/api/payments/{payment_in('Succeeded')}/confirm"

    assert alice.post(path).status_code == 200
    assert provider.calls == ["create_intent"]


def test_confirmed_from_the_server(
    alice: Api, payment_in: MakePayment, provider: FakePaymentProvider
) -> None:
    """
    A payment that waits is confirmed with a payment method.
    """
    path = f"/api/payments/{payment_in('Waiting')}/confirm"
    answer = alice.post(path, {"paymentMethodId": "fake_approved"})

    assert answer.status_code == 200
    assert answer.get_json()["status"] == "Succeeded"
    assert provider.calls == ["create_intent", "confirm"]


@pytest.mark.parametrize(
    ("state", "action"),
    [
        ("Failed", "confirm"),
        ("Canceled", "confirm"),
        ("Failed", "capture"),
        ("Canceled", "capture"),
        ("RequiresAction", "capture"),
        ("Succeeded", "cancel"),
        ("Failed", "cancel"),
        ("Failed", "refund"),
        ("Canceled", "refund"),
        ("Authorized", "refund"),
        ("RequiresAction", "refund"),
        ("Waiting", "refund"),
    ],
)
def test_refused_by_state(
    admin: Api, payment_in: MakePayment, provider: FakePaymentProvider, state: str, action: str
) -> None:
    """
    What a payment's state does not allow is a conflict, and reaches no provider.
    """
    path = f"/api/payments/{payment_in(state)}/{action}"
    before = list(provider.calls)
    answer = admin.post(path, {}, key="k")

    assert answer.status_code == 409
    assert answer.get_json()["code"] == "invalid_state"
    assert provider.calls == before


def test_timeline(admin: Api, payment_in: MakePayment) -> None:
    """
    The timeline tells what happened, oldest first.
    """
    answer = admin.get(f"/api/payments/{payment_in('Refunded')}/timeline")
    items = answer.get_json()["items"]

    assert [i["at"] for i in items] == sorted(i["at"] for i in items)
    assert {"operation", "refund", "event"} <= {i["kind"] for i in items}


def test_pages(admin: Api, alice: Api) -> None:
    """
    The list goes through all payments, newest first, each once.
    """
    made = [alice.pay()["paymentId"] for _ in range(5)]
    found, cursor = [], ""
    while True:
        page = admin.get(f"/api/payments?limit=2{cursor}").get_json()
        found += [p["paymentId"] for p in page["items"]]
        if not page["nextCursor"]:
            break
        cursor = f"&cursor={page['nextCursor']}"

    assert found == made[::-1]


def test_filter(admin: Api, alice: Api, api: Api) -> None:
    """
    The list shows only what was asked for.
    """
    wanted = api.of("Customer", sub="bob").pay()
    alice.pay()
    provider_id = f"providerPaymentId={wanted['providerPaymentId']}"
    for query in ("customerId=bob", f"orderId={wanted['orderId']}", provider_id):
        items = admin.get(f"/api/payments?{query}&status=Succeeded&provider=stripe").get_json()

        assert [p["paymentId"] for p in items["items"]] == [wanted["paymentId"]]


def test_id_of_the_provider(admin: Api, alice: Api, database: InMemoryDatabase) -> None:
    """
    The provider's id is looked for at the default provider, unless another is named.
    """
    mine = alice.pay()
    known_as = mine["providerPaymentId"]
    theirs = attrs.evolve(a_payment(), provider="other", provider_payment_id=known_as)
    database.tables.payments[theirs.id] = theirs
    asked = f"/api/payments?providerPaymentId={known_as}"
    here, there = (admin.get(f"{asked}{rest}").get_json() for rest in ("", "&provider=other"))

    assert [p["paymentId"] for p in here["items"]] == [mine["paymentId"]]
    assert [p["paymentId"] for p in there["items"]] == [str(theirs.id)]


def test_window(admin: Api, alice: Api) -> None:
    """
    The window includes its beginning and not its end.
    """
    at = alice.pay()["createdAt"]

    assert len(admin.get(f"/api/payments?from={at}").get_json()["items"]) == 1
    assert len(admin.get(f"/api/payments?to={at}").get_json()["items"]) == 0
