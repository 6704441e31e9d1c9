"""
What reconciliation reads: rows of many payments at once, and never their aggregates.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Engine,
    Select,
    TextClause,
    bindparam,
    select,
)
from typing_extensions import override

from payments_core.domain.comparison import HeldPayment, HeldRefund
from payments_core.domain.money import Money
from payments_core.domain.reconciliation import ReconciliationRun
from payments_core.domain.refund import RefundStatus
from payments_core.domain.status import PaymentStatus
from payments_core.ports.outbox import OutboxStatus
from payments_core.ports.provider import WebhookNotice, Window
from payments_core.ports.queries import Cursor
from payments_core.ports.reconciliation import (
    DiscrepancyFilter,
    Found,
    IReconciliationQueries,
    LocalMessage,
    LocalOperation,
)
from payments_core.ports.retention import Horizons
from payments_postgres.dialects import reading
from payments_postgres.mapping import to_discrepancy
from payments_postgres.paging import above, below, page
from payments_postgres.reconciliation import RUN_BY_ID, to_run
from payments_postgres.retention import horizons_in
from payments_postgres.statements import Record, Values
from payments_postgres.tables import (
    BLOCKS,
    NO_OUTCOME,
    STANDS,
    discrepancies,
    outbox,
    payment_operations,
    payments,
    refunds,
    webhook_events,
)
from payments_postgres.transaction import Transaction

_p, _r, _o, _m, _w = (
    payments.c,
    refunds.c,
    payment_operations.c,
    outbox.c,
    webhook_events.c,
)
_d: Final = discrepancies.c

_PAYMENTS: Final = select(
    _p.id,
    _p.created_at,
    _p.provider_payment_id,
    _p.status,
    _p.amount,
    _p.captured,
    _p.refunded,
    _p.currency,
    _p.provider,
)
_OF_PROVIDER: Final = _p.provider == bindparam("provider")
_BY_OBJECT: Final = _PAYMENTS.where(
    _OF_PROVIDER, _p.provider_payment_id.in_(bindparam("ids", expanding=True))
)
_BY_ID: Final = _PAYMENTS.where(_p.id.in_(bindparam("ids", expanding=True)))
_REFUNDS: Final = select(
    _r.id,
    _r.created_at,
    _r.payment_id,
    _p.provider_payment_id,
    _r.provider_refund_id,
    _r.status,
    _r.amount,
    _r.currency,
).join_from(refunds, payments)
_REFUNDS_OF: Final = _REFUNDS.where(_r.payment_id.in_(bindparam("ids", expanding=True)))
_OPERATIONS: Final = select(
    _o.id, _o.first_sent_at, _o.payment_id, _p.provider_payment_id
).join_from(payment_operations, payments)
_MESSAGES: Final = select(_m.id, _m.created_at, _m.payment_id, _m.name, _m.status)
_MESSAGES_OF: Final = _MESSAGES.where(_m.payment_id.in_(bindparam("ids", expanding=True)))
_KNOWN: Final = select(_w.event_id).where(
    _w.provider == bindparam("provider"),
    _w.event_id.in_(bindparam("ids", expanding=True)),
    _w.created_at.between(bindparam("first"), bindparam("last")),
)
_FOUND: Final = select(discrepancies).where(_d.run_id == bindparam("run"))


class SqlAlchemyReconciliationQueries(IReconciliationQueries):
    """
    Each call is one transaction that only reads.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = reading(engine)

    def _rows(self, statement: Select[Any], values: Values) -> Sequence[Record]:
        with Transaction(self._engine) as transaction:
            return transaction.rows(statement, values)

    @override
    def by_object(self, provider: str, object_ids: Collection[str]) -> Mapping[str, HeldPayment]:
        rows = self._rows(_BY_OBJECT, {"provider": provider, "ids": list(object_ids)})
        return {row.provider_payment_id: _payment(row) for row in rows}

    @override
    def by_id(self, provider: str, payment_ids: Collection[UUID]) -> Mapping[UUID, HeldPayment]:
        rows = self._rows(_BY_ID, {"ids": list(payment_ids)})
        return {row.id: _payment(row) for row in rows if row.provider == provider}

    @override
    def payments(
        self, provider: str, window: Window, after: Cursor | None, limit: int
    ) -> Sequence[HeldPayment]:
        place = _place(_p.created_at, _p.id, window, after)
        statement = _newest(_PAYMENTS, _p.created_at, _p.id, limit).where(_OF_PROVIDER, *place)
        return [_payment(row) for row in self._rows(statement, {"provider": provider})]

    @override
    def refunds_of(self, payment_ids: Collection[UUID]) -> Sequence[HeldRefund]:
        if not payment_ids:
            return ()
        return [_refund(row) for row in self._rows(_REFUNDS_OF, {"ids": list(payment_ids)})]

    @override
    def refunds(
        self, provider: str, window: Window, after: Cursor | None, limit: int
    ) -> Sequence[HeldRefund]:
        place = _place(_r.created_at, _r.id, window, after)
        statement = _newest(_REFUNDS, _r.created_at, _r.id, limit).where(_OF_PROVIDER, *place)
        return [_refund(row) for row in self._rows(statement, {"provider": provider})]

    @override
    def unresolved(
        self, provider: str, window: Window, after: Cursor | None, limit: int
    ) -> Sequence[LocalOperation]:
        place = _place(_o.first_sent_at, _o.id, window, after)
        statement = _newest(_OPERATIONS, _o.first_sent_at, _o.id, limit)
        found = statement.where(NO_OUTCOME, _OF_PROVIDER, *place)
        return [_operation(row) for row in self._rows(found, {"provider": provider})]

    @override
    def messages_of(self, payment_ids: Collection[UUID]) -> Sequence[LocalMessage]:
        return [_message(row) for row in self._rows(_MESSAGES_OF, {"ids": list(payment_ids)})]

    @override
    def unsent(self, window: Window, after: Cursor | None, limit: int) -> Sequence[LocalMessage]:
        place = _place(_m.created_at, _m.id, window, after)
        about = _m.payment_id.is_not(None)
        statement = _newest(_MESSAGES, _m.created_at, _m.id, limit).where(BLOCKS, about, *place)
        return [_message(row) for row in self._rows(statement, {})]

    @override
    def horizons(self) -> Horizons:
        with Transaction(self._engine) as transaction:
            return horizons_in(transaction)

    @override
    def known_events(self, provider: str, notices: Collection[WebhookNotice]) -> Collection[str]:
        if not notices:
            return ()
        moments = sorted(notice.created_at for notice in notices)
        wanted = {"ids": [n.id for n in notices], "first": moments[0], "last": moments[-1]}
        rows = self._rows(_KNOWN, {"provider": provider, **wanted})
        return {row.event_id for row in rows}

    @override
    def run(self, run_id: UUID) -> ReconciliationRun | None:
        rows = self._rows(RUN_BY_ID, {"id": run_id})
        return to_run(rows[0]) if rows else None

    @override
    def found(self, run_id: UUID, after: Cursor | None, limit: int) -> Found:
        statement = _FOUND.order_by(_d.found_at, _d.id).limit(limit + 1)
        if after:
            behind = above((_d.found_at, _d.id), after.created_at, after.payment_id)
            statement = statement.where(behind)
        return self._found(statement, {"run": run_id}, limit)

    @override
    def discrepancies(
        self, wanted: DiscrepancyFilter, limit: int, after: Cursor | None = None
    ) -> Found:
        statement = _newest(select(discrepancies), _d.found_at, _d.id, limit + 1)
        return self._found(statement.where(*_wanted(wanted, after)), {}, limit)

    def _found(self, statement: Select[Any], values: Values, limit: int) -> Found:
        every = [to_discrepancy(row) for row in self._rows(statement, values)]
        shown, last = page(every, limit)
        return Found(shown, Cursor(last.found_at, last.id) if last else None)


