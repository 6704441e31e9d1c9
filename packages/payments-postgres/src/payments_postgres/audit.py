"""
Who did what, in a table that only grows.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Engine, insert, select
from typing_extensions import override

from payments_core.domain.actor import Actor, Channel
from payments_core.domain.money import Money
from payments_core.domain.operation import OperationState
from payments_core.ports.audit import (
    AuditCursor,
    AuditEntry,
    AuditFilter,
    AuditPage,
    AuditRecord,
    IAuditLog,
    IAuditQueries,
)
from payments_postgres.dialects import reading
from payments_postgres.paging import below, page
from payments_postgres.statements import Fixed, Record, Values
from payments_postgres.tables import audit_log, payment_operations
from payments_postgres.transaction import Transaction

_c: Final = audit_log.c
_INSERT: Final = Fixed(insert(audit_log))
_OPERATION: Final = payment_operations.c.id == _c.operation_id
_NEWEST_FIRST: Final = (
    select(audit_log, payment_operations.c.state.label("outcome"))
    .outerjoin(payment_operations, _OPERATION)
    .order_by(_c.at.desc(), _c.id.desc())
)
_OF_ACTOR: Final = ("channel", "issuer", "subject", "client", "request_id")
_AS_IT_IS: Final = (
    *("id", "at", "action", "payment_id", "refund_id", "operation_id", "about"),
    *("before", "after", "reason"),
)


class SqlAlchemyAuditLog(IAuditLog):
    """
    Adds entries; the database itself refuses to change or remove one.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    def add(self, entry: AuditEntry) -> None:
        self._transaction.change(_INSERT, _row(entry))


class SqlAlchemyAuditQueries(IAuditQueries):
    """
    Each call is one statement that only reads.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = reading(engine)

    @override
    def list(self, wanted: AuditFilter, limit: int, after: AuditCursor | None = None) -> AuditPage:
        statement = _NEWEST_FIRST.where(*_conditions(wanted, after)).limit(limit + 1)
        with Transaction(self._engine) as transaction:
            found = [_record(row) for row in transaction.rows(statement)]
        shown, last = page(found, limit)
        return AuditPage(shown, AuditCursor(last.entry.at, last.entry.id) if last else None)


def _conditions(wanted: AuditFilter, after: AuditCursor | None) -> Sequence[ColumnElement[bool]]:
    equal = {name: getattr(wanted, name) for name in ("payment_id", "subject", "channel")}
    found = [_c[name] == value for name, value in equal.items() if value is not None]
    if wanted.since:
        found.append(_c.at >= wanted.since)
    if wanted.until:
        found.append(_c.at < wanted.until)
    if after:
        found.append(below((_c.at, _c.id), after.at, after.id))
    return found


def _row(entry: AuditEntry) -> Values:
    amount = entry.amount
    return {
        **{name: getattr(entry, name) for name in _AS_IT_IS},
        **{name: getattr(entry.actor, name) for name in _OF_ACTOR},
        "amount": None if amount is None else amount.minor_units,
        "currency": None if amount is None else amount.currency,
    }


def _record(row: Record) -> AuditRecord:
    actor = {name: getattr(row, name) for name in _OF_ACTOR}
    entry = AuditEntry(
        actor=Actor(**actor | {"channel": Channel(row.channel)}),
        amount=None if row.amount is None else Money.from_minor(row.amount, row.currency),
        **{name: getattr(row, name) for name in _AS_IT_IS},
    )
    return AuditRecord(entry, None if row.outcome is None else OperationState(row.outcome))
