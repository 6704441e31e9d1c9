"""
What was found, as a table for people and as JSON for programs.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from timeit import repeat

import attrs

from benchmarks.rounds import Line

_COLUMNS = (
    "figure",
    "case",
    "floor",
    "value",
    "spread",
    "wanted",
    "a second",
    "floor",
    "p50",
    "p99",
)


_LOOP = "for i in range(100): d = {'a': i}; d.get('b'); str(i)"


def table(lines: Sequence[Line]) -> str:
    """
    Return the lines as a table; a value with ``x`` is a share of the floor's rate.
    """
    rows = [_COLUMNS, *map(_row, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(line: Line) -> Sequence[str]:
    rate, floor = line.details.get("rate"), line.details.get("floor_rate")
    return (
        *(line.figure, line.case, line.floor),
        f"{line.value:.2f} {line.unit}",
        f"{line.least:.2f}-{line.most:.2f}",
        line.wanted,
        *("" if number is None else f"{number:.0f}" for number in (rate, floor)),
        *(f"{line.details[p]:.1f} ms" if p in line.details else "" for p in ("p50_ms", "p99_ms")),
    )


def loop_ms() -> float:
    """
    Return how many milliseconds Python takes for a plain loop: how it was built matters much.
    """
    return round(min(repeat(_LOOP, number=1000, repeat=5)) * 1000, 1)


def document(lines: Sequence[Line], **facts: float) -> str:
    """
    Return the same as JSON.
    """
    machine: Mapping[str, str] = {
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    return json.dumps(
        {"machine": machine, **facts, "lines": list(map(attrs.asdict, lines))}, indent=2
    )
