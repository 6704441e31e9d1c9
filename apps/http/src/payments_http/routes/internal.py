"""
What only other services may call; the gateway has no route here.
"""

from typing import Any

from payments_bootstrap.permissions import Permission
from payments_core.application.capture_payment import CapturePaymentCommand
from payments_http import schemas
from payments_http.access import actor, container, reachable_payment
from payments_http.rendering import Answer, accepted, money, scoped_key
from payments_http.routing import Group, endpoint

group = Group("Internal", __name__, description="For other services alone.")


@endpoint(
    group,
    "POST",
    "/internal/payments/capture",
    access=Permission.INTERNAL_CAPTURE_ANY,
    body=schemas.InternalCapture,
    schema=schemas.Payment,
    answers={202: "The payment after the capture was asked for."},
    problems=(404, 409),
    key=False,
)
def capture_internally(body: dict[str, Any]) -> Answer:
    """
    Take all or part of what is authorised, when the goods are on their way.
    """
    key = scoped_key(required=False)
    payment = reachable_payment(body["payment_id"], Permission.INTERNAL_CAPTURE_ANY)
    command = CapturePaymentCommand(
        payment_id=payment.id,
        amount=money(body.get("amount"), payment.amount.currency),
        idempotency_key=key,
        actor=actor(),
    )
    return accepted(container().capture_payment().execute(command))
