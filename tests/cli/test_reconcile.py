"""
``payments reconcile``: on a running service, with the simulator as its provider.
"""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

import attrs
import pytest

from payments_bootstrap import Container, bootstrap, close
from payments_bootstrap.development.home import API_KEY, Home
from payments_cli.refusal import ExitCode
from payments_core.application.reconcile_payments import ReconcileCommand, ReconcilePayments
from payments_core.domain.reconciliation import ReconciliationRun, RunStatus
from tests.cli.conftest import PAYMENTS, clean_environ

Service = Any


@pytest.fixture
def container(service: Service) -> Iterator[Container]:
    """
    The running service's database and settings, in this process.
    """
    with contextlib.chdir(service.home):
        made = bootstrap(Home(service.home / "var/development").environ({}))
    yield made
    close(made)


@pytest.fixture
def running(container: Container) -> Iterator[ReconcileCommand]:
    """
    A run that another process is busy with.
    """
    now = datetime.now(UTC)
    asked = ReconcileCommand(
        provider="stripe", window_start=now - timedelta(days=1), window_end=now
    )
    with container.unit_of_work() as uow:
        busy = container.reconcile_payments()._run_of(asked)
        token = uuid4()
        later = now + timedelta(minutes=5)
        owned = attrs.evolve(busy, status=RunStatus.RUNNING, lease_until=later, lease_token=token)
        assert uow.reconciliations.add(owned)
        uow.commit()
    yield asked
    with container.unit_of_work() as uow:
        uow.reconciliations.save(attrs.evolve(owned, status=RunStatus.FAILED, lease_until=None))
        uow.commit()


WRONG = {
    "in the future": ["--since", "2999-01-01"],
    "after the end": ["--since", "1d", "--until", "2d"],
    "no date": ["--since", "yesterday"],
    "nothing": [],
    "too long": ["--since", "40d"],
    "too young": ["--since", "1s"],
    "unknown": ["--since", "1d", "--nonsense"],
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("output", ["table", "json"])
def test_used_wrongly(service: Service, name: str, output: str) -> None:
    """
    L11: a window that cannot be is told, in the form asked for, and nothing is done.
    """
    ended = service.on("reconcile", *WRONG[name], "--output", output)

    assert ended.exit_code == 2
    if output == "json":
        assert json.loads(ended.stdout)["error"]["code"] in {"usage", "window_invalid"}


def test_one_at_a_time(service: Service, running: ReconcileCommand) -> None:
    """
    L12: while another run compares, this one ends with 6 and says which one it is.
    """
    ended = service.on("reconcile", "--since", "1d")

    assert ended.exit_code == 6
    assert str(running.run_id) in ended.stderr


def rows_of(container: Container) -> dict[str, int]:
    """
    Return how many rows each table has; webhooks arrive while we look.
    """
    from sqlalchemy import inspect, text

    engine = container.engine()
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        return {
            name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()  # noqa: S608 - names of our tables
            for name in names
            if name != "webhook_events"
        }


def test_a_dry_run_changes_nothing(service: Service, container: Container) -> None:
    """
    L13: no row here, no request that changes anything there.
    """
    service.pay()
    before = rows_of(container)
    ended = service.on("reconcile", "--since", "1d", "--dry-run", "--output", "json")
    shown = json.loads(ended.stdout)

    assert ended.exit_code == 0, ended.stderr
    assert (shown["dryRun"], shown["runId"], shown["status"]) == (True, None, "completed")
    assert rows_of(container) == before


def to_simulator(service: Service, path: str) -> None:
    """
    Do something at the provider that this service does not hear of.
    """
    found = re.search(r"Simulator +http://localhost:(\d+)", service.log.read_text())
    assert found
    service.fault(kind="drop", event="payment_intent.succeeded", times=1)
    connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=15)
    headers = {"Authorization": f"Bearer {API_KEY}"}
    connection.request("POST", path, headers=headers)
    assert connection.getresponse().status == 200
    connection.close()


