"""
What a provider's payment object adds to what we know.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.facts import ProviderPayment, ProviderPaymentStatus
from payments_core.domain.failure import Failure
from payments_core.domain.operation import OperationKind
from payments_core.domain.payment import Payment
from payments_core.domain.progress import advance, close, report
from payments_core.domain.requests import CancelIntent, CancelReason
from payments_core.domain.status import AWAITING_CONFIRMATION

P = ProviderPaymentStatus

_RANK: Final[Mapping[ProviderPaymentStatus, int]] = {
    P.REQUIRES_CAPTURE: 1,
    P.SUCCEEDED: 2,
    P.CANCELED: 2,
}

_WAITS_FOR_CUSTOMER: Final = frozenset(
    {P.REQUIRES_PAYMENT_METHOD, P.REQUIRES_CONFIRMATION, P.REQUIRES_ACTION}
)

EXPIRED: Final = Failure("authorization_expired", "The authorization expired before capture.")
NOT_PAID: Final = Failure("expired", "The customer did not pay in time.")


def stale(payment: Payment, fact: ProviderPayment) -> bool:
    """
    Return whether the object was read before one that we have already seen.

    A provider's object never goes back from reserved or final money to waiting.
    """
    seen = payment.provider_status
    return seen is not None and _RANK.get(fact.status, 0) < _RANK.get(seen, 0)


def observe(payment: Payment, fact: ProviderPayment, now: datetime) -> None:
    """
    Take over the object's id, amounts and needs, and let the payment's state follow.
    """
    _note_late_money(payment, fact, now)
    payment.provider_payment_id = fact.id
    payment.provider_status = fact.status
    if fact.authorized or fact.captured:
        payment.captured = max(payment.captured, fact.captured)
        payment.authorized = max(payment.authorized, fact.authorized, payment.captured)
    if payment.captured:
        # Taken money is refunded, not cancelled: the wish came too late.
        payment.cancel_requested = False
    if payment.closed:
        return
    if payment.status in AWAITING_CONFIRMATION:
        payment.client_secret = fact.client_secret or payment.client_secret
        payment.redirect_url = fact.redirect_url
    if fact.status is P.CANCELED:
        close(payment, _reason(payment, fact), now)
    else:
        payment.failure = fact.failure
        waits = fact.status in _WAITS_FOR_CUSTOMER and not payment.declined
        advance(payment, now, action_required=waits)


def _note_late_money(payment: Payment, fact: ProviderPayment, now: datetime) -> None:
    if payment.closed and fact.captured and fact.captured > payment.captured:
        kind, theirs = DiscrepancyKind.LATE_SUCCESS, f"captured {fact.captured}"
        report(payment, kind, now, object_id=fact.id, ours=payment.status, theirs=theirs)


def _reason(payment: Payment, fact: ProviderPayment) -> Failure | None:
    """
    Why a cancelled payment failed; None when somebody simply cancelled it.
    """
    if payment.cancel_requested:
        return None
    if fact.expired:
        return EXPIRED
    asked = [o.request for o in payment.operations if o.kind is OperationKind.CANCEL]
    ours = {r.reason for r in asked if isinstance(r, CancelIntent)} - {CancelReason.REQUESTED}
    if CancelReason.EXPIRED in ours:
        return NOT_PAID
    failed = ours or (payment.server_confirmed and fact.failure is not None)
    why = fact.failure or payment.failure or payment.last_attempt.failure
    return (why or EXPIRED) if failed else None
