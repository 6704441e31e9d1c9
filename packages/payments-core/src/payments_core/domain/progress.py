"""
How a payment's state follows from its facts, and what is told when it does.
"""

from datetime import datetime
from typing import Any, Final

from payments_core.domain.discrepancy import DiscrepancyKind, difference
from payments_core.domain.events import (
    PaymentAuthorized,
    PaymentEvent,
    PaymentFailed,
    PaymentSucceeded,
)
from payments_core.domain.failure import Failure
from payments_core.domain.ids import child_id
from payments_core.domain.payment import Payment
from payments_core.domain.status import (
    AWAITING_CONFIRMATION,
    PaymentStatus,
    check_transition,
    status_of,
)

CANCELED: Final = Failure("canceled", "The payment was canceled.")


def advance(payment: Payment, now: datetime, *, action_required: bool = False) -> None:
    """
    Let the state follow the amounts.

    Raises:
        InvalidTransition: The status table has no such step.
    """
    _move(
        payment,
        status_of(
            closed=payment.status if payment.closed else None,
            action_required=action_required,
            authorized=payment.authorized,
            captured=payment.captured,
            refunded=payment.refunded,
        ),
        now,
    )


def close(payment: Payment, failure: Failure | None, now: datetime) -> None:
    """
    End the payment: Failed for a reason, Canceled because somebody wanted it.

    Only proof leads here: the provider's object is cancelled, or was refused for good.
    """
    requested = payment.cancel_requested or failure is None
    payment.failure = None if requested else failure
    _move(payment, PaymentStatus.CANCELED if requested else PaymentStatus.FAILED, now)


def tell(
    payment: Payment, kind: type[PaymentEvent], about: object, now: datetime, **fields: Any
) -> None:
    """
    Note an event; the same event about the same thing always has the same id.
    """
    payment.events.append(
        kind(
            id=child_id(payment.id, kind.__name__, about),
            payment_id=payment.id,
            order_id=payment.order_id,
            occurred_at=now,
            **fields,
        )
    )


def report(
    payment: Payment,
    kind: DiscrepancyKind,
    now: datetime,
    *,
    object_id: str,
    ours: object,
    theirs: object,
) -> None:
    """
    Note where the provider and this payment do not say the same.

    Args:
        object_id: The provider's object that says otherwise.
    """
    payment.discrepancies.append(
        difference(
            payment.id,
            kind,
            now,
            provider_object_id=object_id,
            local_value=str(ours),
            provider_value=str(theirs),
        )
    )


def _move(payment: Payment, after: PaymentStatus, now: datetime) -> None:
    before = payment.status
    if after is before:
        return
    check_transition(before, after)
    payment.status = after
    if after not in AWAITING_CONFIRMATION:
        payment.client_secret = payment.redirect_url = None
    _tell_step(payment, before, now)


def _tell_step(payment: Payment, before: PaymentStatus, now: datetime) -> None:
    source = {"provider": payment.provider, "provider_payment_id": payment.provider_payment_id}
    match payment.status:
        case PaymentStatus.AUTHORIZED:
            tell(payment, PaymentAuthorized, "", now, amount=payment.authorized, **source)
        case PaymentStatus.SUCCEEDED if before is not PaymentStatus.REFUNDED:
            tell(payment, PaymentSucceeded, "", now, amount=payment.captured, **source)
        case PaymentStatus.FAILED | PaymentStatus.CANCELED:
            failure = payment.failure or CANCELED
            tell(payment, PaymentFailed, "", now, failure=failure, **source)
