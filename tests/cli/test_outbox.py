"""
Looking after messages from the command line.
"""

import json
import os
import pty
import re
import subprocess
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from payments_bootstrap import bootstrap
from payments_bootstrap.serving import migrate_database
from payments_cli.main import main
from payments_cli.refusal import ExitCode
from payments_core.testing.builders import a_payment
from payments_core.testing.conformance.outbox import a_success
from tests.cli.conftest import PAYMENTS

Service = Any


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """
    A database with one message that waits; its id.
    """
    for name, value in {
        "DATABASE__URL": f"sqlite:///{tmp_path}/payments.db",
        "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one",
        "KEYCLOAK__ISSUER": "https://a.example",
    }.items():
        monkeypatch.setenv(name, value)
    container = bootstrap(os.environ)
    migrate_database(container)
    payment = a_payment()
    event = a_success(payment)
    with container.unit_of_work() as uow:
        uow.payments.add(payment)
        uow.outbox.add([event])
        uow.commit()
    container.engine().dispose()
    return str(event.id)


def run(*words: str) -> tuple[int, Any]:
    """
    Run `payments outbox` and return the exit code and the document.
    """
    result = CliRunner().invoke(main, ["outbox", *words, "--output", "json"])
    return result.exit_code, json.loads(result.stdout)


def test_list_requeue_release(waiting: str) -> None:
    """
    What waits is listed, can be tried again, and can be given up; then nothing waits.
    """
    _, before = run("list")
    _, requeued = run("requeue", waiting)
    _, released = run("release", waiting, "--yes")
    _, after = run("list")

    assert [(i["messageId"], i["name"]) for i in before["items"]] == [
        (waiting, "IPaymentSucceeded")
    ]
    assert requeued["status"] == "pending"
    assert released["status"] == "released"
    assert after["items"] == []


def test_what_does_not_wait_is_refused(waiting: str) -> None:
    """
    An unknown message is not found, one that does not wait is refused.
    """
    run("release", waiting, "--yes")

    assert run("requeue", str(uuid4()))[0] == ExitCode.NOT_FOUND
    assert run("requeue", waiting)[0] == ExitCode.REFUSED


def test_release_asks(waiting: str) -> None:
    """
    With nobody to ask, a message is not given up.
    """
    result = CliRunner().invoke(main, ["outbox", "release", waiting])

    assert result.exit_code == ExitCode.USAGE
    assert "Everything" not in CliRunner().invoke(main, ["outbox", "list"]).stdout


@pytest.mark.parametrize(("columns", "lines"), [(80, 5), (140, 2)])
def test_nothing_is_cut_on_a_terminal(waiting: str, columns: int, lines: int) -> None:
    """
    Where a table is too wide its values are written a line each.
    """
    ours, theirs = pty.openpty()
    environ = {**os.environ, "COLUMNS": str(columns), "LINES": "40"}
    subprocess.run([PAYMENTS, "outbox", "list"], env=environ, stdout=theirs, check=True)
    os.close(theirs)
    written = os.read(ours, 65_536).decode()
    os.close(ours)

    assert len(written.splitlines()) == lines
    for part in (waiting, "IPaymentSucceeded", "pending"):
        assert part in written
    assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", written)


def test_development_service_logs_its_events(service: Service) -> None:
    """
    Without a broker the service that `make run` starts shows each event as a line.
    """
    payment = service.pay()
    deadline = time.monotonic() + 60
    while payment["orderId"] not in service.log.read_text():
        assert time.monotonic() < deadline, service.log.read_text()
        time.sleep(0.05)
    (line,) = [ln for ln in service.log.read_text().splitlines() if payment["orderId"] in ln]

    assert "IPaymentSucceeded" in line
    assert payment["paymentId"] in line
    while service.read("outbox", "list")["items"]:
        assert time.monotonic() < deadline
