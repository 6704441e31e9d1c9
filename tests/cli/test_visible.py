"""
What others wrote is shown, and never obeyed by a terminal.
"""

import json
from typing import Any, Final

import click
import pytest

from payments_cli.layout import entry_lines
from payments_cli.output import write_facts, write_json, write_table
from payments_cli.refusal import Refusal
from payments_cli.visible import visible, visible_json, visible_lines

HOSTILE: Final = "\x1b]0;title\x07\x1b[2J\x9b31m\u202eevil\n2026-11-26  refund  succeeded\x7f\r"
OBEYED: Final = set("\x1b\x07\x9b\u202e\x7f\r")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grüße 10,00 € 日本 👍🏽", "Grüße 10,00 € 日本 👍🏽"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202e", r"\u202e"),
        ("\udc80", r"\udc80"),
    ],
)
def test_visible(text: str, expected: str) -> None:
    """
    Letters stay, and what a terminal acts upon is written out.
    """
    assert visible(text) == expected


def test_lines_stay_lines() -> None:
    """
    A message of several lines keeps them, and nothing else that a terminal acts upon.
    """
    assert visible_lines("one\ntwo\x1b") == "one\ntwo\\x1b"


def test_json_says_the_same() -> None:
    """
    A program reads exactly what is stored, and no control reaches a terminal.
    """
    text = visible_json({"reason": HOSTILE, "odd": "\udc80"})

    assert json.loads(text) == {"reason": HOSTILE, "odd": "\udc80"}
    assert not OBEYED & set(text)


def _facts() -> None:
    write_facts({"reason": HOSTILE, "failure": {"code": "x", "message": HOSTILE}})


def _table() -> None:
    write_table({"id": "id", "error": "error"}, [{"id": HOSTILE, "error": HOSTILE}])


def _json() -> None:
    write_json({"reason": HOSTILE})


def _refusal() -> None:
    Refusal("refused", f"It was refused: {HOSTILE}", 4).show()


def _timeline() -> None:
    entry: dict[str, Any] = {"at": "2026-11-26 00:00:00"}
    entry |= dict.fromkeys(("what", "state", "details"), HOSTILE)
    click.echo("\n".join(click.unstyle(line) for line in entry_lines([entry], 80)))


@pytest.mark.parametrize("write", [_facts, _table, _json, _refusal, _timeline])
def test_nothing_is_obeyed(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Whatever way a text takes to the screen, nothing in it acts, and no line of it looks like ours.
    """
    write()
    written = "".join(capsys.readouterr())

    assert "evil" in written
    assert not OBEYED & set(written)
    assert write is _refusal or not any(
        ln.startswith("2026-11-26  r") for ln in written.split("\n")
    )
