"""
Render the tables of the code into pages and drawings of docs; `--check` only compares.
"""

import sys
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

# The modules beside this script are imported by their full name, also when it is run by its path.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from payments_bootstrap.permissions import ROLES, SERVICES, Permission
from payments_core.domain.operation import OPERATION_TRANSITIONS
from payments_core.domain.policy import Policy
from payments_core.domain.recovery import RULES
from scripts.diagrams.path import path as path_of_a_payment
from scripts.diagrams.rooms import rooms
from scripts.diagrams.states import payment, refund
from scripts.metrics_table import metrics
from scripts.render_configuration import settings
from scripts.render_http import requests
from scripts.render_messages import taken, told

DOCS = Path(__file__).parent.parent / "docs"


def matrix(table: Mapping[Any, frozenset[Any]]) -> str:
    """
    Return a table of transitions with a row for each state that can be left.
    """
    names = list(table)
    lines = [f"| from ↓ to → | {' | '.join(names)} |", f"|---{'|:-:' * len(names)}|"]
    for before, following in table.items():
        if following:
            cells = ("●" if after in following else "" for after in names)
            lines.append(f"| **{before}** | {' | '.join(cells)} |")
    return "\n".join(lines)


def rules() -> str:
    """
    Return what recovery does with each kind of operation, as a table.
    """
    lines = [
        "| operation | first | sent again, under the same key | setting |",
        "|---|---|---|---|",
    ]
    for kind, rule in RULES.items():
        first = "its object is read" if rule.reads_first else "it is sent again, or looked for"
        within = words(getattr(Policy(), rule.sends_within))
        setting = f"`POLICY__{rule.sends_within.upper()}`"
        lines.append(f"| {kind} | {first} | until {within} after it was first sent | {setting} |")
    return "\n".join(lines)


def waits() -> str:
    """
    Return the waits between two looks, as a table.
    """
    policy = Policy()
    lost = ", ".join(map(words, policy.backoff))
    spent = ", ".join(map(words, policy.spent_backoff))
    return "\n".join(
        [
            "| what is known | waits between two looks; the last one repeats |",
            "|---|---|",
            f"| nothing: no answer, or its sender died | {lost} |",
            f"| an error that the provider keeps under the key (HTTP 500) | {spent} |",
            f"| the provider works on it, or waits for the customer | {words(policy.look_again)} |",
        ]
    )


def rights() -> str:
    """
    Return what roles and services may do by default, as a table.
    """
    columns = {**ROLES, **SERVICES}
    names = [f"`{name}`" for name in columns]
    lines = [f"| | {' | '.join(names)} |", f"|---{'|---' * len(names)}|"]
    for permission in Permission:
        if permission != permission.everyones:
            continue
        own = permission.removesuffix(":any")
        cells = [right(own, granted) for granted in columns.values()]
        lines.append(f"| `{own}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def right(name: str, granted: Collection[str]) -> str:
    """
    Return to whose payments a right reaches.
    """
    if f"{name}:any" in granted:
        return "all"
    return "own" if name in granted else "no"


def words(duration: timedelta) -> str:
    """
    Return a duration in its largest whole unit.
    """
    for unit, name in ((3600, "h"), (60, "min")):
        if duration.total_seconds() % unit == 0 and duration:
            return f"{duration.total_seconds() / unit:.0f} {name}"
    return f"{duration.total_seconds():.0f} s"


PAGES: Mapping[Path, Mapping[str, str]] = {
    DOCS / "recovery.md": {
        "Operations": matrix(OPERATION_TRANSITIONS),
        "Rules": rules(),
        "Waits": waits(),
    },
    DOCS / "identity.md": {"Rights": rights()},
    DOCS / "operating.md": {"Metrics": metrics()},
    DOCS / "configuration.md": {"Settings": settings()},
    DOCS / "http.md": {"Requests": requests()},
    DOCS / "messages.md": {"Told": told(), "Taken": taken()},
}
DRAWINGS: Mapping[Path, Callable[[], str]] = {
    DOCS / "diagrams" / "payment-states.svg": payment,
    DOCS / "diagrams" / "refund-states.svg": refund,
    DOCS / "diagrams" / "rooms.svg": rooms,
    DOCS / "diagrams" / "path.svg": path_of_a_payment,
}


def rendered(path: Path) -> str:
    """
    Return a page with each of its blocks, or a drawing, as the code has it now.
    """
    if path in DRAWINGS:
        return DRAWINGS[path]()
    page = path.read_text(encoding="utf-8")
    for name, block in PAGES[path].items():
        start, end = f"<!-- {name} -->\n", f"<!-- end {name} -->"
        before, _, rest = page.partition(start)
        _, _, after = rest.partition(end)
        page = f"{before}{start}{block}\n{end}{after}"
    return page


def main() -> None:
    """
    Write the pages, or with `--check` fail if one is not what the code says.
    """
    for path in (*PAGES, *DRAWINGS):
        wanted = rendered(path)
        if "--check" not in sys.argv:
            path.write_text(wanted, encoding="utf-8")
        elif wanted != path.read_text(encoding="utf-8"):
            raise SystemExit(f"docs/{path.name} is out of date; run python -m scripts.render_pages")


if __name__ == "__main__":
    main()