def about(document: Any, payment: Any) -> list[tuple[str, str | None]]:
    """
    Return the differences of one payment: the service is shared with other tests.
    """
    mine = (d for d in document["discrepancies"] if d["paymentId"] == payment["paymentId"])
    return [(d["kind"], d["repair"]) for d in mine]


def test_what_differed_is_repaired_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What nobody told us is fetched, and shown; a second run finds nothing of it.
    """
    monkeypatch.setenv("RECONCILE__GRACE", "1s")
    held = service.pay(captureMethod="manual")
    to_simulator(service, f"/v1/payment_intents/{held['providerPaymentId']}/capture")
    deadline = time.monotonic() + 30
    while "webhook_gap" not in (first := dict(about(compare(service), held))):
        assert time.monotonic() < deadline, first
        time.sleep(0.2)
    second = about(compare(service), held)
    shown = service.read("show", held["paymentId"])

    assert first["webhook_gap"] == "stored"
    assert "webhook_gap" not in dict(second)
    assert shown["status"] == "Succeeded"


def compare(service: Service) -> Any:
    """
    Return what a run of the last day says.
    """
    ended = service.on("reconcile", "--since", "1d", "--output", "json")
    return json.loads(ended.stdout)


def test_for_people(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One sentence says how it went, and where no terminal is there is no bar.
    """
    monkeypatch.setenv("RECONCILE__GRACE", "1s")
    ended = service.on("reconcile", "--since", "1d")

    assert ended.exit_code == 0, ended.stderr
    assert "things compared" in ended.stdout
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)],
)
def test_a_signal_loses_nothing(
    service: Service, container: Container, number: int, code: int
) -> None:
    """
    Interrupted in the middle, with a bar on its terminal: the worker ends the run.
    """
    service.fault(kind="slow", operation="payment_intents.list", seconds=5)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PAYMENTS, "reconcile", "--since", "1d", "--development"],
        cwd=service.home,
        env=clean_environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    seen = read_until(ours, "Comparing")
    run = wait_for_run(container, {RunStatus.RUNNING})
    process.send_signal(number)
    seen += read_until(ours, "goes on")
    process.communicate(timeout=30)
    os.close(ours)

    assert "%" in seen
    assert process.returncode == code
    assert wait_for_run(container, {RunStatus.COMPLETED}, run).unseen == ()


@pytest.mark.parametrize(
    ("words", "said"), [((), "goes on"), (("--dry-run",), "Nothing was changed")]
)
def test_ctrl_c_is_told_without_a_terminal(
    service: Service, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    """
    A log, and a program in its document, read too how an interrupted run goes on.
    """
    monkeypatch.setattr(ReconcilePayments, "execute", interrupted)
    arguments = ("reconcile", "--since", "1d", *words)
    told = service.on(*arguments)
    document = json.loads(service.on(*arguments, "--output", "json").stdout)

    assert told.exit_code == 130
    assert said in told.stderr
    assert document["error"]["code"] == "interrupted"
    assert said in document["error"]["message"]


def interrupted(*_: object) -> None:
    """
    Be stopped with Ctrl-C.
    """
    raise KeyboardInterrupt


def read_until(terminal: int, word: str) -> str:
    """
    Return what a terminal shows, up to a word.
    """
    seen = ""
    while word not in seen:
        seen += os.read(terminal, 1024).decode()
    return seen


def wait_for_run(
    container: Container, wanted: set[RunStatus], run: ReconciliationRun | None = None
) -> ReconciliationRun:
    """
    Return the run, or the one that is active, once it is in one of these states.
    """
    deadline = time.monotonic() + 60
    while True:
        with container.unit_of_work() as uow:
            repository = uow.reconciliations
            found = repository.get(run.id) if run else repository.active("stripe")
        if found and found.status in wanted:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
