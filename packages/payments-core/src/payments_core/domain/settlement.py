"""
How an answer of the provider changes a payment; the only way in which one does.

Answers come late, twice and out of order. So facts only ever add: amounts grow, final
states stay, and what contradicts them becomes a discrepancy instead of a change.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import attrs

from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.facts import (
    ProviderPayment,
    ProviderPaymentStatus,
    ProviderRefund,
)
from payments_core.domain.failure import Failure
from payments_core.domain.follow_up import follow_ups
from payments_core.domain.observation import observe, stale
from payments_core.domain.operation import Operation, OperationKind, OperationState
from payments_core.domain.outcome import outcome_of
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.progress import close, report
from payments_core.domain.refunding import refuse_refund, settle_refund
from payments_core.domain.requests import CancelIntent, CancelReason, RefundCapture


@attrs.frozen
class Look:
    """
    A complete look at the provider: everything that the operation could have changed.

    Attributes:
        token: The lease under which it was made.

        at: When it began.
    """

    token: UUID
    at: datetime


@attrs.frozen(kw_only=True)
class Answer:
    """
    What became known, from a reply, a webhook, recovery or reconciliation.

    Attributes:
        payment: The provider's payment object as it is now, if it was read.

        refunds: Refund objects of that payment as they are now, those that were read.

        operation_id: The operation that this is the reply to, or that was looked for.

        state: What the reply says of the operation, where the objects do not show it.

        failure: Why, when it says no or nothing.

        key_spent: The provider keeps this error under the operation's key.

        misconfigured: The provider refuses our credentials.

        look: Set when it is no reply: somebody went and looked.
    """

    payment: ProviderPayment | None = None
    refunds: tuple[ProviderRefund, ...] = ()
    operation_id: UUID | None = None
    state: OperationState | None = None
    failure: Failure | None = None
    key_spent: bool = False
    misconfigured: bool = False
    look: Look | None = None


NO_RECORD: Final = Failure("provider_no_record", "The provider has no record of the request.")


def apply(payment: Payment, answer: Answer, now: datetime, policy: Policy) -> list[Operation]:
    """
    Let an answer change the payment; return the operations that must be sent because of it.

    The new operations are in the payment's log already: save the payment, then send them.
    While somebody else is sending an operation, what follows is left to that sender, whose
    caller waits for the end of it.
    """
    payment.updated_at = now
    busy = payment.in_flight(now, other_than=answer.operation_id)
    if answer.payment and not _is_ours(payment, answer.payment, now):
        _hand_to_a_person(payment, answer, now)
        return []
    for operation in [o for o in payment.operations if o.open]:
        _resolve(payment, operation, answer, now)
    if answer.payment and not stale(payment, answer.payment):
        observe(payment, answer.payment, now)
    for fact in answer.refunds:
        settle_refund(payment, fact, now)
    _note_absence(payment, answer, now, policy)
    return [] if busy else follow_ups(payment, now, policy)


def _is_ours(payment: Payment, fact: ProviderPayment, now: datetime) -> bool:
    known = payment.provider_payment_id
    if known not in {None, fact.id}:
        if fact.authorized or fact.captured:
            kind = DiscrepancyKind.DUPLICATE_CHARGE
            report(payment, kind, now, object_id=fact.id, ours=known, theirs=fact.id)
        return False
    if fact.amount == payment.amount:
        return True
    same_currency = fact.amount.currency == payment.amount.currency
    kind = DiscrepancyKind.AMOUNT_MISMATCH if same_currency else DiscrepancyKind.CURRENCY_MISMATCH
    report(payment, kind, now, object_id=fact.id, ours=payment.amount, theirs=fact.amount)
    # Once it can take no money, for whatever amount it was, its end is believed.
    return fact.status is ProviderPaymentStatus.CANCELED and not fact.captured


def _hand_to_a_person(payment: Payment, answer: Answer, now: datetime) -> None:
    if answer.operation_id is not None:
        operation = payment.operation(answer.operation_id)
        if operation.open:
            operation.resolve(OperationState.REVIEW, now)


def _resolve(payment: Payment, operation: Operation, answer: Answer, now: datetime) -> None:
    reply = operation.id == answer.operation_id and answer.look is None
    operation.key_spent |= reply and answer.key_spent
    fact = answer.payment
    # With a verdict of its own the reply is an error; the object was then read beside it.
    direct = reply and answer.state is None
    shown = outcome_of(operation, fact, reply=direct) if fact else None
    state = shown or (answer.state if reply else None)
    if state is None or _shown_by_refund(operation, answer):
        return
    said_no = state in {OperationState.DECLINED, OperationState.UNKNOWN, OperationState.ABSENT}
    operation.resolve(state, now, _failure(answer) if said_no else None)
    operation.provider_status = fact.status if fact else operation.provider_status
    if state in {OperationState.DECLINED, OperationState.ABSENT}:
        _refused(payment, operation, answer, now)


def _note_absence(payment: Payment, answer: Answer, now: datetime, policy: Policy) -> None:
    """
    Let a look that found nothing count, and end the operation if that proves its absence.
    """
    if answer.look is None or answer.operation_id is None:
        return
    operation = payment.operation(answer.operation_id)
    overtaken = answer.payment is None and payment.provider_payment_id is not None
    if not operation.unresolved or overtaken or operation.lease_token != answer.look.token:
        return
    if operation.missed(answer.look.at, policy):
        operation.resolve(OperationState.ABSENT, now, NO_RECORD)
        _refused(payment, operation, attrs.evolve(answer, failure=NO_RECORD), now)


def _shown_by_refund(operation: Operation, answer: Answer) -> bool:
    request = operation.request
    return isinstance(request, RefundCapture) and any(
        fact.refund_id == request.refund_id for fact in answer.refunds
    )


def _failure(answer: Answer) -> Failure | None:
    return answer.failure or (answer.payment.failure if answer.payment else None)


def _refused(payment: Payment, operation: Operation, answer: Answer, now: datetime) -> None:
    failure = _failure(answer) or Failure("provider_rejected", "The provider refused the request.")
    match operation.request:
        case CancelIntent(reason=CancelReason.REQUESTED):
            payment.cancel_requested = False
        case RefundCapture(refund_id=refund_id):
            refuse_refund(payment, refund_id, failure, now)
        case _ if operation.kind is OperationKind.CREATE and answer.payment is None:
            # Refused for good and nothing was made: there is no object left to cancel.
            close(payment, failure, now)
