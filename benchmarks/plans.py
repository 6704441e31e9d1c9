"""
How PostgreSQL runs each query of the service, in a table of a million payments.

``python -m benchmarks.plans`` lets the service do its work, with ``auto_explain`` on its
connections: what is shown are the plans that really ran, with their times and pages.
"""

import argparse
import json
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
from psycopg import Connection
from psycopg.errors import Diagnostic
from sqlalchemy import event, text

from benchmarks import flows
from benchmarks.filling import filled, moment, payment_id
from benchmarks.place import place
from payments_bootstrap import Container
from payments_core.ports.queries import Cursor, PaymentFilter

_WATCH: Final = """
    LOAD 'auto_explain';
    SET auto_explain.log_min_duration = 0;
    SET auto_explain.log_analyze = on;
    SET auto_explain.log_buffers = on;
    SET auto_explain.log_format = json;
    SET client_min_messages = log;
"""
_TURNS: Final = 30
_BEFORE: Final = 1_500
"""
Payments that are taken first, and as many by a webhook: the other tables must not be so small that an index is no use.
"""


@attrs.frozen
class Run:
    """
    One statement as it ran: milliseconds, pages of 8 KiB, and its scans in words.
    """

    milliseconds: float
    pages: int
    scans: tuple[str, ...]


@attrs.frozen
class Runs:
    """
    What ran, by what it was for and by its text.
    """

    found: dict[tuple[str, str], list[Run]] = attrs.field(factory=lambda: defaultdict(list))

    def heard(self, purpose: str, diagnostic: Diagnostic) -> None:
        """
        Keep a plan that the server tells of; other notices are none.
        """
        message = diagnostic.message_primary or ""
        if "plan:" not in message:
            return
        told = json.loads(message.partition("plan:")[2])
        plan = told["Plan"]
        pages = plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)
        run = Run(plan["Actual Total Time"], pages, tuple(sorted(set(_scans(plan)))))
        self.found[purpose, _short(told["Query Text"])].append(run)


def _scans(plan: Mapping[str, Any]) -> Iterator[str]:
    """
    Yield the index of each scan that was made, or the table where there was none.
    """
    if (
        "Scan" in plan["Node Type"]
        and plan["Node Type"] != "Subquery Scan"
        and plan["Actual Loops"]
    ):
        yield plan.get("Index Name") or f"{plan['Node Type']} {plan['Relation Name']}"
    for part in plan.get("Plans", []):
        yield from _scans(part)


def _short(sql: str) -> str:
    words = re.sub(r"SELECT .*? FROM", "SELECT … FROM", " ".join(sql.split()))
    words = re.sub(
        r"(VALUES|SET|RETURNING) .*?(?= ON CONFLICT| WHERE| RETURNING|$)", r"\1 …", words
    )
    return words[:100]


def purposes(container: Container, rows: int) -> Mapping[str, Callable[[], object]]:
    """
    Return what the service does, by name.
    """
    there = Cursor(moment(rows // 2), payment_id(rows // 2))
    pages = container.list_payments().queries
    work: dict[str, Callable[[], object]] = {
        "create": lambda: flows.create(container),
        "webhook": lambda: flows.webhook(container),
        "get": lambda: pages.get(payment_id(rows // 2)),
        "list": lambda: pages.list(PaymentFilter(), 20, there),
        "list, a customer's": lambda: pages.list(PaymentFilter(customer_id="customer-7"), 20, None),
    }
    return work | {f"worker, {job.name}": job.run for job in container.jobs()}


def watch(container: Container, rows: int) -> Runs:
    """
    Do each several times, and return how it ran.
    """
    runs, doing = Runs(), [""]

    def connected(connection: Connection[Any], _record: object) -> None:
        connection.add_notice_handler(lambda diagnostic: runs.heard(doing[0], diagnostic))
        connection.execute(_WATCH)
        connection.commit()

    for _ in range(_BEFORE):
        flows.create(container)
        flows.webhook(container)
    container.engine().dispose()
    event.listen(container.engine(), "connect", connected)
    with container.engine().begin() as connection:
        connection.execute(text("ANALYZE"))
    for name, act in purposes(container, rows).items():
        doing[0] = name
        for _ in range(_TURNS):
            act()
    return runs


def table(runs: Runs) -> str:
    """
    Return what ran as a table in Markdown.
    """
    lines = ["| for | statement | ms | pages | by |", "|---|---|---|---|---|"]
    for (purpose, sql), each in runs.found.items():
        lines.append(_line(purpose, sql, each))
    return "\n".join(lines)


def _line(purpose: str, sql: str, each: Sequence[Run]) -> str:
    time = statistics.median(run.milliseconds for run in each)
    pages = statistics.median(run.pages for run in each)
    scans = ", ".join(sorted({f"`{scan}`" for run in each for scan in run.scans}))
    return f"| {purpose} | `{sql}` | {time:.3f} | {pages:.0f} | {scans} |"


def main() -> None:
    """
    Print the table.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plans")
    parser.add_argument("--payments", type=int, default=1_000_000, help="in the table")
    options = parser.parse_args()
    with place() as here, here.provider() as provider:
        container = filled(here, options.payments).container(provider)
        print(table(watch(container, options.payments)))


if __name__ == "__main__":
    main()
