"""
Payments: taking, looking, confirming, capturing, cancelling.
"""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from payments_bootstrap.permissions import Permission
from payments_core.application.cancel_payment import CancelPaymentCommand
from payments_core.application.capture_payment import CapturePaymentCommand
from payments_core.application.confirm_payment import ConfirmPaymentCommand
from payments_core.application.create_payment import CreatePaymentCommand
from payments_core.domain.money import Money
from payments_core.ports.queries import PaymentFilter, PaymentView
from payments_http import schemas
from payments_http.access import actor, caller, container, reachable_payment
from payments_http.limiting import Limited, count
from payments_http.problems import FieldError, Problem
from payments_http.rendering import Answer, changed, created, money, scoped_key, shown
from payments_http.routing import UNKNOWN_OUTCOME, Group, endpoint

group = Group("Payments", __name__, description="Taking money from customers.")

ONE = "/api/payments/<uuid:payment_id>"


@endpoint(
    group,
    "POST",
    "/api/payments",
    access=Permission.CREATE,
    body=schemas.CreatePayment,
    schema=schemas.Payment,
    answers={
        201: "The payment, also one that was declined: then its status is Failed.",
        200: "The order's payment, made by the same request before.",
        202: UNKNOWN_OUTCOME,
    },
    problems=(404, 409, 429),
    example={
        "orderId": "0199f3c5-1c9a-7d44-a5e2-0f8a4d9f2c11",
        "amount": "129.90",
        "currency": "EUR",
        "paymentMethodId": "pm_card_visa",
    },
    key=False,
)
def create_payment(body: dict[str, Any]) -> Answer:
    """
    Take a payment for an order.

    With a payment method the server confirms at once; without one the customer's browser
    does, with the client secret. An order has at most one payment that lives.
    """
    key = scoped_key(required=False)
    amount = Money.parse(body.pop("amount"), body.pop("currency"))
    who, customer_id = caller(), body.pop("customer_id", None)
    everyones = Permission.CREATE_ANY in who.permissions
    if customer_id or not everyones:
        count(Limited.CREATES, customer_id or who.subject)
    if customer_id and not everyones:
        raise _not_yours()
    command = CreatePaymentCommand(
        customer_id=customer_id or who.subject,
        on_behalf=everyones and not customer_id,
        amount=amount,
        idempotency_key=key,
        actor=actor(),
        **body,
    )
    return created(container().create_payment().execute(command))


def _not_yours() -> Problem:
    error = FieldError("customerId", "unknown_field", "The customer is the token's subject.")
    detail = "The request is not valid; the errors say what to change."
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, detail, (error,))


@endpoint(
    group,
    "GET",
    "/api/payments",
    access=Permission.LIST_ANY,
    query=schemas.ListPayments,
    schema=schemas.PaymentList,
    answers={200: "A page, newest first."},
)
def list_payments(query: dict[str, Any]) -> dict[str, Any]:
    """
    List payments, newest first, a page at a time.
    """
    limit, cursor = query.pop("limit"), query.pop("cursor", None)
    page = container().list_payments().execute(PaymentFilter(**query), limit, cursor)
    return {"items": [shown(p) for p in page.items], "next": page.next}


@endpoint(
    group,
    "GET",
    ONE,
    access=Permission.READ,
    schema=schemas.Payment,
    answers={200: "The payment as it is now."},
    problems=(404,),
)
def get_payment(payment_id: UUID) -> PaymentView:
    """
    Show one payment.
    """
    return shown(reachable_payment(payment_id, Permission.READ))


@endpoint(
    group,
    "POST",
    f"{ONE}/confirm",
    access=Permission.CONFIRM,
    body=schemas.ConfirmPayment,
    schema=schemas.Payment,
    answers={200: "The payment after the attempt.", 202: UNKNOWN_OUTCOME},
    problems=(404, 409),
    example={},
    key=False,
)
def confirm_payment(body: dict[str, Any], payment_id: UUID) -> Answer:
    """
    Try to charge or authorise a payment that waits for it.
    """
    key = scoped_key(required=False)
    reachable_payment(payment_id, Permission.CONFIRM)
    command = ConfirmPaymentCommand(
        payment_id=payment_id, idempotency_key=key, actor=actor(), **body
    )
    return changed(container().confirm_payment().execute(command))


@endpoint(
    group,
    "POST",
    f"{ONE}/capture",
    access=Permission.CAPTURE_ANY,
    body=schemas.CapturePayment,
    schema=schemas.Payment,
    answers={200: "The payment after the capture.", 202: UNKNOWN_OUTCOME},
    problems=(404, 409),
    example={"amount": "60.00"},
    key=True,
)
def capture_payment(body: dict[str, Any], payment_id: UUID) -> Answer:
    """
    Take all or part of what is authorised; the rest is released.
    """
    key = scoped_key(required=True)
    payment = reachable_payment(payment_id, Permission.CAPTURE_ANY)
    command = CapturePaymentCommand(
        payment_id=payment_id,
        amount=money(body.get("amount"), payment.amount.currency),
        idempotency_key=key,
        actor=actor(),
    )
    return changed(container().capture_payment().execute(command))


@endpoint(
    group,
    "POST",
    f"{ONE}/cancel",
    access=Permission.CANCEL,
    body=schemas.CancelPayment,
    schema=schemas.Payment,
    answers={200: "The payment after the cancellation.", 202: UNKNOWN_OUTCOME},
    problems=(404, 409),
    example={"reason": "The customer changed their mind."},
    key=False,
)
def cancel_payment(body: dict[str, Any], payment_id: UUID) -> Answer:
    """
    Call a payment off before its money is taken.
    """
    key = scoped_key(required=False)
    reachable_payment(payment_id, Permission.CANCEL)
    command = CancelPaymentCommand(
        payment_id=payment_id, reason=body.get("reason"), idempotency_key=key, actor=actor()
    )
    return changed(container().cancel_payment().execute(command))


@endpoint(
    group,
    "GET",
    f"{ONE}/timeline",
    access=Permission.TIMELINE_ANY,
    schema=schemas.Timeline,
    answers={200: "What happened, oldest first."},
    problems=(404,),
)
def show_timeline(payment_id: UUID) -> dict[str, Any]:
    """
    Show everything that happened to a payment.
    """
    return {"items": container().show_timeline().execute(payment_id)}
