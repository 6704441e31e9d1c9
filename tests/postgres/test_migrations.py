"""
An empty database becomes exactly the one that the tables describe, and only forwards.
"""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, UniqueConstraint, column, inspect, literal, text
from sqlalchemy import table as lightweight

import payments_postgres
from payments_core.domain.errors import PaymentsError, StorageUnavailable
from payments_core.ports.outbox import OutboxStatus
from payments_core.testing.builders import NOW, a_payment
from payments_core.testing.conformance.storage import an_event
from payments_postgres import (
    DatabaseSettings,
    SqlAlchemyUnitOfWork,
    create_engine,
    is_behind,
    is_current,
    migrate,
)
from payments_postgres.mapping import Snapshot, operation_rows, payment_row
from payments_postgres.migrations import VERSION_TABLE
from payments_postgres.months import SERIES
from payments_postgres.tables import metadata
from tests.postgres.conftest import POSTGRES

VERSIONS = Path(payments_postgres.__file__).parent / "migrations" / "versions"


@pytest.fixture(params=["sqlite", POSTGRES])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """
    Each database in turn, without tables.
    """
    url = f"sqlite:///{tmp_path}/empty.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("empty_postgres_url")
    engine = create_engine(DatabaseSettings(url))
    yield engine
    engine.dispose()


def test_from_empty(empty: Engine) -> None:
    """
    A migrated database is current, an empty one is not; a second run changes nothing.
    """
    before = is_current(empty)
    migrate(empty)
    after = is_current(empty)
    migrate(empty)

    assert not before
    assert after
    assert is_current(empty)


def test_behind(empty: Engine) -> None:
    """
    A schema is behind while a migration of this program is missing, and not after a newer one.
    """
    without = is_behind(empty)
    migrate(empty, "0001")
    older = is_behind(empty)
    migrate(empty)
    newest = is_behind(empty)
    with empty.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608 - our own constant

    assert (without, older, newest) == (True, True, False)
    assert not is_behind(empty)
    assert not is_current(empty)


def test_the_schema_is_what_the_tables_say(empty: Engine) -> None:
    """
    Columns, types, keys and indexes are the same in both places.
    """
    migrate(empty)
    with empty.connect() as connection:
        options = {
            "version_table": VERSION_TABLE,
            "compare_type": True,
            "include_object": partial(_compared, _parts(empty)),
        }
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, metadata)

    assert differences == []


def _parts(engine: Engine) -> set[str]:
    """
    Return the parts of the tables that are kept by month.
    """
    names = inspect(engine).get_table_names()
    return {n for n in names if n.rpartition("_default")[0] in _MONTHLY or _MONTH.search(n)}


def _compared(parts: set[str], item: Any, name: str | None, kind: str, *_: Any) -> bool:
    """
    Return whether a thing stands in both places; months do not, and the keys are theirs alone.
    """
    key = parts and kind == "unique_constraint" and item.table.name in _MONTHLY
    return name not in parts and not key


_MONTH = re.compile(r"_\d{4}_\d\d$")
_MONTHLY = {series.table.name for series in SERIES.values()}


def test_each_month_has_the_keys(empty: Engine) -> None:
    """
    What is unique by the tables is unique in each part; SQLite has the one.
    """
    migrate(empty)
    look = inspect(empty)
    for table in (series.table for series in SERIES.values()):
        for part in _parts(empty) or {table.name}:
            if not part.startswith(table.name):
                continue
            primary = look.get_pk_constraint(part)["constrained_columns"]
            unique = [c["column_names"] for c in look.get_unique_constraints(part)]

            assert primary == [c.name for c in table.primary_key]
            assert unique == [
                [c.name for c in rule.columns]
                for rule in table.constraints
                if isinstance(rule, UniqueConstraint)
            ]


def test_the_rules_are_what_the_tables_say(empty: Engine) -> None:
    """
    So are the names of constraints, which Alembic does not compare.
    """
    migrate(empty)
    other = create_engine(DatabaseSettings("sqlite://"))
    metadata.create_all(other)
    wanted, found = rules(other), rules(empty)
    other.dispose()
    if _parts(empty):
        # There each part has the keys, under names of its own.
        wanted -= {n for n in wanted if n.startswith(("pk_", "uq_")) and _of_month(n)}

    assert found == wanted
    assert "ck_payments_amount_positive" in found


def _of_month(rule: str) -> bool:
    return any(rule[3:].startswith(table) for table in _MONTHLY)


def rules(engine: Engine) -> set[str]:
    """
    Return the names of every constraint, and of every partial index with its predicate's words.
    """
    look = inspect(engine)
    names: set[str | None] = set()
    for table in metadata.tables:
        names |= {c["name"] for c in look.get_check_constraints(table)}
        names |= {c["name"] for c in look.get_unique_constraints(table)}
        names |= {c["name"] for c in look.get_foreign_keys(table)}
        names |= {i["name"] for i in look.get_indexes(table) if not i.get("duplicates_constraint")}
        names.add(look.get_pk_constraint(table)["name"])
    return {name for name in names if name}


def test_several_may_try_at_once(empty: Engine) -> None:
    """
    Processes that start together migrate one after the other.
    """
    engines = [
        create_engine(DatabaseSettings(empty.url.render_as_string(hide_password=False)))
        for _ in range(3)
    ]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrate, engines))
    for engine in engines:
        engine.dispose()

    assert is_current(empty)


