"""
Refunds.
"""

from typing import Any
from uuid import UUID

from payments_bootstrap.permissions import Permission
from payments_core.application.refund_payment import RefundPaymentCommand, refund_request_key
from payments_http import schemas
from payments_http.access import actor, caller, container, reachable_payment
from payments_http.limiting import Limited, count
from payments_http.rendering import Answer, money, refunded, scoped_key
from payments_http.routing import UNKNOWN_OUTCOME, Group, endpoint

group = Group("Refunds", __name__, description="Giving captured money back.")


@endpoint(
    group,
    "POST",
    "/api/payments/<uuid:payment_id>/refund",
    access=Permission.REFUND_ANY,
    body=schemas.RefundPayment,
    schema=schemas.Refund,
    answers={201: "The refund; one that was refused is Failed.", 202: UNKNOWN_OUTCOME},
    problems=(404, 409, 429),
    example={"amount": "10.00", "reason": "damaged"},
    key=True,
)
def refund_payment(body: dict[str, Any], payment_id: UUID) -> Answer:
    """
    Give back all or part of what was captured.
    """
    key = scoped_key(required=True)
    if not caller().service:
        count(Limited.REFUNDS, caller().subject)
    payment = reachable_payment(payment_id, Permission.REFUND_ANY)
    named = body.get("refund_request_id")
    command = RefundPaymentCommand(
        payment_id=payment_id,
        amount=money(body.get("amount"), payment.amount.currency),
        reason=body.get("reason"),
        request_key=refund_request_key(named) if named else str(key),
        idempotency_key=key,
        actor=actor(),
    )
    return refunded(container().refund_payment().execute(command))
