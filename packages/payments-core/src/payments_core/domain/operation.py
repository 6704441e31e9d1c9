"""
The write-ahead log: every write to a provider is a row before it is a call.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import attrs

from payments_core.domain.errors import InvalidTransition
from payments_core.domain.failure import Failure
from payments_core.domain.fixed import fixed, others_change
from payments_core.domain.policy import Policy
from payments_core.domain.requests import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    ProviderRequest,
    RefundCapture,
)


class OperationKind(StrEnum):
    """
    The five writes that a provider can be asked for.
    """

    CREATE = "create"
    CONFIRM = "confirm"
    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"


KIND_OF: Final[Mapping[type[ProviderRequest], OperationKind]] = {
    CreateIntent: OperationKind.CREATE,
    ConfirmIntent: OperationKind.CONFIRM,
    CaptureIntent: OperationKind.CAPTURE,
    CancelIntent: OperationKind.CANCEL,
    RefundCapture: OperationKind.REFUND,
}


class OperationState(StrEnum):
    """
    What is known about a write.

    SENT: it may have been sent, no answer is recorded. UNKNOWN: the answer was lost or useless.
    ABSENT: proven to have had no effect. REVIEW: a person must look.
    """

    SENT = "sent"
    UNKNOWN = "unknown"
    PENDING = "pending"
    ACTION_REQUIRED = "action_required"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    ABSENT = "absent"
    REVIEW = "review"


O = OperationState  # noqa: E741 - the table below reads better with one letter

_FINAL: Final = frozenset({O.SUCCEEDED, O.DECLINED, O.ABSENT})
_ANSWERED: Final = frozenset({O.PENDING, O.ACTION_REQUIRED, O.REVIEW}) | _FINAL

OPERATION_TRANSITIONS: Final[Mapping[OperationState, frozenset[OperationState]]] = {
    O.SENT: _ANSWERED | {O.UNKNOWN},
    O.UNKNOWN: _ANSWERED,
    O.PENDING: frozenset({O.ACTION_REQUIRED, O.REVIEW}) | _FINAL,
    O.ACTION_REQUIRED: frozenset({O.PENDING, O.REVIEW}) | _FINAL,
    O.REVIEW: frozenset({O.PENDING, O.ACTION_REQUIRED}) | _FINAL,
    O.SUCCEEDED: frozenset(),
    O.DECLINED: frozenset(),
    O.ABSENT: frozenset(),
}
"""
From each state, the states that evidence may lead to; the last three are final.
"""

UNRESOLVED: Final = frozenset({O.SENT, O.UNKNOWN, O.REVIEW})
"""
States in which nobody can say what the provider did.
"""

RECOVERABLE: Final = frozenset({O.SENT, O.UNKNOWN, O.PENDING, O.ACTION_REQUIRED})
"""
States in which recovery looks by itself; REVIEW waits for a person.
"""

OPEN: Final = UNRESOLVED | {O.PENDING, O.ACTION_REQUIRED}
"""
States that are not final.
"""


@attrs.define(field_transformer=others_change)
class Operation:
    """
    One write to a provider.

    Attributes:
        number: Its place among the payment's operations, from 1.

        request: What is asked; the same bytes are sent again if it must be sent again.

        lease_until: Until when its sender may send it; after that recovery owns it.

        lease_token: Who may send it.

        request_key: The caller's idempotency key, where one was given.

        attempts: How often it was sent. looks: How often recovery gave it back without an end.

        next_at: When recovery looks at it; None when there is nothing to look for.

        key_spent: The provider keeps an error under the key, and would only repeat it.

        first_pass_at: When a complete look that counts found no effect of it. second_pass_at:
            When another one did, which proves that it had none.

        provider_status: The provider's own word for the outcome.
    """

    id: UUID = attrs.field(on_setattr=fixed)
    number: int = attrs.field(on_setattr=fixed)
    request: ProviderRequest = attrs.field(on_setattr=fixed)
    first_sent_at: datetime = attrs.field(on_setattr=fixed)
    lease_until: datetime
    lease_token: UUID
    request_key: str | None = None
    state: OperationState = OperationState.SENT
    attempts: int = 1
    last_sent_at: datetime | None = None
    looks: int = 0
    next_at: datetime | None = None
    key_spent: bool = False
    first_pass_at: datetime | None = None
    second_pass_at: datetime | None = None
    resolved_at: datetime | None = None
    provider_status: str | None = None
    failure: Failure | None = None

    @property
    def kind(self) -> OperationKind:
        """
        Which of the five writes it is.
        """
        return KIND_OF[type(self.request)]

    @property
    def provider_key(self) -> str:
        """
        The idempotency key for the provider: one operation, one key, for ever.
        """
        return str(self.id)

    @property
    def object_id(self) -> str | None:
        """
        The provider's object that it is about; only a creation names none.
        """
        return None if isinstance(self.request, CreateIntent) else self.request.provider_payment_id

    @property
    def unresolved(self) -> bool:
        """
        Whether nobody can say what the provider did.
        """
        return self.state in UNRESOLVED

    @property
    def open(self) -> bool:
        """
        Whether its outcome can still change.
        """
        return self.state in OPEN

    def resolve(self, state: OperationState, at: datetime, failure: Failure | None = None) -> None:
        """
        Record what became of it; a fact that adds nothing is passed over.

        Raises:
            InvalidTransition: The outcome contradicts a final one.
        """
        if state is self.state or (state is O.UNKNOWN and self.state is not O.SENT):
            return
        if state not in OPERATION_TRANSITIONS[self.state]:
            raise InvalidTransition(f"Operation {self.id} is {self.state} and cannot be {state}")
        self.state = state
        self.failure = failure
        self.resolved_at = None if self.open else at
        if at >= self.lease_until:
            # While somebody holds it, it stays due: should they die, recovery does what follows.
            self.next_at = self.next_at if state in RECOVERABLE else None

    def send_again(self, now: datetime, policy: Policy) -> None:
        """
        Note, before it happens, that it is sent once more: same key, same request.
        """
        self.last_sent_at = now
        self.attempts += 1
        self.first_pass_at = None
        self.hold(now + policy.lease)

    def hold(self, until: datetime) -> None:
        """
        Keep others away until then; should the holder die, it is due then.
        """
        self.lease_until = self.next_at = until

    def missed(self, at: datetime, policy: Policy) -> bool:
        """
        Note a complete look that found no effect; return whether that is proven now.

        It takes two, apart from each other, both long enough after it was last sent.
        """
        if at < self.proof_due(policy):
            return False
        if self.first_pass_at is None:
            self.first_pass_at = at
        else:
            self.second_pass_at = at
        return self.second_pass_at is not None

    def proof_due(self, policy: Policy) -> datetime:
        """
        Return from when on the next look can prove something.
        """
        if self.first_pass_at is not None:
            return self.first_pass_at + policy.proof_gap
        return (self.last_sent_at or self.first_sent_at) + policy.proof_after