def test_data_stays(empty: Engine) -> None:
    """
    Migrating a database in use leaves its payments as they are.
    """
    migrate(empty)
    payment = a_payment()
    with SqlAlchemyUnitOfWork(empty) as uow:
        uow.payments.add(payment)
        uow.commit()
    migrate(empty)
    with SqlAlchemyUnitOfWork(empty) as uow:
        found = uow.payments.get(payment.id)

    assert found == payment


def insert_before(engine: Engine, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """
    Insert a row into each table of an older schema: what it has no column for is left out.
    """
    for name, row in rows.items():
        there = {c["name"] for c in inspect(engine).get_columns(name)}
        table = metadata.tables[name]
        known = {c: literal(v, table.c[c].type) for c, v in row.items() if c in there}
        with engine.begin() as connection:
            connection.execute(lightweight(name, *map(column, known)).insert().values(known))


def test_recovery_finds_operations_of_before_it(empty: Engine) -> None:
    """
    What was sent and never answered before there was a sweeper is due; no customer's time is over.
    """
    migrate(empty, "0002")
    payment = a_payment(payment_method_id=None)
    (operation,) = operation_rows(payment, {payment.operations[0].id})
    rows = {
        "payments": {**payment_row(payment, Snapshot.of(payment), 1), "status": "RequiresAction"},
        "payment_operations": operation,
    }
    insert_before(empty, rows)
    migrate(empty)
    later = NOW + timedelta(minutes=2)
    with SqlAlchemyUnitOfWork(empty) as uow:
        claimed = uow.payments.claim(uuid4(), later, later, 10)
        over = uow.payments.expired(datetime.now(UTC), 10)
        found = uow.payments.get(payment.id)

    assert [claim.payment_id for claim in claimed] == [payment.id]
    assert not over
    assert found is not None
    assert found.expires_at is not None


def test_events_of_before_the_relay_stay(empty: Engine) -> None:
    """
    Events that were recorded when nothing could be sent are kept, and nobody waits for them.
    """
    migrate(empty, "0001")
    payment, event = a_payment(), uuid4()
    rows = {
        "payments": payment_row(payment, Snapshot.of(payment), 1),
        "orders": {"order_id": payment.order_id, "event_seq": 1},
        "outbox": {
            "id": event,
            "order_id": payment.order_id,
            "payment_id": payment.id,
            "sequence": 1,
            "name": "IPaymentSucceeded",
            "body": "{}",
            "created_at": NOW,
        },
    }
    insert_before(empty, rows)
    migrate(empty)
    with SqlAlchemyUnitOfWork(empty) as uow:
        found = uow.outbox.find(event)
        waiting = uow.outbox.waiting(NOW + timedelta(days=1), 10)

    assert found is not None
    assert (found.status, found.sequence, found.body) == (OutboxStatus.RELEASED, 1, "{}")
    assert not waiting


def test_months_around_what_is_there(empty: Engine) -> None:
    """
    What was kept before there were months stays as it is and is claimed; what is of a far time too.
    """
    migrate(empty, "0013")
    payment, event = a_payment(), uuid4()
    moments = {"evt_1": NOW, "evt_2": datetime.now(UTC) + timedelta(days=4000)}
    rows = {
        "payments": payment_row(payment, Snapshot.of(payment), 1),
        "orders": {"order_id": payment.order_id, "event_seq": 1},
        "outbox": {
            "id": event,
            "order_id": payment.order_id,
            "payment_id": payment.id,
            "sequence": 1,
            "name": "IPaymentSucceeded",
            "destination": "x",
            "content_type": "application/json",
            "body": "{}",
            "created_at": NOW,
            "status": "pending",
            "attempts": 0,
            "next_at": NOW,
        },
    }
    insert_before(empty, rows)
    for name, moment in moments.items():
        webhook = an_event(event_id=name, created_at=moment)
        insert_before(empty, {"webhook_events": {**attrs.asdict(webhook), "headers": "{}"}})
    migrate(empty)
    with SqlAlchemyUnitOfWork(empty) as uow:
        told = uow.outbox.claim(NOW, NOW, 10)
        heard = uow.webhooks.claim(NOW, NOW, 10)
        again = uow.webhooks.add(an_event(event_id="evt_1"))

    assert [m.id for m in told] == [event]
    assert {e.event_id for e in heard} == set(moments)
    assert not again


def test_a_failed_migration_leaves_nothing(empty: Engine) -> None:
    """
    A migration that breaks off is undone whole, also on SQLite.
    """
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE discrepancies (id INTEGER)"))

    with pytest.raises(PaymentsError):
        migrate(empty)
    assert inspect(empty).get_table_names() == ["discrepancies"]
    assert not is_current(empty)


def test_an_unknown_version_is_not_current(empty: Engine) -> None:
    """
    A database that a newer program has migrated is not ours to use.
    """
    migrate(empty)
    with empty.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608 - our own constant

    assert not is_current(empty)
    with pytest.raises(StorageUnavailable, match="to 9999, which this one does not know"):
        migrate(empty)


@pytest.mark.parametrize("version", sorted(VERSIONS.glob("*.py")), ids=lambda path: path.stem)
def test_only_forwards(version: Path) -> None:
    """
    No migration has a way back: it could only lose what was recorded.
    """
    assert "def downgrade" not in version.read_text()
