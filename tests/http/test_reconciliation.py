"""
Asking for a comparison with the provider, and looking at it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import attrs
import pytest

from payments_bootstrap import Container
from payments_core.contracts.converter import timestamp
from payments_core.testing.fake_provider import FakePaymentProvider
from payments_core.testing.memory import InMemoryDatabase

Api = Any
Json = dict[str, Any]

PATH = "/api/payments/reconcile"


def window(**changes: Any) -> Json:
    """
    Return the body that asks for the last day.
    """
    now = datetime.now(UTC)
    return {"from": timestamp(now - timedelta(days=1)), "to": timestamp(now), **changes}


@pytest.fixture
def finance(api: Api) -> Api:
    """
    The app, called by somebody of Finance.
    """
    return api.of("Finance", sub="fiona")


def test_a_run_from_asking_to_what_it_found(
    finance: Api, provider: FakePaymentProvider, container: Container
) -> None:
    """
    202 says where to look; once a worker took it, what it found is there, page by page.
    """
    now = datetime.now(UTC) - timedelta(hours=1)
    for _ in range(3):
        fact = provider.retrieve(paid(finance))
        elsewhere = attrs.evolve(fact, id=f"pi_{uuid4().hex}", payment_id=None, created_at=now)
        provider.put(elsewhere)
    asked = finance.post(PATH, window())
    place = asked.headers["Location"]
    before = finance.get(place).get_json()
    container.reconcile_payments().take()
    first = finance.get(f"{place}?limit=2").get_json()
    second = finance.get(f"{place}?limit=2&cursor={first['nextCursor']}").get_json()

    assert asked.status_code == 202
    assert place == f"{PATH}/{asked.get_json()['runId']}"
    assert (before["status"], before["requestedBy"], before["discrepancies"]) == (
        "requested",
        "fiona",
        [],
    )
    assert (first["status"], first["counts"]["found"], first["counts"]["kinds"]) == (
        "completed",
        3,
        {"missing_local": 3},
    )
    assert [d["kind"] for d in first["discrepancies"] + second["discrepancies"]] == [
        "missing_local"
    ] * 3
    assert second["nextCursor"] is None
    assert first["discrepancies"][0]["paymentId"] is None


def paid(api: Api) -> str:
    """
    Return the object of a new payment.
    """
    payment = api.of("Customer").pay()
    return str(payment["providerPaymentId"])


def test_one_run_at_a_time(finance: Api, database: InMemoryDatabase) -> None:
    """
    R14: while one is asked for or runs, another is refused.
    """
    first, second = finance.post(PATH, window()), finance.post(PATH, window())

    assert (first.status_code, second.status_code) == (202, 409)
    assert second.get_json()["code"] == "reconcile_running"
    assert len(database.tables.reconciliations) == 1


def test_who_asked_is_on_record(finance: Api, database: InMemoryDatabase) -> None:
    """
    The audit log has who asked for a run.
    """
    run = finance.post(PATH, window()).get_json()
    (entry,) = database.tables.audit.values()

    assert (entry.action, entry.about, entry.actor.subject) == (
        "reconcile",
        f"run {run['runId']}",
        "fiona",
    )


def test_a_dry_run_keeps_only_itself(
    finance: Api, provider: FakePaymentProvider, container: Container, database: InMemoryDatabase
) -> None:
    """
    What a dry run would do is shown with it, and nothing of it is kept or told.
    """
    old = datetime.now(UTC) - timedelta(hours=1)
    provider.change(paid(finance), created_at=old, payment_id=None, id="fake_other")
    told = len(database.outbox)
    place = finance.post(PATH, window(dryRun=True)).headers["Location"]
    container.reconcile_payments().take()
    shown = finance.get(place).get_json()

    assert (shown["dryRun"], shown["status"], shown["counts"]["repaired"]) == (True, "completed", 0)
    assert shown["counts"]["found"] == len(shown["discrepancies"])
    assert not database.tables.discrepancies
    assert len(database.outbox) == told


def at(**later: float) -> str:
    """
    Return the moment so much later than now, as a caller writes it.
    """
    return timestamp(datetime.now(UTC) + timedelta(**later))


WRONG: dict[str, tuple[Callable[[], object], int, str]] = {
    "backwards": (lambda: window(**{"from": at(), "to": at(days=-1)}), 422, "window_invalid"),
    "32 days": (lambda: window(**{"from": at(days=-32)}), 422, "window_invalid"),
    "tomorrow": (lambda: window(**{"from": at(days=1), "to": at(days=2)}), 422, "window_invalid"),
    "just now": (lambda: window(**{"from": at(minutes=-4)}), 422, "window_invalid"),
    "no provider": (lambda: window(provider="unknown"), 422, "provider_unknown"),
    "no name": (lambda: window(provider="no such/name"), 422, "validation_failed"),
    "text": (lambda: window(dryRun="true"), 422, "validation_failed"),
    "number": (lambda: window(dryRun=1), 422, "validation_failed"),
    "more": (lambda: window(since="2026-01-01"), 422, "unknown_field"),
    "a day": (lambda: window(**{"from": "2026-11-24"}), 422, "validation_failed"),
    "no day": (lambda: window(**{"from": "9999-99-99T00:00:00Z"}), 422, "validation_failed"),
    "no end": (lambda: {"from": at()}, 422, "validation_failed"),
    "a list": (list, 422, "validation_failed"),
    "nothing": (lambda: None, 400, "body_missing"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_compared(finance: Api, database: InMemoryDatabase, name: str) -> None:
    """
    R13 and its like: refused with the reason, and nothing is kept.
    """
    body, status, code = WRONG[name]
    answer = finance.post(PATH, body())

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert not database.tables.reconciliations


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ("", 404),
        ("no-run", 404),
        ("?limit=0", 422),
        ("?limit=101", 422),
        ("?cursor=x", 422),
        ("?more=1", 400),
    ],
)
def test_runs_that_cannot_be_shown(finance: Api, rest: str, status: int) -> None:
    """
    What is not there is 404; what is asked wrongly is told.
    """
    assert finance.get(f"{PATH}/{uuid4()}{rest}").status_code == status
