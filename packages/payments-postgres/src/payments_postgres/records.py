"""
The whole store in pages, for those who check what is stored.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Engine,
    Select,
    Table,
    bindparam,
    func,
    select,
)
from typing_extensions import override

from payments_core.ports.queries import Cursor
from payments_core.ports.records import (
    IRecordQueries,
    OrderSequence,
    PaymentRecord,
    WebhookPlace,
)
from payments_core.ports.retention import Horizons
from payments_core.ports.webhooks import WebhookEvent
from payments_postgres.dialects import snapshot
from payments_postgres.mapping import to_discrepancy, to_payment
from payments_postgres.outbox import to_message
from payments_postgres.paging import above
from payments_postgres.retention import horizons_in
from payments_postgres.statements import Record
from payments_postgres.tables import (
    discrepancies,
    orders,
    outbox,
    payment_operations,
    payments,
    refunds,
    webhook_events,
)
from payments_postgres.transaction import Transaction
from payments_postgres.webhooks import to_event

_c: Final = payments.c
_OLDEST_FIRST: Final = select(payments).order_by(_c.created_at, _c.id)
_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)


def _parts(table: Table, order: str) -> Select[Any]:
    return select(table).where(table.c.payment_id.in_(_IDS)).order_by(table.c[order])


_OPERATIONS: Final = _parts(payment_operations, "number")
_REFUNDS: Final = _parts(refunds, "number")
_MESSAGES: Final = _parts(outbox, "sequence")
_DISCREPANCIES: Final = _parts(discrepancies, "found_at")
_ORDERS: Final = (
    select(
        orders.c.order_id,
        orders.c.event_seq.label("handed_out"),
        func.count(outbox.c.id).label("count"),
        func.coalesce(func.min(outbox.c.sequence), 0).label("first"),
        func.coalesce(func.max(outbox.c.sequence), 0).label("last"),
        select(func.min(_c.created_at))
        .where(_c.order_id == orders.c.order_id)
        .scalar_subquery()
        .label("began_at"),
    )
    .select_from(orders.outerjoin(outbox, outbox.c.order_id == orders.c.order_id))
    .where(orders.c.order_id.in_(_IDS))
    .group_by(orders.c.order_id, orders.c.event_seq)
)


class SqlAlchemyRecordQueries(IRecordQueries):
    """
    Each page is one transaction that only reads, and all of it is of one moment.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = snapshot(engine)

    @override
    def count(self, since: datetime | None) -> int:
        statement = select(func.count()).select_from(payments).where(*_since(since))
        with Transaction(self._engine) as transaction:
            return int(transaction.rows(statement)[0][0])

    @override
    def payments(
        self, since: datetime | None, after: Cursor | None, limit: int
    ) -> Sequence[PaymentRecord]:
        found = _since(since)
        if after:
            found.append(above((_c.created_at, _c.id), after.created_at, after.payment_id))
        return self._records(_OLDEST_FIRST.where(*found).limit(limit))

    @override
    def by_ids(self, ids: Collection[UUID]) -> Sequence[PaymentRecord]:
        return self._records(select(payments).where(_c.id.in_(list(ids))))

    @override
    def by_objects(self, provider: str, ids: Collection[str]) -> Sequence[PaymentRecord]:
        mine = (_c.provider == provider, _c.provider_payment_id.in_(list(ids)))
        return self._records(select(payments).where(*mine))

    @override
    def kept(self, provider: str, since: datetime | None, before: datetime) -> Mapping[str, int]:
        settled = (_c.unresolved_operations == 0, _c.updated_at < before)
        statement = (
            select(_c.currency, func.sum(_c.captured - _c.refunded).label("kept"))
            .where(_c.provider == provider, *settled, *_since(since))
            .group_by(_c.currency)
        )
        with Transaction(self._engine) as transaction:
            return {row.currency: int(row.kept) for row in transaction.rows(statement)}

    @override
    def horizons(self) -> Horizons:
        with Transaction(self._engine) as transaction:
            return horizons_in(transaction)

    @override
    def webhooks(
        self, since: datetime | None, after: WebhookPlace | None, limit: int
    ) -> Sequence[WebhookEvent]:
        table = webhook_events
        key = (table.c.provider, table.c.event_id)
        statement = select(table).order_by(*key).limit(limit)
        if since:
            statement = statement.where(table.c.received_at >= since)
        if after:
            statement = statement.where(above(key, after.provider, after.event_id))
        with Transaction(self._engine) as transaction:
            return [to_event(row) for row in transaction.rows(statement)]

    def _records(self, statement: Select[Any]) -> Sequence[PaymentRecord]:
        with Transaction(self._engine) as transaction:
            rows = transaction.rows(statement)
            return _Page(transaction, rows).records() if rows else ()


class _Page:
    """
    Payments of one page with all that belongs to them; five statements whatever its size.
    """

    def __init__(self, transaction: Transaction, rows: Sequence[Record]) -> None:
        self._rows = rows
        self._transaction = transaction
        self._ids = {"ids": [row.id for row in rows]}

    def records(self) -> Sequence[PaymentRecord]:
        """
        Return them in the order of the rows.
        """
        operations, returned = self._parts(_OPERATIONS), self._parts(_REFUNDS)
        messages, found = self._parts(_MESSAGES), self._parts(_DISCREPANCIES)
        numbered = self._orders()
        return [
            PaymentRecord(
                payment=to_payment(row, operations[row.id], returned[row.id]),
                messages=[to_message(m) for m in messages[row.id]],
                discrepancies=[to_discrepancy(d) for d in found[row.id]],
                order=numbered.get(row.order_id),
            )
            for row in self._rows
        ]

    def _parts(self, statement: Select[Any]) -> Mapping[UUID, Sequence[Record]]:
        parts: dict[UUID, list[Record]] = defaultdict(list)
        for row in self._transaction.rows(statement, self._ids):
            parts[row.payment_id].append(row)
        return parts

    def _orders(self) -> Mapping[UUID, OrderSequence]:
        ids = {"ids": list({row.order_id for row in self._rows})}
        found: Iterable[Record] = self._transaction.rows(_ORDERS, ids)
        return {row.order_id: OrderSequence(**row._asdict()) for row in found}


def _since(since: datetime | None) -> list[ColumnElement[bool]]:
    return [] if since is None else [_c.created_at >= since]
