"""
What is done with an operation whose outcome nobody knows.

Everything here is decided under the payment's lock, by whoever holds the operation's lease.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import attrs

from payments_core.domain.errors import InvalidState
from payments_core.domain.operation import RECOVERABLE, Operation, OperationKind, OperationState
from payments_core.domain.payment import ATTEMPTS, Payment
from payments_core.domain.policy import Policy
from payments_core.domain.settlement import Answer, apply


class Step(StrEnum):
    """
    What is done next.

    READ: ask for the object that it names, and its refunds. LIST: go through every object of
    the time in which it was sent. SEND: the same request under the same key.
    """

    READ = "read"
    LIST = "list"
    SEND = "send"


@attrs.frozen
class Rule:
    """
    How the outcome of one kind of operation is found.

    Attributes:
        reads_first: Its object is read before it is sent again.

        sends_within: The policy that says how long it may be sent again.
    """

    reads_first: bool
    sends_within: str


RULES: Final[Mapping[OperationKind, Rule]] = {
    OperationKind.CREATE: Rule(reads_first=False, sends_within="confirm_within"),
    OperationKind.CONFIRM: Rule(reads_first=True, sends_within="confirm_within"),
    OperationKind.CAPTURE: Rule(reads_first=True, sends_within="key_life"),
    OperationKind.CANCEL: Rule(reads_first=True, sends_within="key_life"),
    OperationKind.REFUND: Rule(reads_first=True, sends_within="key_life"),
}
"""
Only a creation names no object: sending it again is the quickest way to learn its name.
"""


@attrs.frozen
class Visit:
    """
    One turn with an operation, under a lease.

    Attributes:
        token: The lease; whoever has another one changes no schedule.

        tried: What was done in this turn.
    """

    operation_id: UUID
    token: UUID
    tried: frozenset[Step] = frozenset()


def resume(
    payment: Payment, visit: Visit, answer: Answer, now: datetime, policy: Policy
) -> tuple[Step | None, list[Operation]]:
    """
    Apply what became known, and decide how the holder of a lease goes on.

    Returns:
        The next step, which may be taken once this is committed; None ends the turn, and
        the operation is given back. And what must be sent because of the answer.
    """
    operation = payment.operation(visit.operation_id)
    asked = operation.state is OperationState.REVIEW
    following = apply(payment, answer, now, policy)
    if operation.lease_token != visit.token:
        return None, following
    # A turn goes on after a look that was complete; what could not be seen allows nothing.
    goes_on = not visit.tried or answer.look is not None
    step = next_step(payment, operation, now, policy, visit.tried) if goes_on else None
    match step:
        case Step.SEND:
            operation.send_again(now, policy)
        case Step.LIST:
            operation.hold(now + policy.listing_lease)
        case None:
            _give_back(operation, now, policy, asked=asked)
    return step, following


def next_step(
    payment: Payment, operation: Operation, now: datetime, policy: Policy, tried: frozenset[Step]
) -> Step | None:
    """
    Return what is done next with an operation, or None when nothing is, for now.
    """
    if not operation.open:
        return None
    named = operation.kind is not OperationKind.CREATE or payment.provider_payment_id is not None
    look = Step.READ if named else Step.LIST
    reads = look in tried or not (named or RULES[operation.kind].reads_first)
    if reads and may_send(payment, operation, now, policy):
        return Step.SEND
    return None if look in tried else look


def may_send(payment: Payment, operation: Operation, now: datetime, policy: Policy) -> bool:
    """
    Return whether an operation may be sent again, and whether that can tell anything.
    """
    age = now - operation.first_sent_at
    within: timedelta = getattr(policy, RULES[operation.kind].sends_within)
    unwanted = operation.kind in ATTEMPTS and (payment.ending or payment.closed)
    unanswered = operation.state in {OperationState.SENT, OperationState.UNKNOWN}
    fresh = age < min(within, policy.key_life)
    return unanswered and fresh and not (unwanted or operation.key_spent)


def look_again(payment: Payment, operation_id: UUID, now: datetime) -> Operation:
    """
    Let recovery look at an operation in review, because a person asked for it.

    It is never sent again: evidence ends it, or it is in review still.

    Raises:
        InvalidState: It is not in review.
    """
    operation = next((o for o in payment.operations if o.id == operation_id), None)
    if operation is None or operation.state is not OperationState.REVIEW:
        raise InvalidState(f"Operation {operation_id} of this payment is not in review")
    operation.next_at = payment.updated_at = now
    return operation


def _give_back(operation: Operation, now: datetime, policy: Policy, *, asked: bool) -> None:
    if operation.unresolved and now - operation.first_sent_at >= policy.review_after:
        operation.resolve(OperationState.REVIEW, now, operation.failure)
    operation.lease_until = min(operation.lease_until, now)
    operation.next_at = _next_at(operation, now, policy, asked=asked)
    operation.looks += 1


def _next_at(
    operation: Operation, now: datetime, policy: Policy, *, asked: bool
) -> datetime | None:
    proof = operation.proof_due(policy)
    if operation.state is OperationState.REVIEW:
        # A person's question is pursued until two looks have answered it.
        return proof if asked and proof > now else None
    if operation.state not in RECOVERABLE:
        return None
    if not operation.unresolved:
        return now + policy.look_again
    waits = policy.spent_backoff if operation.key_spent else policy.backoff
    at = now + waits[min(operation.looks, len(waits) - 1)] * _spread(operation)
    return min(at, proof) if proof > now else at


def _spread(operation: Operation) -> float:
    """
    Return a factor from 1 to 1.25, another one for each operation.

    What failed together must not come back together.
    """
    return 1 + operation.id.int % 1000 / 4000
