"""
A difference, from being found to its end.
"""

from datetime import timedelta
from uuid import UUID

import attrs
import pytest

from payments_core.domain.discrepancy import (
    LONGEST_NOTE,
    Discrepancy,
    DiscrepancyKind,
    Repair,
    difference,
)
from payments_core.domain.errors import InvalidState, NoteInvalid
from payments_core.testing.builders import NOW

LATER = NOW + timedelta(hours=1)


def found(theirs: str = "11.00 EUR") -> Discrepancy:
    """
    Return a difference of which the provider says this.
    """
    return difference(
        UUID(int=7),
        DiscrepancyKind.AMOUNT_MISMATCH,
        NOW,
        provider_object_id="pi_1",
        local_value="10.00 EUR",
        provider_value=theirs,
    )


REPAIRED = attrs.evolve(found(), repair=Repair.SETTLED, repaired_at=NOW)
CLOSED = found().close("anna", "refunded by hand", NOW)


def test_it_is_one_as_long_as_the_provider_says_the_same() -> None:
    """
    Found again it has the same id, whatever is held here; of something else it has another.
    """
    here = attrs.evolve(found(), local_value="12.00 EUR")

    assert found().id == here.id
    assert found("12.00 EUR").id != found().id


@pytest.mark.parametrize(
    ("one", "state"), [(found(), "open"), (REPAIRED, "repaired"), (CLOSED, "closed")]
)
def test_states(one: Discrepancy, state: str) -> None:
    """
    It stands until it is repaired or closed.
    """
    assert one.state == state


def test_a_repair_outlives_a_closing() -> None:
    """
    What was closed and is repaired later is repaired: that is a fact and no word.
    """
    both = attrs.evolve(CLOSED, repair=Repair.SETTLED, repaired_at=LATER)

    assert both.state == "repaired"


def test_closing_adds_to_what_was_found() -> None:
    """
    Who, when and what was done is noted; nothing that was found changes.
    """
    added = {"closed_at": NOW, "closed_by": "anna", "note": "refunded by hand"}

    assert attrs.evolve(found(), **added) == CLOSED  # type: ignore[arg-type]  # a test's table


def test_the_same_note_is_the_same_answer() -> None:
    """
    Closing again with the same words changes nothing, whoever does it and whatever came since.
    """
    both = attrs.evolve(CLOSED, repair=Repair.SETTLED, repaired_at=LATER)

    assert CLOSED.close("ben", "refunded by hand", LATER) is CLOSED
    assert both.close("ben", "refunded by hand", LATER) is both


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (REPAIRED, "was repaired (settled) at 2026-11-22 12:00 UTC: nothing is left to do"),
        (CLOSED, "was closed by anna at 2026-11-22 12:00 UTC with another note, which stays"),
    ],
)
def test_what_ended_is_not_closed(one: Discrepancy, said: str) -> None:
    """
    The refusal says how it ended, and what that means for who wanted to close it.
    """
    with pytest.raises(InvalidState) as refused:
        one.close("ben", "something else", LATER)

    assert str(refused.value).startswith(f"Discrepancy {one.id} {said}")


NO_NOTES = {
    "empty": "",
    "blank": "  ",
    "long": "x" * (LONGEST_NOTE + 1),
    "two lines": "a\nb",
    "a line break at the end": "a\n",
    "another line break": "a\u2028b",
    "steers a terminal": "a\x1b[31mb",
    "turns what follows": "a\u202eb",
    "half a pair": "a\udc80b",
}


@pytest.mark.parametrize("name", NO_NOTES)
def test_a_note_says_something_in_a_line(name: str) -> None:
    """
    What says nothing, too much or more than a line is no note, and the refusal says what is.
    """
    with pytest.raises(NoteInvalid, match="in one line of 1 to 500 characters, without line"):
        found().close("anna", NO_NOTES[name], NOW)


@pytest.mark.parametrize(
    "note", ["x" * LONGEST_NOTE, "erstattet: 4\u00a0711 \u20ac, \u6e08 \U0001f44d"]
)
def test_a_note_is_in_any_language(note: str) -> None:
    """
    A line is kept as it was written, up to the longest.
    """
    assert found().close("anna", note, NOW).note == note
