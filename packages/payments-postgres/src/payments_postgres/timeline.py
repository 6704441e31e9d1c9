"""
Everything that happened to one payment, in the order of time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Table, bindparam, select

from payments_core.contracts.converter import timestamp
from payments_core.contracts.requests import request_from_json
from payments_core.domain.money import Money
from payments_core.domain.operation import OperationKind
from payments_core.ports.queries import TimelineEntry
from payments_postgres.mapping import to_discrepancy
from payments_postgres.statements import Record
from payments_postgres.tables import (
    discrepancies,
    outbox,
    payment_operations,
    refunds,
    webhook_events,
)
from payments_postgres.transaction import Transaction


def _operation(row: Record) -> TimelineEntry:
    amount = getattr(request_from_json(OperationKind(row.kind), row.request), "amount", None)
    return TimelineEntry(
        at=row.first_sent_at,
        kind="operation",
        name=row.kind,
        state=row.state,
        id=str(row.id),
        details=_details(row, *_OPERATION_DETAILS, amount=amount),
    )


def _refund(row: Record) -> TimelineEntry:
    return TimelineEntry(
        at=row.created_at,
        kind="refund",
        name=row.reason or "",
        state=row.status,
        id=str(row.id),
        details=_details(row, *_REFUND_DETAILS, amount=Money.from_minor(row.amount, row.currency)),
    )


def _webhook(row: Record) -> TimelineEntry:
    return TimelineEntry(
        at=row.received_at,
        kind="webhook",
        name=row.type,
        state=row.status,
        id=row.event_id,
        details=_details(row, *_WEBHOOK_DETAILS, backfilled="yes" if row.backfilled else None),
    )


def _event(row: Record) -> TimelineEntry:
    return TimelineEntry(
        at=row.created_at,
        kind="event",
        name=row.name,
        state=row.status,
        id=str(row.id),
        details=_details(row, "sequence", "attempts", "next_at", "published_at", "error"),
    )


def _discrepancy(row: Record) -> TimelineEntry:
    return TimelineEntry(
        at=row.found_at,
        kind="discrepancy",
        name=row.kind,
        state=to_discrepancy(row).state,
        id=str(row.id),
        details=_details(row, *_DISCREPANCY_DETAILS),
    )


_FAILURE: Final = ("failure_code", "failure_message")
_OPERATION_DETAILS: Final = (
    *("number", "attempts", "last_sent_at", "resolved_at", "lease_until", "provider_status"),
    *("next_at", "first_pass_at", "second_pass_at"),
    *_FAILURE,
)
_WEBHOOK_DETAILS: Final = ("created_at", "attempts", "next_at", "provider_payment_id", "error")
_REFUND_DETAILS: Final = ("provider_refund_id", "completed_at", *_FAILURE)

_DISCREPANCY_DETAILS: Final = (
    *("provider_object_id", "local_value", "provider_value", "run_id", "repair", "repaired_at"),
    *("closed_at", "closed_by", "note"),
)

_KINDS: Final[Mapping[Table, Callable[[Record], TimelineEntry]]] = {
    payment_operations: _operation,
    refunds: _refund,
    webhook_events: _webhook,
    discrepancies: _discrepancy,
    outbox: _event,
}
"""
Where to look, and how to tell it; what comes first here comes first at the same moment.
"""

_STATEMENTS: Final = {
    table: select(table).where(table.c.payment_id == bindparam("id")) for table in _KINDS
}


def timeline_of(transaction: Transaction, payment_id: UUID) -> Sequence[TimelineEntry]:
    """
    Return what happened to a payment, oldest first; five statements.
    """
    entries: list[TimelineEntry] = []
    for table, entry_of in _KINDS.items():
        rows = transaction.rows(_STATEMENTS[table], {"id": payment_id})
        entries += sorted(map(entry_of, rows), key=_sequence)
    return sorted(entries, key=lambda entry: entry.at)


def _sequence(entry: TimelineEntry) -> tuple[datetime, int]:
    number = entry.details.get("sequence") or entry.details.get("number") or "0"
    return entry.at, int(number)


def _details(row: Record, *names: str, **more: object) -> Mapping[str, str]:
    found: Iterable[tuple[str, object]] = [*((n, getattr(row, n)) for n in names), *more.items()]
    return {name: _text(value) for name, value in found if value is not None}


def _text(value: object) -> str:
    return timestamp(value) if isinstance(value, datetime) else str(value)
