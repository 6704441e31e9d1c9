"""
Reconciliation runs in memory.
"""

from datetime import datetime
from uuid import UUID

import attrs
from typing_extensions import override

from payments_core.domain.reconciliation import ACTIVE, ReconciliationRun, RunStatus
from payments_core.ports.reconciliation import IReconciliationRepository


class InMemoryReconciliationRepository(IReconciliationRepository):
    """
    Runs of one open unit of work.
    """

    def __init__(self, runs: dict[UUID, ReconciliationRun]) -> None:
        self._runs = runs

    @override
    def add(self, run: ReconciliationRun) -> bool:
        if run.id in self._runs or self.active(run.provider):
            return False
        self._runs[run.id] = run
        return True

    @override
    def get(self, run_id: UUID) -> ReconciliationRun | None:
        return self._runs.get(run_id)

    @override
    def active(self, provider: str) -> ReconciliationRun | None:
        every = self._runs.values()
        return next((r for r in every if r.provider == provider and r.status in ACTIVE), None)

    @override
    def claim(
        self, now: datetime, until: datetime, token: UUID, provider: str | None = None
    ) -> ReconciliationRun | None:
        for run in self._runs.values():
            free = run.lease_until is None or run.lease_until <= now
            if run.status in ACTIVE and free and provider in {None, run.provider}:
                claimed = attrs.evolve(
                    run, status=RunStatus.RUNNING, lease_until=until, lease_token=token
                )
                self._runs[run.id] = claimed
                return claimed
        return None

    @override
    def save(self, run: ReconciliationRun) -> bool:
        if self._runs[run.id].lease_token != run.lease_token:
            return False
        self._runs[run.id] = run
        return True