def _newest(statement: Select[Any], at: Any, key: Any, limit: int) -> Select[Any]:
    return statement.order_by(at.desc(), key.desc()).limit(limit)


def _place(
    at: Any, key: Any, window: Window, after: Cursor | None
) -> Sequence[ColumnElement[bool]]:
    found = [at >= window.start, at < window.end]
    if after:
        found.append(below((at, key), after.created_at, after.payment_id))
    return found


def _wanted(
    wanted: DiscrepancyFilter, after: Cursor | None
) -> Sequence[ColumnElement[bool] | TextClause]:
    equal = {"kind": wanted.kind, "payment_id": wanted.payment_id}
    found: list[ColumnElement[bool] | TextClause] = [
        _d[name] == value for name, value in equal.items() if value is not None
    ]
    if not wanted.ended:
        found.append(STANDS)
    if after:
        found.append(below((_d.found_at, _d.id), after.created_at, after.payment_id))
    return found


def _payment(row: Record) -> HeldPayment:
    return HeldPayment(
        row.id,
        row.created_at,
        row.provider_payment_id,
        PaymentStatus(row.status),
        Money.from_minor(row.amount, row.currency),
        Money.from_minor(row.captured, row.currency),
        Money.from_minor(row.refunded, row.currency),
    )


def _refund(row: Record) -> HeldRefund:
    return HeldRefund(
        row.id,
        row.created_at,
        row.payment_id,
        row.provider_payment_id,
        row.provider_refund_id,
        RefundStatus(row.status),
        Money.from_minor(row.amount, row.currency),
    )


def _operation(row: Record) -> LocalOperation:
    return LocalOperation(row.id, row.first_sent_at, row.payment_id, row.provider_payment_id)


def _message(row: Record) -> LocalMessage:
    return LocalMessage(row.id, row.created_at, row.payment_id, row.name, OutboxStatus(row.status))
