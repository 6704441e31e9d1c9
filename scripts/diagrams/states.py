"""
Draw a table of transitions: the states have places here, the arrows come from the code.
"""

from collections.abc import Mapping
from math import hypot
from typing import Any

from payments_core.domain.refund import REFUND_TRANSITIONS
from payments_core.domain.status import TRANSITIONS
from scripts.diagrams.drawing import Box, Drawing

Table = Mapping[Any, frozenset[Any]]
Places = Mapping[str, tuple[float, float]]

COLUMN, ROW, MARGIN = 176.0, 118.0, 90.0
APART = 7.0  # two arrows between the same states, each to its side
KINDS = {
    "Succeeded": "good",
    "Refunded": "key",
    "Failed": "bad",
    "Canceled": "bad",
    "RequiresAction": "busy",
    "Pending": "busy",
}
PAYMENT: Places = {
    "Pending": (0, 1),
    "RequiresAction": (1, 0),
    "Authorized": (2.2, 1),
    "Succeeded": (3.3, 0),
    "Refunded": (4.4, 0),
    "Failed": (1.1, 2),
    "Canceled": (2.3, 2),
}
REFUND: Places = {
    "Pending": (0, 1),
    "Succeeded": (1.3, 0),
    "Failed": (2.6, 1),
    "Canceled": (1.3, 2),
}


def payment() -> str:
    """
    Return the states of a payment.
    """
    return states("The states of a payment, and which follows which", TRANSITIONS, PAYMENT)


def refund() -> str:
    """
    Return the states of a refund.
    """
    table: Table = {None: frozenset({"Pending"}), **REFUND_TRANSITIONS}
    return states("The states of a refund, and which follows which", table, REFUND)


def states(title: str, table: Table, places: Places) -> str:
    """
    Return a diagram.

    Raises:
        SystemExit: A state has no place yet.
    """
    if lost := {str(state) for state in table if state} - set(places):
        raise SystemExit(f"give {', '.join(sorted(lost))} a place in scripts/diagrams/states.py")
    boxes = {
        name: Box(MARGIN + COLUMN * column, 36 + ROW * row)
        for name, (column, row) in places.items()
    }
    right, bottom = max(b.x for b in boxes.values()), max(b.y for b in boxes.values())
    drawing = Drawing(right + MARGIN, bottom + 36, title)
    for before, following in table.items():
        for after in sorted(following):
            step(drawing, boxes, str(before) if before else None, str(after), table)
    for name, box in boxes.items():
        drawing.box(box, KINDS.get(name, ""), radius=20)
        drawing.words(box.x, box.y, name, "strong")
    return drawing.svg()


def step(
    drawing: Drawing, boxes: Mapping[str, Box], before: str | None, after: str, table: Table
) -> None:
    """
    Draw one arrow, aside of the one that comes back if there is one.
    """
    end = boxes[after]
    if before is None:
        drawing.dot(end.x, end.y - 66)
        drawing.line((end.x, end.y - 60), end.edge_towards(end.x, end.y - 60))
        return
    start = boxes[before]
    back = any(str(state) == after and before in following for state, following in table.items())
    x, y = shift(start, end) if back else (0.0, 0.0)
    tail, head = start.edge_towards(end.x, end.y), end.edge_towards(start.x, start.y)
    drawing.line((tail[0] + x, tail[1] + y), (head[0] + x, head[1] + y))


def shift(start: Box, end: Box) -> tuple[float, float]:
    """
    Return by how much an arrow goes aside.
    """
    across, down = end.x - start.x, end.y - start.y
    length = hypot(across, down)
    return -down / length * APART, across / length * APART
