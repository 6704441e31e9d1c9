"""
Who did what: written in the transaction of what was done, and never changed after.
"""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import attrs

from payments_core.domain.actor import Actor, Channel
from payments_core.domain.money import Money
from payments_core.domain.operation import OperationState


@attrs.frozen(kw_only=True)
class AuditEntry:
    """
    One thing that a person or a service did. What was refused is in the log, not here.

    Attributes:
        action: ``create``, ``confirm``, ``capture``, ``cancel``, ``refund``; what is done to
            other things than payments has a dot, such as ``outbox.release``.

        about: What it was done to, where that is no payment: its id, as text.

        operation_id: What it made the service ask of the provider, where it did.

        amount: What was asked for, where an amount was.

        before: The state of the thing before it; None if it was not there.

        after: The state in which the entry's own transaction left the thing. What the
            provider made of it is the outcome of the operation.

        reason: The words that were given for it.
    """

    id: UUID
    at: datetime
    actor: Actor
    action: str
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    operation_id: UUID | None = None
    about: str | None = None
    amount: Money | None = None
    before: str | None = None
    after: str | None = None
    reason: str | None = None


class IAuditLog(Protocol):
    """
    Takes entries in; there is no way to change or remove one.
    """

    @abstractmethod
    def add(self, entry: AuditEntry) -> None:
        """
        Keep an entry with everything else that this unit of work does, or not at all.
        """


@attrs.frozen(kw_only=True)
class AuditFilter:
    """
    Which entries to list; what is None does not restrict.

    Attributes:
        subject: Of the actor. since: Inclusive. until: Exclusive.
    """

    payment_id: UUID | None = None
    subject: str | None = None
    channel: Channel | None = None
    since: datetime | None = None
    until: datetime | None = None


@attrs.frozen
class AuditCursor:
    """
    A place in the list: the last entry that was shown.
    """

    at: datetime
    id: UUID


@attrs.frozen
class AuditRecord:
    """
    An entry as it is shown.

    Attributes:
        outcome: What became of its operation since; None where it has none.
    """

    entry: AuditEntry
    outcome: OperationState | None = None


@attrs.frozen
class AuditPage:
    """
    A part of the list, newest first.

    Attributes:
        next: Where the next page begins; None on the last one.
    """

    items: Sequence[AuditRecord]
    next: AuditCursor | None = None


class IAuditQueries(Protocol):
    """
    Reads the audit log; none of it locks or grows with the table.
    """

    @abstractmethod
    def list(self, wanted: AuditFilter, limit: int, after: AuditCursor | None = None) -> AuditPage:
        """
        Return up to `limit` entries, newest first, from the cursor on; one statement.
        """
