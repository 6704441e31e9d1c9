"""
Reading payments without changing or locking them.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, bindparam, select, text
from typing_extensions import override

from payments_core.ports.queries import (
    Cursor,
    IPaymentQueries,
    Page,
    PaymentFilter,
    PaymentView,
    TimelineEntry,
)
from payments_postgres.dialects import reading, snapshot
from payments_postgres.mapping import to_view
from payments_postgres.paging import below, page
from payments_postgres.statements import Fixed
from payments_postgres.tables import payments
from payments_postgres.timeline import timeline_of
from payments_postgres.transaction import Transaction

_c: Final = payments.c
_BY_ID: Final = Fixed(select(payments).where(_c.id == bindparam("id")))
_NEWEST_FIRST: Final = select(payments).order_by(_c.created_at.desc(), _c.id.desc())

_EQUAL: Final = ("status", "order_id", "customer_id", "provider", "provider_payment_id")


class SqlAlchemyPaymentQueries(IPaymentQueries):
    """
    Each call is one transaction that only reads.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = reading(engine)
        self._snapshot = snapshot(engine)

    @override
    def get(self, payment_id: UUID) -> PaymentView | None:
        with Transaction(self._engine) as transaction:
            row = transaction.row(_BY_ID, {"id": payment_id})
        return None if row is None else to_view(row)

    @override
    def list(self, wanted: PaymentFilter, limit: int, after: Cursor | None) -> Page:
        statement = _NEWEST_FIRST.where(*_conditions(wanted, after)).limit(limit + 1)
        with Transaction(self._engine) as transaction:
            items = [to_view(row) for row in transaction.rows(statement)]
        shown, last = page(items, limit)
        return Page(shown, Cursor(last.created_at, last.id) if last else None)

    @override
    def timeline(self, payment_id: UUID) -> Sequence[TimelineEntry]:
        with Transaction(self._snapshot) as transaction:
            return timeline_of(transaction, payment_id)

    @override
    def ping(self) -> None:
        with Transaction(self._engine) as transaction:
            transaction.rows(text("SELECT 1"))


def _conditions(wanted: PaymentFilter, after: Cursor | None) -> Sequence[ColumnElement[bool]]:
    equal = {name: getattr(wanted, name) for name in _EQUAL}
    found = [_c[name] == value for name, value in equal.items() if value is not None]
    if wanted.created_from:
        found.append(_c.created_at >= wanted.created_from)
    if wanted.created_to:
        found.append(_c.created_at < wanted.created_to)
    if after:
        found.append(below((_c.created_at, _c.id), after.created_at, after.payment_id))
    return found
