"""
Looking at a run.
"""

from uuid import UUID

import attrs

from payments_core.domain.errors import NotFound
from payments_core.domain.reconciliation import ReconciliationRun
from payments_core.ports.queries import Cursor
from payments_core.ports.reconciliation import Found, IReconciliationQueries


@attrs.frozen
class ShowReconciliation:
    """
    Shows a run and what it found.
    """

    queries: IReconciliationQueries

    def execute(
        self, run_id: UUID, limit: int, after: Cursor | None = None
    ) -> tuple[ReconciliationRun, Found]:
        """
        Return the run, and up to `limit` differences from the cursor on, oldest first.

        Raises:
            NotFound: There is no such run.
        """
        run = self.queries.run(run_id)
        if run is None:
            raise NotFound(f"There is no reconciliation run {run_id}")
        found = (
            Found(run.findings, None) if run.dry_run else self.queries.found(run_id, after, limit)
        )
        return run, found
