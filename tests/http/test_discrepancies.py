"""
Seeing which differences from the provider stand, and closing one.
"""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import attrs
import pytest

from payments_core.domain.discrepancy import Discrepancy, DiscrepancyKind, Repair, check_note
from payments_core.domain.errors import NoteInvalid
from payments_core.testing.builders import NOW
from payments_core.testing.conformance.reconciliation import a_difference
from payments_core.testing.memory import InMemoryDatabase

Api = Any
Json = dict[str, Any]

PATH = "/api/payments/discrepancies"
DISPUTE = a_difference(
    kind=DiscrepancyKind.DISPUTE_OPENED, payment_id=uuid4(), found_at=NOW + timedelta(minutes=1)
)
STRANGER = a_difference()
REPAIRED = a_difference(repair=Repair.SETTLED, repaired_at=NOW)


@pytest.fixture
def finance(api: Api) -> Api:
    """
    The app, called by somebody of Finance.
    """
    return api.of("Finance", sub="fiona")


@pytest.fixture(autouse=True)
def _found(database: InMemoryDatabase) -> None:
    for one in (DISPUTE, STRANGER, REPAIRED):
        database.tables.discrepancies[one.id] = one


def ids(api: Api, query: str = "") -> list[str]:
    """
    Return which ones are listed.
    """
    return [item["id"] for item in api.get(f"{PATH}{query}").get_json()["items"]]


def texts(*found: Discrepancy) -> list[str]:
    """
    Return the ids of these.
    """
    return [str(one.id) for one in found]


def test_lists(finance: Api) -> None:
    """
    Those that stand, the last found first; by kind, by payment, or all that there ever were.
    """
    assert ids(finance) == texts(DISPUTE, STRANGER)
    assert ids(finance, "?kind=dispute_opened") == texts(DISPUTE)
    assert ids(finance, f"?paymentId={DISPUTE.payment_id}") == texts(DISPUTE)
    assert sorted(ids(finance, "?ended=true")) == sorted(texts(DISPUTE, STRANGER, REPAIRED))
    assert ids(finance, "?ended=false") == texts(DISPUTE, STRANGER)


def test_pages(finance: Api) -> None:
    """
    The cursor of a page leads to the next; the last one has none.
    """
    first = finance.get(f"{PATH}?limit=1").get_json()
    second = finance.get(f"{PATH}?limit=1&cursor={first['nextCursor']}").get_json()

    assert [d["id"] for d in first["items"] + second["items"]] == texts(DISPUTE, STRANGER)
    assert second["nextCursor"] is None


def close(api: Api, found: Discrepancy, note: object = "answered, ticket 4711") -> Any:
    """
    Ask to close a difference.
    """
    return api.post(f"{PATH}/{found.id}/close", {"note": note})


def test_closing(finance: Api, database: InMemoryDatabase) -> None:
    """
    It stands no more, and is shown with who closed it and why; asked for again it is the same.
    """
    first, second = close(finance, DISPUTE), close(finance, DISPUTE)
    shown = first.get_json()
    (entry,) = database.tables.audit.values()

    assert (first.status_code, second.status_code) == (200, 200)
    assert second.get_json() == shown
    assert (shown["closedBy"], shown["note"]) == ("fiona", "answered, ticket 4711")
    assert shown["closedAt"] is not None
    assert ids(finance) == texts(STRANGER)
    assert (entry.action, entry.actor.subject) == ("discrepancy.close", "fiona")


@pytest.mark.parametrize("one", [REPAIRED, STRANGER.close("anna", "other words", NOW)])
def test_what_ended_is_not_closed(
    finance: Api, database: InMemoryDatabase, one: Discrepancy
) -> None:
    """
    R16: what is repaired, or was closed with another note, is refused; it stays as it was.
    """
    database.tables.discrepancies[one.id] = one
    answer = close(finance, one)

    assert (answer.status_code, answer.get_json()["code"]) == (409, "invalid_state")
    assert "othing is left to do" in answer.get_json()["detail"]
    assert database.tables.discrepancies[one.id] == one
    assert not database.tables.audit


NOTES: dict[str, tuple[object, str]] = {
    "none": (None, "validation_failed"),
    "empty": ("", "validation_failed"),
    "blank": ("  ", "validation_failed"),
    "two lines": ("a\nb", "validation_failed"),
    "unseen": ("a\u202eb", "validation_failed"),
    "long": ("x" * 501, "validation_failed"),
    "number": (7, "validation_failed"),
    "card": ("card 4242 4242 4242 4242", "card_data_not_allowed"),
}


@pytest.mark.parametrize("name", NOTES)
def test_notes(finance: Api, database: InMemoryDatabase, name: str) -> None:
    """
    R17: a note that says nothing, too much or a card's number closes nothing.
    """
    note, code = NOTES[name]
    answer = close(finance, DISPUTE, note)

    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert database.tables.discrepancies[DISPUTE.id] == DISPUTE


def test_a_note_that_is_none_is_told_by_its_field(finance: Api) -> None:
    """
    What a note is, the API says in the core's words, beside the field.
    """
    with pytest.raises(NoteInvalid) as refused:
        check_note("a\nb")
    (error,) = close(finance, DISPUTE, "a\nb").get_json()["errors"]

    assert (error["field"], error["message"]) == ("note", f"{refused.value}.")


def test_what_is_not_there(finance: Api) -> None:
    """
    An unknown id and what is no id are not found.
    """
    assert close(finance, attrs.evolve(DISPUTE, id=uuid4())).status_code == 404
    assert finance.post(f"{PATH}/4711/close", {"note": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?kind=other", 422),
        ("?paymentId=7", 422),
        ("?ended=1", 422),
        ("?ended=True", 422),
        ("?limit=101", 422),
        ("?cursor=x", 422),
        ("?status=open", 400),
    ],
)
def test_lists_that_cannot_be_shown(finance: Api, query: str, status: int) -> None:
    """
    What is asked wrongly is told.
    """
    assert finance.get(f"{PATH}{query}").status_code == status
