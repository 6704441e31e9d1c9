"""
Checking an installation from the command line.
"""

import json
import os
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from payments_bootstrap import bootstrap, close
from payments_bootstrap.serving import migrate_database
from payments_cli.main import main
from payments_cli.moments import MOMENT
from payments_core.testing.builders import a_payment, answered
from tests.cli.conftest import Service

Break = Callable[[str], None]


@pytest.fixture
def break_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Break:
    """
    A database with one payment, and what changes it behind the program's back.
    """
    path = tmp_path / "payments.db"
    for name, value in {
        "DATABASE__URL": f"sqlite:///{path}",
        "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one",
        "KEYCLOAK__ISSUER": "https://a.example",
    }.items():
        monkeypatch.setenv(name, value)
    container = bootstrap(os.environ)
    migrate_database(container)
    with container.unit_of_work() as uow:
        uow.payments.add(answered(a_payment()))
        uow.commit()
    close(container)

    def change(statement: str) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute(statement)
        connection.close()

    return change


def verify(*options: str) -> tuple[int, Any]:
    """
    Run `payments audit verify`, and return how it ended and what it wrote.
    """
    options = ("--grace", "3000000000", *options, "--output", "json")
    result = CliRunner().invoke(main, ["audit", "verify", *options])
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.usefixtures("break_it")
def test_a_clean_database() -> None:
    """
    Where no promise is broken it ends with 0 and says what it looked at.
    """
    code, document = verify()
    result = CliRunner().invoke(main, ["audit", "verify", "--grace", "3000000000"])

    assert (code, document["payments"], document["violations"]) == (0, 1, [])
    assert result.output.startswith("No promise is broken.\nLooked at 1 payment, 0 webhook events")


def test_a_broken_promise(break_it: Break) -> None:
    """
    A broken promise ends it with 1, named and with what to do; times outside are left out.
    """
    break_it("UPDATE payments SET captured = 2000, authorized = 2000")
    code, document = verify()
    result = CliRunner().invoke(main, ["audit", "verify", "--grace", "3000000000"])
    later = verify("--since", "0s")

    assert code == 1
    # It was told with another amount too.
    found = [(v["invariant"], v["count"]) for v in document["violations"]]
    assert found == [("I1", 1), ("I7", 1)]
    assert "captured 20.00 EUR of 10.00 EUR" in document["violations"][0]["examples"][0]["found"]
    assert result.exit_code == 1
    assert "2 violations" in result.output
    assert later[1]["payments"] == 0


def test_beside_the_provider(service: Service) -> None:
    """
    A running service agrees with the objects of its provider, once its messages have left.
    """
    service.pay()
    words = ("audit", "verify", "--provider", "--grace", "0", "--output", "json")
    deadline = time.monotonic() + 60
    while (result := service.on(*words)).exit_code and time.monotonic() < deadline:
        time.sleep(0.2)
    document = json.loads(result.stdout)

    assert document["violations"] == [], result.stdout
    assert result.exit_code == 0
    assert document["providerObjects"] >= 1


@pytest.mark.parametrize(
    ("typed", "ago"), [("90m", timedelta(minutes=90)), ("3d", timedelta(days=3))]
)
def test_how_long_ago(typed: str, ago: timedelta) -> None:
    """
    A moment may be typed as how long ago it was.
    """
    found = MOMENT.convert(typed, None, None)

    assert abs(datetime.now(UTC) - ago - found) < timedelta(seconds=60)


def test_days_and_times() -> None:
    """
    Days and times are meant in UTC unless they say their zone; others are refused.
    """
    assert MOMENT.convert("2020-11-22", None, None) == datetime(2020, 11, 22, tzinfo=UTC)
    there = MOMENT.convert("2020-11-22T12:00+02:00", None, None)
    assert there == datetime(2020, 11, 22, 10, tzinfo=UTC)
    with pytest.raises(click.BadParameter, match="write 90m"):
        MOMENT.convert("yesterday", None, None)


def test_a_run_is_not_shown_as_it_once_was(service: Service) -> None:
    """
    Who asked for a reconciliation is listed, and not that it runs: it may have ended long ago.
    """
    service.read("reconcile", "--since", "1h")
    listed = service.on("audit", "list", "--limit", "1000").stdout
    (line, *_) = [line for line in listed.splitlines() if " reconcile" in line]

    assert "running" not in line
    assert "requested" not in line
