"""
Counting what is not done, each kind by an index that holds little else.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column, Engine, Select, TextClause, func, literal, select, union_all
from typing_extensions import override

from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.operation import OperationState
from payments_core.ports.backlog import MOST, UNDONE, Backlog, IBacklogQueries, Waiting, Word
from payments_core.ports.outbox import OutboxStatus
from payments_core.ports.webhooks import WebhookStatus
from payments_postgres.dialects import reading
from payments_postgres.tables import (
    BLOCKS,
    NO_OUTCOME,
    STANDS,
    discrepancies,
    outbox,
    payment_operations,
    webhook_events,
)
from payments_postgres.transaction import Transaction


def _by_word(word: Column[Any], at: Column[Any], where: TextClause, order: Any) -> Select[Any]:
    """
    Count what a partial index holds, by a word; the order says which are left out if too many.
    """
    few = select(word.label("word"), at.label("at")).where(where).order_by(order).limit(MOST)
    found = few.subquery("few")
    return select(found.c.word, *_figures(found.c.at)).group_by(found.c.word)


def _of_webhooks(status: WebhookStatus) -> Select[Any]:
    few = select(webhook_events.c.received_at).where(webhook_events.c.status == literal(status))
    found = few.order_by(webhook_events.c.received_at).limit(MOST).subquery("few")
    return select(literal(str(status)).label("word"), *_figures(found.c.received_at))


def _figures(at: Any) -> tuple[Any, ...]:
    return (
        func.count().label("number"),
        func.min(at).label("oldest"),
        func.max(at).label("newest"),
    )


_MESSAGES: Final = _by_word(outbox.c.status, outbox.c.created_at, BLOCKS, outbox.c.created_at)
_o: Final = payment_operations.c
_OPERATIONS: Final = _by_word(_o.state, _o.first_sent_at, NO_OUTCOME, _o.first_sent_at)
_WEBHOOKS: Final = union_all(*map(_of_webhooks, UNDONE))
_d: Final = discrepancies.c
_DISCREPANCIES: Final = _by_word(_d.kind, _d.found_at, STANDS, _d.found_at.desc())


class SqlAlchemyBacklogQueries(IBacklogQueries):
    """
    Four statements that only read, each of its own moment.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = reading(engine)

    @override
    def count(self) -> Backlog:
        with Transaction(self._engine) as transaction:
            return Backlog(
                messages=_read(transaction, _MESSAGES, OutboxStatus),
                operations=_read(transaction, _OPERATIONS, OperationState),
                webhooks=_read(transaction, _WEBHOOKS, WebhookStatus),
                discrepancies=_read(transaction, _DISCREPANCIES, DiscrepancyKind),
            )


def _read(transaction: Transaction, statement: Any, kind: type[Word]) -> Mapping[Word, Waiting]:
    rows = transaction.rows(statement)
    return {
        kind(row.word): Waiting(row.number, row.oldest, row.newest) for row in rows if row.number
    }
