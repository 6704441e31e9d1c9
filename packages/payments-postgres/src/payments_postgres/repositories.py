"""
Payments and discrepancies, kept in tables.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import attrs
from sqlalchemy import Select, Table, Update, bindparam, insert, select, update
from typing_extensions import override

from payments_core.domain.discrepancy import Discrepancy
from payments_core.domain.errors import ConcurrentUpdate
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation
from payments_core.domain.order import Order
from payments_core.domain.payment import Payment
from payments_core.ports.outbox import IOutbox
from payments_core.ports.repositories import (
    Claim,
    IDiscrepancyRepository,
    IOrderRepository,
    IPaymentRepository,
)
from payments_postgres.dialects import insert_if_new, insert_or_complete
from payments_postgres.mapping import (
    NOTHING,
    Snapshot,
    operation_rows,
    payment_row,
    refund_rows,
    to_discrepancy,
    to_operation,
    to_payment,
)
from payments_postgres.statements import Fixed, Values
from payments_postgres.tables import (
    AWAITED,
    DUE,
    IN_REVIEW,
    LIVE,
    discrepancies,
    orders,
    payment_operations,
    payments,
    refunds,
)
from payments_postgres.transaction import Transaction

_LOCKED: Final = select(payments).with_for_update()
_BY_ID: Final = Fixed(_LOCKED.where(payments.c.id == bindparam("id")))
_BY_PROVIDER_ID: Final = Fixed(
    _LOCKED.where(
        payments.c.provider == bindparam("provider"),
        payments.c.provider_payment_id == bindparam("provider_payment_id"),
    )
)
_LIVE_OF_ORDER: Final = Fixed(_LOCKED.where(payments.c.order_id == bindparam("order_id"), LIVE))


def _parts_of_payment(table: Table) -> Select[tuple[object, ...]]:
    return select(table).where(table.c.payment_id == bindparam("id")).order_by(table.c.number)


def _update_by_id(table: Table) -> Update:
    return update(table).where(table.c.id == bindparam("key"))


_OPERATIONS_OF: Final = Fixed(_parts_of_payment(payment_operations))
_REFUNDS_OF: Final = Fixed(_parts_of_payment(refunds))
_ORDER: Final = Fixed(select(orders).where(orders.c.order_id == bindparam("id"), orders.c.known))
_FACTS: Final = ("customer_id", "total", "currency")
# Locking the payment too passes over those that somebody works on, and keeps the rule that an
# operation's row changes under its payment's lock alone.
_DUE: Final = (
    select(payment_operations.c.id)
    .join(payments, payments.c.id == payment_operations.c.payment_id)
    .where(DUE, payment_operations.c.next_at <= bindparam("now"))
    .where(payments.c.provider.not_in(bindparam("without", expanding=True)))
    .order_by(payment_operations.c.next_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM: Final = (
    update(payment_operations)
    .where(payment_operations.c.id.in_(_DUE))
    .values(
        lease_token=bindparam("token"), lease_until=bindparam("until"), next_at=bindparam("until")
    )
    .returning(
        payment_operations.c.id,
        payment_operations.c.payment_id,
        select(payments.c.provider)
        .where(payments.c.id == payment_operations.c.payment_id)
        .scalar_subquery()
        .label("provider"),
    )
)
_EXPIRED: Final = Fixed(
    select(payments.c.id)
    .where(AWAITED, payments.c.expires_at <= bindparam("now"))
    .order_by(payments.c.expires_at)
    .limit(bindparam("most"))
)
_IN_REVIEW: Final = Fixed(
    select(payment_operations)
    .where(IN_REVIEW)
    .order_by(payment_operations.c.first_sent_at)
    .limit(bindparam("most"))
)
_UPDATE: Final = Fixed(_update_by_id(payments).where(payments.c.version == bindparam("expected")))
_PARTS: Final = (payment_operations, refunds)
_INSERT: Final = {table: Fixed(insert(table)) for table in _PARTS}
_CHANGE: Final = {table: Fixed(_update_by_id(table)) for table in _PARTS}


_ENDED: Final = _update_by_id(discrepancies).where(discrepancies.c.repair.is_(None))
_DISCREPANCY: Final = Fixed(
    select(discrepancies).where(discrepancies.c.id == bindparam("id")).with_for_update()
)
_CLOSING: Final = ("closed_at", "closed_by", "note")
_CLOSE: Final = Fixed(_update_by_id(discrepancies))


class SqlAlchemyPaymentRepository(IPaymentRepository):
    """
    Remembers how each payment was when it was read, to write only what changed.
    """

    def __init__(self, transaction: Transaction, outbox: IOutbox) -> None:
        self._transaction = transaction
        self._outbox = outbox
        self._stored: dict[UUID, Snapshot] = {}

    @override
    def add(self, payment: Payment) -> bool:
        statement = insert_if_new(self._transaction.dialect, payments, ("order_id",), LIVE)
        state, version = Snapshot.of(payment), payment.version + 1
        if not self._transaction.change(statement, payment_row(payment, state, version)):
            return False
        payment.version = version
        self._write_parts(payment, NOTHING, state)
        self._tell(payment)
        self._stored[payment.id] = state.kept_as(payment)
        return True

    @override
    def get(self, payment_id: UUID) -> Payment | None:
        return self._load(_BY_ID, {"id": payment_id})

    @override
    def find(self, provider: str, provider_payment_id: str) -> Payment | None:
        values = {"provider": provider, "provider_payment_id": provider_payment_id}
        return self._load(_BY_PROVIDER_ID, values)

    @override
    def live_payment_of(self, order_id: UUID) -> Payment | None:
        return self._load(_LIVE_OF_ORDER, {"order_id": order_id})

    @override
    def attach(self, payment: Payment) -> Payment:
        self._stored[payment.id] = Snapshot.of(payment)
        return payment.copy()

    @override
    def save(self, payment: Payment) -> None:
        before, after = self._before(payment), Snapshot.of(payment)
        if after.same_state(before) and not payment.events:
            payment.updated_at = before.updated_at
            return
        payment.updated_at = max(before.updated_at, payment.updated_at)
        self._update(payment, after)
        self._write_parts(payment, before, after)
        self._tell(payment)
        payment.version += 1
        self._stored[payment.id] = after.kept_as(payment)

    @override
    def claim(
        self, token: UUID, now: datetime, until: datetime, limit: int, without: Collection[str] = ()
    ) -> Sequence[Claim]:
        values = {"token": token, "now": now, "until": until, "most": limit}
        rows = self._transaction.rows(_CLAIM, {**values, "without": list(without)})
        return [Claim(row.provider, row.payment_id, row.id) for row in rows]

    @override
    def expired(self, now: datetime, limit: int) -> Sequence[UUID]:
        rows = self._transaction.rows(_EXPIRED, {"now": now, "most": limit})
        return [row.id for row in rows]

    @override
    def in_review(self, limit: int) -> Sequence[tuple[UUID, Operation]]:
        rows = self._transaction.rows(_IN_REVIEW, {"most": limit})
        return [(row.payment_id, to_operation(row)) for row in rows]

    def _load(self, statement: Fixed, values: Values) -> Payment | None:
        row = self._transaction.row(statement, values)
        if row is None:
            return None
        key = {"id": row.id}
        # The rows of a payment change under its lock alone, so these belong to that row.
        operations = self._transaction.rows(_OPERATIONS_OF, key)
        returned = self._transaction.rows(_REFUNDS_OF, key) if row.refund_count else ()
        payment = to_payment(row, operations, returned)
        self._stored[payment.id] = Snapshot.of(payment)
        return payment

    def _before(self, payment: Payment) -> Snapshot:
        """
        Return what is stored; a payment that another unit of work read is read again.
        """
        if payment.id not in self._stored:
            self.get(payment.id)
        before = self._stored.get(payment.id)
        if before is None or before.version != payment.version:
            raise ConcurrentUpdate(
                f"Payment {payment.id} is no longer as it was read; read it again and retry"
            )
        return before

    def _tell(self, payment: Payment) -> None:
        if payment.events:
            self._outbox.add(payment.events)
            payment.events.clear()

    def _update(self, payment: Payment, state: Snapshot) -> None:
        changed = self._transaction.change(
            _UPDATE,
            {
                "key": payment.id,
                "expected": payment.version,
                "version": payment.version + 1,
                "updated_at": payment.updated_at,
                **state.payment,
            },
        )
        if not changed:
            raise ConcurrentUpdate(
                f"Payment {payment.id} was changed by somebody else; read it again and retry"
            )

    def _write_parts(self, payment: Payment, before: Snapshot, after: Snapshot) -> None:
        new = after.operations.keys() - before.operations.keys()
        self._insert(payment_operations, operation_rows(payment, new))
        self._change(payment_operations, before.operations, after.operations)
        new = after.refunds.keys() - before.refunds.keys()
        self._insert(refunds, refund_rows(payment, new))
        self._change(refunds, before.refunds, after.refunds)

    def _insert(self, table: Table, rows: Sequence[Values]) -> None:
        for row in rows:
            self._transaction.change(_INSERT[table], row)

    def _change(
        self, table: Table, before: Mapping[UUID, Values], after: Mapping[UUID, Values]
    ) -> None:
        for key in before.keys() & after.keys():
            if before[key] != after[key]:
                self._transaction.change(_CHANGE[table], {"key": key, **after[key]})


class SqlAlchemyDiscrepancyRepository(IDiscrepancyRepository):
    """
    Keeps each difference once, by its id.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    def add(self, discrepancy: Discrepancy) -> bool:
        statement = insert_if_new(self._transaction.dialect, discrepancies, ("id",))
        if self._transaction.change(statement, attrs.asdict(discrepancy)):
            return True
        if discrepancy.repair:
            ended = {"repair": discrepancy.repair, "repaired_at": discrepancy.repaired_at}
            self._transaction.change(_ENDED.values(ended), {"key": discrepancy.id})
        return False

    @override
    def get(self, discrepancy_id: UUID) -> Discrepancy | None:
        row = self._transaction.row(_DISCREPANCY, {"id": discrepancy_id})
        return None if row is None else to_discrepancy(row)

    @override
    def close(self, discrepancy: Discrepancy) -> None:
        closing = {name: getattr(discrepancy, name) for name in _CLOSING}
        self._transaction.change(_CLOSE, {"key": discrepancy.id, **closing})


class SqlAlchemyOrderRepository(IOrderRepository):
    """
    Keeps orders beside the counter of their events.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    def record(self, order: Order) -> None:
        statement = insert_or_complete(
            self._transaction.dialect, orders, "order_id", _FACTS, "known"
        )
        total = order.total
        row = {
            "order_id": order.id,
            "event_seq": 0,
            "customer_id": order.customer_id,
            "total": None if total is None else total.minor_units,
            "currency": None if total is None else total.currency,
            "known": True,
        }
        self._transaction.change(statement, row)

    @override
    def get(self, order_id: UUID) -> Order | None:
        row = self._transaction.row(_ORDER, {"id": order_id})
        if row is None:
            return None
        total = None if row.total is None else Money.from_minor(row.total, row.currency)
        return Order(id=row.order_id, customer_id=row.customer_id, total=total)
