"""
Idempotency keys, in the transaction of what they asked for.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import attrs
from sqlalchemy import bindparam, delete, select, update
from typing_extensions import override

from payments_core.domain.errors import ConcurrentUpdate
from payments_core.ports.idempotency import IIdempotencyKeys, KeyedRequest
from payments_postgres.dialects import insert_if_new
from payments_postgres.statements import Fixed, Record
from payments_postgres.tables import idempotency_keys
from payments_postgres.transaction import Transaction

_c: Final = idempotency_keys.c
_MINE: Final = _c.key == bindparam("of_key")
# Not locked: the payment is locked before its keys are changed, by everybody.
_FIND: Final = Fixed(select(idempotency_keys).where(_MINE))
_REPLACE: Final = update(idempotency_keys).where(_MINE, _c.expires_at <= bindparam("now"))
_END: Final = Fixed(update(idempotency_keys).where(_MINE, _c.result.is_(None)))
_EXPIRED: Final = (
    select(_c.key)
    .where(_c.expires_at <= bindparam("now"))
    .order_by(_c.expires_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_FORGET: Final = delete(idempotency_keys).where(_c.key.in_(_EXPIRED))


class SqlAlchemyIdempotencyKeys(IIdempotencyKeys):
    """
    Each key is a row, and a unique one: whoever comes second waits, and sees who was first.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    def take(self, request: KeyedRequest) -> KeyedRequest | None:
        insert = insert_if_new(self._transaction.dialect, idempotency_keys, ("key",))
        row = attrs.asdict(request, recurse=False)
        if self._transaction.change(insert, row):
            return None
        found = self._find(request.key)
        if found and found.expires_at > request.created_at:
            return found
        if found and self._replace(row, request.created_at):
            return None
        raise ConcurrentUpdate("The idempotency key became free this moment; try again")

    @override
    def finish(self, key: str, payment_id: UUID, result: str) -> str:
        if self._end(key, payment_id, result=result):
            return result
        found = self._find(key)
        return found.result if found and found.result is not None else result

    @override
    def release(self, key: str, payment_id: UUID) -> None:
        self._end(key, payment_id)

    @override
    def forget(self, now: datetime, limit: int) -> int:
        return self._transaction.change(_FORGET, {"now": now, "most": limit})

    def _end(self, key: str, payment_id: UUID, **result: str) -> int:
        values = {"of_key": key, "payment_id": payment_id, "lease_until": None, **result}
        return self._transaction.change(_END, values)

    def _replace(self, row: Mapping[str, Any], now: datetime) -> int:
        key = {"of_key": row["key"], "now": now}
        return self._transaction.change(_REPLACE.values(row), key)

    def _find(self, key: str) -> KeyedRequest | None:
        row = self._transaction.row(_FIND, {"of_key": key})
        return None if row is None else _request(row)


def _request(row: Record) -> KeyedRequest:
    return KeyedRequest(**row._asdict())
