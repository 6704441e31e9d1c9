"""
What a dry run found, as it is stored with it.
"""

import json
from uuid import UUID

import attrs
import pytest

from payments_core.contracts.findings import findings_from_json, findings_to_json
from payments_core.domain.discrepancy import Discrepancy, DiscrepancyKind, Repair
from payments_core.testing.builders import NOW

FOUND = Discrepancy(
    UUID(int=1), None, DiscrepancyKind.MISSING_LOCAL, "pi_1", "no such payment", "1.00 EUR", NOW
)


@pytest.mark.parametrize(
    "one",
    [
        FOUND,
        attrs.evolve(FOUND, run_id=UUID(int=2), repair=Repair.BEGUN, repaired_at=NOW),
        FOUND.close("anna", "done", NOW),
    ],
)
def test_round_trip(one: Discrepancy) -> None:
    """
    It is read as it was written.
    """
    assert findings_from_json(findings_to_json([one])) == (one,)


def test_the_release_before_can_read_it() -> None:
    """
    It refuses names that it does not know: those of a closing are written only where there is one.
    """
    (stored,) = json.loads(findings_to_json([FOUND]))

    assert not {"closed_at", "closed_by", "note"} & stored.keys()
