"""
Payments and timelines in the width of a terminal: nothing is cut off without a sign.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import click

from payments_cli.colours import coloured
from payments_cli.output import Row, terminal_width, write_table
from payments_cli.visible import visible

TIME: Final = len("00:53:38")
MOMENT: Final = len("2026-11-22 00:53:38")
LEAST: Final = 8
"""
The least of a customer's id that still tells customers apart.
"""

ENOUGH: Final = 36
"""
What a customer's id may take before the days are worth a column: Keycloak's are that long.
"""


def payment_lines(titles: Mapping[str, str], rows: Sequence[Row], width: int) -> Iterator[str]:
    """
    Yield a line for each payment; where that is too wide, the days become lines of their own.

    Ids stay whole, to be copied; customers' are shortened in the middle to what is left.
    """
    widths = {n: max(len(visible(row[n])) for row in [titles, *rows]) for n in titles}
    customer = widths["customerId"]
    others = sum(widths.values()) - customer - widths["createdAt"]
    gaps = 2 * (len(titles) - 1)
    room = width - others - MOMENT - gaps
    if room >= min(customer, ENOUGH):
        widths |= {"customerId": room}
        yield click.style(_line(titles, widths, 2), dim=True)
        yield from (_line({name: row[name] for name in titles}, widths, 2) for row in rows)
        return
    room = width - others - TIME - gaps
    gap = 2 if room >= LEAST else 1
    room = room if room >= LEAST else max(LEAST, room + gaps // 2)
    widths |= {"createdAt": TIME, "customerId": room}
    yield from _by_day(titles, rows, widths, gap)


def _by_day(
    titles: Mapping[str, str], rows: Sequence[Row], widths: Mapping[str, int], gap: int
) -> Iterator[str]:
    titles = {**titles, "createdAt": "at, UTC"}
    yield click.style(_line(titles, widths, gap), dim=True)
    for day, found in groupby(rows, lambda row: str(row["createdAt"][:10])):
        yield click.style(day, dim=True)
        for row in found:
            short = {**row, "createdAt": row["createdAt"][11:]}
            yield _line({name: short[name] for name in titles}, widths, gap)


def _line(row: Row, widths: Mapping[str, int], gap: int) -> str:
    cells = []
    for name, text in row.items():
        side = ">" if name == "amount" else "<"
        cell = f"{shortened(visible(text), widths[name]):{side}{widths[name]}}"
        cells.append(coloured(cell) if name == "status" else cell)
    return (" " * gap).join(cells).rstrip()


def shortened(text: str, room: int) -> str:
    """
    Return a text with its middle replaced by a sign if it is longer than its room.
    """
    if len(text) <= room:
        return text
    head = room // 2
    return f"{text[:head]}…{text[len(text) - (room - head - 1) :]}"


def entry_lines(rows: Sequence[Row], width: int) -> Iterator[str]:
    """
    Yield the lines of a timeline: each day, its entries, and under each what else is known.
    """
    what = max(len(visible(row["what"])) for row in rows)
    indent = " " * (TIME + 4)
    for day, found in groupby(rows, lambda row: row["at"][:10]):
        yield click.style(f"{day}, UTC", dim=True)
        for row in found:
            name, state = visible(row["what"]), coloured(visible(row["state"]))
            yield f"  {row['at'][11:]}  {name:<{what}}  {state}"
            yield from textwrap.wrap(
                visible(row["details"]),
                max(width, 40),
                initial_indent=indent,
                subsequent_indent=indent,
                break_on_hyphens=False,
            )


ENTRY_TITLES: Final = {"at": "at, UTC", "what": "what", "state": "state", "details": "details"}


def write_entries(rows: Sequence[Row], nothing: str) -> None:
    """
    Write what happened: as a timeline on a terminal, as a table elsewhere.

    Args:
        nothing: What is written if there is nothing.
    """
    width = terminal_width()
    if not rows:
        click.echo(nothing)
    elif width:
        click.echo("\n".join(entry_lines(rows, width)))
    else:
        write_table(ENTRY_TITLES, rows)
