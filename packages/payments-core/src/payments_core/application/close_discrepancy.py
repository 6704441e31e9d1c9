"""
The differences that a person must look at: seeing which stand, and closing one.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import attrs

from payments_core.domain.actor import EMBEDDING, Actor
from payments_core.domain.discrepancy import Discrepancy
from payments_core.domain.errors import NotFound
from payments_core.domain.ids import child_id
from payments_core.masking import mask
from payments_core.ports.audit import AuditEntry
from payments_core.ports.clock import IClock
from payments_core.ports.queries import Cursor
from payments_core.ports.reconciliation import (
    DiscrepancyFilter,
    Found,
    IReconciliationQueries,
)
from payments_core.ports.unit_of_work import UnitOfWorkFactory

ACTION: Final = "discrepancy.close"


@attrs.frozen
class ListDiscrepancies:
    """
    Shows differences from the provider, the last found first.
    """

    queries: IReconciliationQueries

    def execute(self, wanted: DiscrepancyFilter, limit: int, after: Cursor | None = None) -> Found:
        """
        Return up to `limit` of them from the cursor on.
        """
        return self.queries.discrepancies(wanted, limit, after)


@attrs.frozen(kw_only=True)
class CloseDiscrepancyCommand:
    """
    Which difference, and what was done about it.

    Attributes:
        note: A line of 1 to 500 characters for the record; a card number or secret in it is masked.

        actor: Who looked at it.
    """

    discrepancy_id: UUID
    note: str = attrs.field(converter=mask)
    actor: Actor = EMBEDDING


@attrs.frozen
class CloseDiscrepancy:
    """
    Takes a person's word that a difference is done with, so that it stands no more.

    It is about this very difference: found again it stays closed, and when the provider says
    something else, that is another one. No payment changes by it.
    """

    unit_of_work: UnitOfWorkFactory
    clock: IClock

    def execute(self, command: CloseDiscrepancyCommand) -> Discrepancy:
        """
        Close it, and return it; closed already with the same note, it is returned as it is.

        Raises:
            NotFound: There is no such difference.
            NoteInvalid: The note is empty, too long or not one line.
            InvalidState: It is repaired, or was closed with another note.
        """
        now, actor = self.clock.now(), command.actor
        with self.unit_of_work() as uow:
            before = uow.discrepancies.get(command.discrepancy_id)
            if before is None:
                raise NotFound(f"There is no discrepancy {command.discrepancy_id}")
            after = before.close(actor.subject or actor.channel, command.note, now)
            if after != before:
                uow.discrepancies.close(after)
                uow.audit.add(_entry(before, after, actor, now))
                uow.commit()
        return after


def _entry(before: Discrepancy, after: Discrepancy, actor: Actor, now: datetime) -> AuditEntry:
    return AuditEntry(
        id=child_id(after.id, "audit", ACTION),
        at=now,
        actor=actor,
        action=ACTION,
        payment_id=after.payment_id,
        about=f"discrepancy {after.id}",
        before=before.state,
        after=after.state,
        reason=after.note,
    )
