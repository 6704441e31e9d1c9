"""
Render the status table of the code into docs/status.md; `--check` only compares.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from payments_core.domain.operation import OPERATION_TRANSITIONS
from payments_core.domain.refund import REFUND_TRANSITIONS
from payments_core.domain.status import TRANSITIONS

PAGE = Path(__file__).parent.parent / "docs" / "status.md"
# The keys are states of three kinds, or None; mypy knows no mapping that is wider in its keys.
TABLES: Mapping[str, Mapping[Any, frozenset[Any]]] = {
    "Payments": TRANSITIONS,
    "Refunds": {None: frozenset({"Pending"}), **REFUND_TRANSITIONS},
    "Operations": {None: frozenset({"sent"}), **OPERATION_TRANSITIONS},
}


def diagram(table: Mapping[Any, frozenset[Any]]) -> str:
    """
    Return a table of transitions as a Mermaid state diagram.
    """
    steps = [
        f"    {before or '[*]'} --> {after}"
        for before, following in table.items()
        for after in sorted(following)
    ]
    ends = [f"    {state} --> [*]" for state, following in table.items() if not following]
    return "\n".join(["```mermaid", "stateDiagram-v2", *steps, *ends, "```"])


def rendered(page: str) -> str:
    """
    Return the page with each diagram as the code has it now.
    """
    for name, table in TABLES.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end {name} -->"
        before, _, rest = page.partition(start)
        _, _, after = rest.partition(end)
        page = f"{before}{start}{diagram(table)}\n{end}{after}"
    return page


def main() -> None:
    """
    Write the page, or with `--check` fail if it is not what the code says.
    """
    page = PAGE.read_text(encoding="utf-8")
    wanted = rendered(page)
    if "--check" not in sys.argv:
        PAGE.write_text(wanted, encoding="utf-8")
    elif wanted != page:
        raise SystemExit("docs/status.md is out of date; run scripts/render_status.py")


if __name__ == "__main__":
    main()
