"""
What `payments retention` leaves of a database, by rows and by months.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from payments_bootstrap import bootstrap
from payments_bootstrap.serving import migrate_database
from payments_cli.main import main
from payments_core.domain.payment import Payment
from payments_core.ports.outbox import OutboxStatus
from payments_core.testing.conformance.retention import Store
from scripts.servers import SERVERS
from tests.postgres.months import months_back_to
from tests.postgres.test_retention import store_in

YOUNG: Final = datetime.now(UTC).replace(day=1)
OLD: Final = YOUNG - timedelta(days=400)
OLDER: Final = YOUNG - timedelta(days=440)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """
    The address of a database of our own.
    """
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/payments.db"
        return
    server = SERVERS["postgres"]
    with server.room(request.getfixturevalue("postgres_url")) as room:
        yield room[server.variable]


@pytest.fixture
def store(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """
    What is kept in it, by month where there are months.
    """
    for name, value in {
        "DATABASE__URL": url,
        "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",  # pragma: allowlist secret
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one",  # pragma: allowlist secret
        "KEYCLOAK__ISSUER": "https://a.example",
    }.items():
        monkeypatch.setenv(name, value)
    container = bootstrap(os.environ)
    migrate_database(container)
    engine = container.engine()
    if engine.dialect.name == "postgresql":
        months_back_to(engine, OLDER, YOUNG)
    yield store_in(engine)
    engine.dispose()


@pytest.fixture
def told(store: Store) -> dict[str, Payment]:
    """
    Payments whose messages left long ago, did not leave, and left lately.
    """
    return {
        "left": store.told(OLD),
        "stays": store.told(OLDER, OutboxStatus.PARKED),
        "young": store.told(YOUNG),
    }


def run(*words: str) -> Any:
    """
    Run `payments retention`, which must end well, and return what it says of messages.
    """
    result = CliRunner().invoke(main, ["retention", *words, "--output", "json"])
    assert result.exit_code == 0, result.output
    (messages,) = (h for h in json.loads(result.stdout)["histories"] if h["history"] == "messages")
    return messages


def test_a_look_removes_nothing(store: Store, told: dict[str, Payment]) -> None:
    """
    With --dry-run everything is still there.
    """
    run("--dry-run")

    assert [store.left(payment) for payment in told.values()] == [1, 1, 1]


def test_what_is_old_goes(store: Store, told: dict[str, Payment]) -> None:
    """
    What left long ago goes; what has not left stays, and what is young, also the second time.
    """
    looked, first, again = run("--dry-run"), run(), run()

    assert [store.left(payment) for payment in told.values()] == [0, 1, 1]
    assert first["removed"] == looked["removed"]
    assert bool(first["removed"]) != bool(first["rows"])
    assert (again["removed"], again["rows"]) == ([], 0)
    assert first["stays"] == again["stays"] == looked["stays"]
