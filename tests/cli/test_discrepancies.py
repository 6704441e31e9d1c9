"""
Looking after differences from the provider, from the command line.
"""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner, Result

from payments_bootstrap import Container, bootstrap, close
from payments_bootstrap.serving import migrate_database
from payments_cli.main import main
from payments_cli.refusal import ExitCode
from payments_core.domain.discrepancy import Discrepancy, DiscrepancyKind, Repair
from payments_core.testing.builders import NOW, a_payment
from payments_core.testing.conformance.reconciliation import a_difference

PAYMENT = UUID(int=7)


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    """
    A database of its own, as the settings name it.
    """
    for name, value in {
        "DATABASE__URL": f"sqlite:///{tmp_path}/payments.db",
        "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",  # pragma: allowlist secret
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one",  # pragma: allowlist secret
        "KEYCLOAK__ISSUER": "https://a.example",
    }.items():
        monkeypatch.setenv(name, value)
    made = bootstrap(os.environ)
    migrate_database(made)
    yield made
    close(made)


DISPUTE = a_difference(kind=DiscrepancyKind.DISPUTE_OPENED, payment_id=PAYMENT)
STRANGER = a_difference(found_at=NOW + timedelta(minutes=1), provider_value="1\n\x1b[31m00 EUR")
REPAIRED = a_difference(repair=Repair.SETTLED, repaired_at=NOW)


@pytest.fixture(autouse=True)
def _found(container: Container) -> None:
    with container.unit_of_work() as uow:
        uow.payments.add(a_payment(payment_id=PAYMENT))
        for one in (DISPUTE, STRANGER, REPAIRED):
            uow.discrepancies.add(one)
        uow.commit()


def run(*words: str) -> Result:
    """
    Run `payments discrepancies`.
    """
    return CliRunner().invoke(main, ["discrepancies", *words])


def read(*words: str) -> Any:
    """
    Run it and return its document.
    """
    return json.loads(run(*words, "--output", "json").stdout)


def ids(*words: str) -> list[str]:
    """
    Return which ones are listed.
    """
    return [item["id"] for item in read("list", *words)["items"]]


def texts(*found: Discrepancy) -> list[str]:
    """
    Return the ids of these.
    """
    return [str(one.id) for one in found]


def test_lists() -> None:
    """
    Those that stand, the last found first; by kind, by payment, or all that there ever were.
    """
    assert ids() == texts(STRANGER, DISPUTE)
    assert ids("--kind", "dispute_opened") == texts(DISPUTE)
    assert ids("--payment", str(PAYMENT)) == texts(DISPUTE)
    assert sorted(ids("--all")) == sorted(texts(STRANGER, DISPUTE, REPAIRED))


def test_a_page_says_that_there_is_more() -> None:
    """
    To programs in the document, to people beside the list.
    """
    shown = read("list", "--limit", "1")

    assert (len(shown["items"]), shown["more"]) == (1, True)
    assert "There are more" in run("list", "--limit", "1").stderr


def test_people_see_what_they_need() -> None:
    """
    What differs, where, and the id to close it by; what the provider says steers no terminal.
    """
    shown = run("list").stdout

    assert str(STRANGER.id) in shown
    assert str(PAYMENT) in shown
    assert "dispute_opened" in shown
    assert "\x1b" not in shown
    assert run("list", "--kind", "webhook_gap").stdout == "No difference stands.\n"


def test_closing() -> None:
    """
    It stands no more, and who closed it and why is shown with it, in the audit log and the story.
    """
    done = read("close", str(DISPUTE.id), "--note", "answered at the provider")
    again = read("close", str(DISPUTE.id), "--note", "answered at the provider")
    (kept,) = read("list", "--kind", "dispute_opened", "--all")["items"]
    audit = CliRunner().invoke(main, ["audit", "list", "--output", "json"])
    (entry,) = json.loads(audit.stdout)["items"]
    told = CliRunner().invoke(main, ["explain", str(PAYMENT)]).stdout

    assert ids() == texts(STRANGER)
    assert done == again == kept
    assert (done["note"], done["repair"]) == ("answered at the provider", None)
    assert done["closedAt"] is not None
    assert done["closedBy"] == entry["actor"]["subject"]
    assert (entry["action"], entry["about"]) == ("discrepancy.close", f"discrepancy {DISPUTE.id}")
    assert f"closed discrepancy {DISPUTE.id}" in told
    assert "answered at the provider" in told


def test_card_numbers_are_masked() -> None:
    """
    A note is kept without them.
    """
    done = read("close", str(DISPUTE.id), "--note", "card 4242 4242 4242 4242")

    assert "4242 4242" not in done["note"]


WRONG = {
    "unknown": (["close", str(uuid4()), "--note", "x"], ExitCode.NOT_FOUND, "not_found"),
    "repaired": (["close", str(REPAIRED.id), "--note", "x"], ExitCode.REFUSED, "invalid_state"),
    "empty": (["close", str(DISPUTE.id), "--note", " "], ExitCode.USAGE, "note_invalid"),
    "long": (["close", str(DISPUTE.id), "--note", "x" * 501], ExitCode.USAGE, "note_invalid"),
    "two lines": (["close", str(DISPUTE.id), "--note", "a\nb"], ExitCode.USAGE, "note_invalid"),
    "unseen": (["close", str(DISPUTE.id), "--note", "a\u202eb"], ExitCode.USAGE, "note_invalid"),
    "no note": (["close", str(DISPUTE.id)], ExitCode.USAGE, "usage"),
    "no id": (["close", "4711", "--note", "x"], ExitCode.USAGE, "usage"),
    "no kind": (["list", "--kind", "x"], ExitCode.USAGE, "usage"),
}


@pytest.mark.parametrize("name", WRONG)
def test_refusals(name: str) -> None:
    """
    Each says why in its code, and nothing is closed.
    """
    words, code, error = WRONG[name]
    ended = run(*words, "--output", "json")

    assert (ended.exit_code, json.loads(ended.stdout)["error"]["code"]) == (code, error)
    assert ids() == texts(STRANGER, DISPUTE)


def test_a_note_of_two_lines_is_told_in_one() -> None:
    """
    People read in one line what a note is.
    """
    (told,) = run("close", str(DISPUTE.id), "--note", "a\nb").stderr.splitlines()

    assert "Say what was done about it in one line of 1 to 500 characters" in told


def test_closed_with_other_words() -> None:
    """
    The refusal says who closed it, and that nothing is left to do.
    """
    run("close", str(DISPUTE.id), "--note", "answered")
    ended = run("close", str(DISPUTE.id), "--note", "lost")

    assert ended.exit_code == ExitCode.REFUSED
    assert "with another note, which stays. Nothing is left to do" in ended.stderr
