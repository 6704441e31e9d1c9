"""
Tables in the width of a terminal.
"""

from typing import Any, Final

import click
import pytest

from payments_cli.commands.list import TITLES
from payments_cli.layout import entry_lines, payment_lines, shortened

ID: Final = "01a205dd-17b9-7575-98ed-9f674c6c5398"
KEYCLOAK: Final = "f4a1e6a2-0c3b-4d57-9a5e-27f2d1b8c9e0"


def row(**changes: str) -> dict[str, str]:
    """
    Return a payment as a list shows it.
    """
    return {
        "paymentId": ID,
        "status": "Succeeded",
        "amount": "129.90 EUR",
        "createdAt": "2026-11-23 00:53:38",
        "customerId": KEYCLOAK,
        **changes,
    }


ROWS: Final = [
    row(status="RequiresAction"),
    row(customerId="alice"),
    row(createdAt="2026-11-22 23:59:59"),
]


def listed(rows: list[dict[str, str]], width: int) -> list[str]:
    """
    Return the lines of a list, without their style.
    """
    return [click.unstyle(line) for line in payment_lines(TITLES, rows, width)]


@pytest.mark.parametrize("width", [80, 100, 118, 140])
def test_list_fits(width: int) -> None:
    """
    No line is longer than the terminal, each id is whole, and so is each moment.
    """
    lines = listed(ROWS, width)

    assert max(map(len, lines)) <= width
    assert sum(line.startswith(ID) for line in lines) == 3
    for part in ("RequiresAction", "129.90 EUR", "2026-11-22", "23:59:59", "alice"):
        assert any(part in line for line in lines)


def test_least_of_a_customer() -> None:
    """
    At 80 columns eight characters of a customer remain, from both ends.
    """
    assert listed(ROWS, 80)[2].endswith(" f4a1…9e0")


def test_days_are_lines_where_they_do_not_fit() -> None:
    """
    At 100 columns each day is told once; at 140 each payment tells its own.
    """
    narrow, wide = listed(ROWS, 100), listed(ROWS, 140)

    assert [ln for ln in narrow if ln.startswith("2026")] == ["2026-11-23", "2026-11-22"]
    assert len(wide) == 4
    assert all(KEYCLOAK in line for line in (wide[1], wide[3]))


def test_too_narrow_for_all() -> None:
    """
    Where even that does not fit nothing is left out: the terminal breaks the line.
    """
    assert listed([row(customerId="alice")], 40)[2].split() == [
        *(ID, "Succeeded", "129.90", "EUR", "00:53:38", "alice")
    ]


@pytest.mark.parametrize(
    ("text", "room", "expected"),
    [("alice", 8, "alice"), ("abcdefgh", 8, "abcdefgh"), ("abcdefghi", 8, "abcd…ghi")],
)
def test_shortened(text: str, room: int, expected: str) -> None:
    """
    A text keeps both ends, a sign between them, and fills its room.
    """
    assert shortened(text, room) == expected


TIMELINE: Final[list[dict[str, Any]]] = [
    {
        "at": "2026-11-22 23:59:59",
        "what": "webhook payment_intent.amount_capturable_updated",
        "state": "processed",
        "details": "",
    },
    {
        "at": "2026-11-23 01:16:12",
        "what": "operation create",
        "state": "action_required",
        "details": "failure_message: " + "word " * 20 + f"amount: 10.00 EUR, of: {ID}",
    },
]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_timeline_fits(width: int) -> None:
    """
    Times and states are whole, and what else is known is folded between words.
    """
    lines = [click.unstyle(line) for line in entry_lines(TIMELINE, width)]

    assert max(map(len, lines)) <= width
    assert [ln for ln in lines if ln.startswith("2026")] == ["2026-11-22, UTC", "2026-11-23, UTC"]
    assert lines[3].startswith("  01:16:12  operation create ")
    assert lines[3].endswith("  action_required")
    assert " ".join(" ".join(lines[4:]).split()) == TIMELINE[1]["details"]
