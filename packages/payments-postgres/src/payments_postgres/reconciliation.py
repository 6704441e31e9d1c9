"""
Reconciliation runs, kept in a table.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import attrs
from sqlalchemy import bindparam, or_, select, update
from typing_extensions import override

from payments_core.contracts.converter import to_json
from payments_core.contracts.findings import findings_from_json, findings_to_json
from payments_core.domain.reconciliation import ReconciliationRun, RunStatus
from payments_core.ports.reconciliation import IReconciliationRepository
from payments_postgres.dialects import insert_unless_taken
from payments_postgres.statements import Record, Values
from payments_postgres.tables import UNFINISHED, reconciliation_runs
from payments_postgres.transaction import Transaction

_c: Final = reconciliation_runs.c

RUN_BY_ID: Final = select(reconciliation_runs).where(_c.id == bindparam("id"))
_ACTIVE: Final = select(reconciliation_runs).where(UNFINISHED, _c.provider == bindparam("provider"))
_FREE: Final = (
    select(_c.id)
    .where(UNFINISHED, or_(_c.lease_until.is_(None), _c.lease_until <= bindparam("now")))
    .order_by(_c.requested_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_FREE_OF: Final = _FREE.where(_c.provider == bindparam("of_provider"))
_SAVE: Final = update(reconciliation_runs).where(
    _c.id == bindparam("key"), _c.lease_token == bindparam("mine")
)


class SqlAlchemyReconciliationRepository(IReconciliationRepository):
    """
    Keeps runs; an index lets a provider have one that has not ended.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    def add(self, run: ReconciliationRun) -> bool:
        statement = insert_unless_taken(self._transaction.dialect, reconciliation_runs)
        return bool(self._transaction.change(statement, _row(run)))

    @override
    def get(self, run_id: UUID) -> ReconciliationRun | None:
        return self._one(RUN_BY_ID, {"id": run_id})

    @override
    def active(self, provider: str) -> ReconciliationRun | None:
        return self._one(_ACTIVE, {"provider": provider})

    @override
    def claim(
        self, now: datetime, until: datetime, token: UUID, provider: str | None = None
    ) -> ReconciliationRun | None:
        free = _FREE if provider is None else _FREE_OF
        claim = (
            update(reconciliation_runs)
            .where(_c.id.in_(free))
            .values(status=RunStatus.RUNNING.value, lease_until=until, lease_token=token)
            .returning(reconciliation_runs)
        )
        values = {"now": now} | ({} if provider is None else {"of_provider": provider})
        return self._one(claim, values)

    @override
    def save(self, run: ReconciliationRun) -> bool:
        key = {"key": run.id, "mine": run.lease_token}
        return bool(self._transaction.change(_SAVE.values(_row(run)), key))

    def _one(self, statement: Any, values: Values) -> ReconciliationRun | None:
        row = self._transaction.row(statement, values)
        return None if row is None else to_run(row)


def _row(run: ReconciliationRun) -> Mapping[str, Any]:
    fields = attrs.asdict(run, recurse=False)
    return fields | {
        "status": run.status.value,
        "unseen": to_json([str(payment_id) for payment_id in run.unseen]),
        "kinds": to_json(dict(run.kinds)),
        "findings": findings_to_json(run.findings),
    }


def to_run(row: Record) -> ReconciliationRun:
    """
    Return the run that a row holds.
    """
    values = row._asdict()
    values["status"] = RunStatus(row.status)
    values["unseen"] = tuple(map(UUID, json.loads(row.unseen)))
    values["kinds"] = json.loads(row.kinds)
    values["findings"] = findings_from_json(row.findings)
    return ReconciliationRun(**values)
