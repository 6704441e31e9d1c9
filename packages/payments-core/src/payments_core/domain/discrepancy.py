"""
Where the provider and this service do not say the same.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import attrs

from payments_core.domain.errors import InvalidState, NoteInvalid
from payments_core.domain.ids import child_id
from payments_core.domain.line import is_line

LONGEST_NOTE: Final = 500
"""
Characters in which a person says what was done about a difference.
"""


def check_note(note: str) -> None:
    """
    Return if a difference can be closed with this note.

    Raises:
        NoteInvalid: It is no line, or a longer one than is kept.
    """
    if not is_line(note, LONGEST_NOTE):
        raise NoteInvalid(
            f"Say what was done about it in one line of 1 to {LONGEST_NOTE} characters, without"
            " line breaks and other characters that show nothing"
        )


class DiscrepancyKind(StrEnum):
    """
    What does not match.
    """

    MISSING_LOCAL = "missing_local"
    MISSING_PROVIDER = "missing_provider"
    STATUS_MISMATCH = "status_mismatch"
    AMOUNT_MISMATCH = "amount_mismatch"
    CURRENCY_MISMATCH = "currency_mismatch"
    DUPLICATE_CHARGE = "duplicate_charge"
    LATE_SUCCESS = "late_success"
    REFUND_MISSING_LOCAL = "refund_missing_local"
    REFUND_MISSING_PROVIDER = "refund_missing_provider"
    REFUND_STATUS_MISMATCH = "refund_status_mismatch"
    DISPUTE_OPENED = "dispute_opened"
    STUCK_OPERATION = "stuck_operation"
    WEBHOOK_GAP = "webhook_gap"
    EVENT_NOT_PUBLISHED = "event_not_published"
    EVENT_STATE_DRIFT = "event_state_drift"


class Repair(StrEnum):
    """
    How a difference ended.

    SETTLED: this service took over what the provider says. BEGUN: an operation was sent that
    ends it. STORED: an event that never arrived was fetched, to be processed as if it had.
    """

    SETTLED = "settled"
    BEGUN = "begun"
    STORED = "stored"


@attrs.frozen
class Discrepancy:
    """
    One difference, found once: the same difference always has the same id.

    Attributes:
        payment_id: None where the provider has an object of which this service knows nothing.

        provider_object_id: What it was found at, in the provider's words or, for what is
            ours alone, in ours.

        local_value: What this service holds, as text.

        provider_value: What the provider says, as text.

        run_id: The reconciliation that found it; None if a reply or a webhook did.

        repair: How it ended by itself; None if it did not.

        closed_at: When a person who looked at it called it done; None if nobody did.

        closed_by: Who that was, as far as the audit log's actor has a name.

        note: What they did about it.
    """

    id: UUID
    payment_id: UUID | None
    kind: DiscrepancyKind
    provider_object_id: str
    local_value: str
    provider_value: str
    found_at: datetime
    run_id: UUID | None = None
    repair: Repair | None = None
    repaired_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    note: str | None = None

    @property
    def state(self) -> str:
        """
        What became of it: ``open`` while a person must look, else ``repaired`` or ``closed``.
        """
        if self.repair:
            return "repaired"
        return "closed" if self.closed_at else "open"

    def close(self, by: str, note: str, now: datetime) -> "Discrepancy":
        """
        Return it as somebody closes it who looked at it; what was found stays as it is.

        With the note that it was closed with already, it is returned unchanged.

        Raises:
            NoteInvalid: `check_note` refuses the note.
            InvalidState: It ended before: by a repair, or closed with another note.
        """
        if self.closed_at and self.note == note:
            return self
        check_note(note)
        if self.state != "open":
            raise InvalidState(f"Discrepancy {self.id} {self._end()}")
        return attrs.evolve(self, closed_at=now, closed_by=by, note=note)

    def _end(self) -> str:
        if self.repair:
            return (
                f"was repaired ({self.repair}) at {self.repaired_at:{_TIME}}: nothing is left to do"
            )
        return (
            f"was closed by {self.closed_by} at {self.closed_at:{_TIME}} with another note, which"
            " stays. Nothing is left to do: if the provider says something else, that will be found"
            " as a difference of its own"
        )


_TIME: Final = "%Y-%m-%d %H:%M UTC"

NO_PAYMENT: Final = UUID("c9a4e3b0-5d0e-5c0b-9a53-6a4a3a5a6f10")
"""
Stands for the payment in the ids of differences that have none.
"""


def difference(
    payment_id: UUID | None,
    kind: DiscrepancyKind,
    now: datetime,
    *,
    provider_object_id: str,
    local_value: str,
    provider_value: str,
) -> Discrepancy:
    """
    Return a difference that was found; whether it is news is known when it is saved.
    """
    return Discrepancy(
        id=child_id(payment_id or NO_PAYMENT, kind, f"{provider_object_id}:{provider_value}"),
        payment_id=payment_id,
        kind=kind,
        provider_object_id=provider_object_id,
        local_value=local_value,
        provider_value=provider_value,
        found_at=now,
    )
