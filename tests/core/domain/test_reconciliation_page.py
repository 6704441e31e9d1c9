"""
What the page about reconciliation says of each difference.
"""

import re
from pathlib import Path

from payments_core.domain.discrepancy import DiscrepancyKind

PAGE = Path(__file__).parents[3] / "docs/reconciliation.md"


def test_every_kind_has_a_row() -> None:
    """
    The table says of each kind, once, what it means, what is done and what a person does.
    """
    rows = re.findall(
        r"^\| `(\w+)` \|[^|]+\|[^|]+\|[^|]+\|$", PAGE.read_text("utf-8"), re.MULTILINE
    )

    assert sorted(rows) == sorted(DiscrepancyKind)
