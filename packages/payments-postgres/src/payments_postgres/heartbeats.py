"""
Signs of life, a row for each worker.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, bindparam, delete, select
from typing_extensions import override

from payments_core.ports.heartbeats import Heartbeat, IHeartbeats
from payments_postgres.dialects import insert_or_change, reading
from payments_postgres.statements import Fixed, Record, Values
from payments_postgres.tables import heartbeats
from payments_postgres.transaction import Transaction

_c: Final = heartbeats.c
_SINCE: Final = Fixed(select(heartbeats).where(_c.at >= bindparam("moment")).order_by(_c.worker))
_END: Final = delete(heartbeats).where(_c.worker == bindparam("ended"))
_FORGET: Final = delete(heartbeats).where(_c.at < bindparam("before"))


class SqlAlchemyHeartbeats(IHeartbeats):
    """
    Each call is a transaction of its own. The table has as many rows as there are workers.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    @override
    def beat(self, heartbeat: Heartbeat) -> None:
        columns = ("parts", "broker", "at")
        insert = insert_or_change(self._engine.dialect.name, heartbeats, ("worker",), columns)
        with Transaction(self._engine) as transaction:
            transaction.change(insert, _row(heartbeat))
            transaction.commit()

    @override
    def since(self, moment: datetime) -> Sequence[Heartbeat]:
        with Transaction(self._reading) as transaction:
            return [_heartbeat(row) for row in transaction.rows(_SINCE, {"moment": moment})]

    @override
    def end(self, worker: str) -> None:
        with Transaction(self._engine) as transaction:
            transaction.change(_END, {"ended": worker})
            transaction.commit()

    @override
    def forget(self, before: datetime) -> int:
        with Transaction(self._engine) as transaction:
            gone = transaction.change(_FORGET, {"before": before})
            transaction.commit()
        return gone


def _row(beat: Heartbeat) -> Values:
    return {
        "worker": beat.worker,
        "parts": ",".join(beat.parts),
        "broker": beat.broker,
        "at": beat.at,
    }


def _heartbeat(row: Record) -> Heartbeat:
    parts = tuple(filter(None, row.parts.split(",")))
    return Heartbeat(worker=row.worker, parts=parts, broker=row.broker, at=row.at)
