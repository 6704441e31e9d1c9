"""
Months are made and dropped beside payments, whoever else does the same and whoever dies.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from sqlalchemy import Engine, text

from payments_core.domain.errors import StorageRefused, StorageUnavailable
from payments_core.ports.outbox import OutboxStatus
from payments_core.ports.retention import History
from payments_core.testing.builders import NOW
from payments_core.testing.conformance.retention import LIMIT, LONG_AGO, Store
from payments_core.testing.conformance.storage import an_event
from payments_postgres import SqlAlchemyRetention, SqlAlchemyUnitOfWork
from payments_postgres.months import SERIES, make, month_of, next_month, parts_of
from payments_postgres.tables import audit_log, outbox, webhook_events
from tests.postgres.months import months_back_to, no_months
from tests.postgres.test_retention import store_in

pytestmark = pytest.mark.postgres

OUTBOX = SERIES[History.MESSAGES]
WEBHOOKS = SERIES[History.WEBHOOKS]
FOREVER = timedelta(seconds=60)
OLD = f"outbox_{month_of(LONG_AGO):%Y_%m}"


@pytest.fixture
def store(postgres_engine: Engine) -> Store:
    """
    A database with months from long ago until now.
    """
    months_back_to(postgres_engine, LONG_AGO, NOW)
    return store_in(postgres_engine)


def until(true: Callable[[], object]) -> None:
    """
    Wait for something, for a minute at most.
    """
    end = datetime.now(UTC) + FOREVER
    while not true():
        assert datetime.now(UTC) < end, "it never happened"
        time.sleep(0.02)


def names(engine: Engine) -> list[str]:
    """
    Return the outbox's months.
    """
    return list(parts_of(engine, OUTBOX))


@contextmanager
def holding(engine: Engine, statement: str) -> Iterator[None]:
    """
    Keep a transaction open that has run a statement.
    """
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text(statement))
        yield
        connection.rollback()


def test_the_next_months_are_there(postgres_engine: Engine) -> None:
    """
    The present month and two more are made, once, and rows go where they belong.
    """
    no_months(postgres_engine)
    retention = SqlAlchemyRetention(postgres_engine)
    made = retention.make_ahead(NOW)
    again = retention.make_ahead(NOW)
    later = retention.make_ahead(NOW + timedelta(days=32))
    store_in(postgres_engine).told(NOW)

    months = ("2026_11", "2026_12", "2027_01")
    tables = ("outbox", "webhook_events", "audit_log")
    assert made == [f"{table}_{month}" for table in tables for month in months]
    assert again == []
    assert later == [f"{table}_2027_02" for table in tables]
    assert rows_by_part(postgres_engine) == {"outbox_2026_11": 1}


def rows_by_part(engine: Engine) -> dict[str, int]:
    """
    Return how many messages each part of the outbox holds.
    """
    counted = text("SELECT tableoid::regclass::text, count(*) FROM outbox GROUP BY 1")
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(counted)}


def test_a_missing_month_stops_nothing(postgres_engine: Engine) -> None:
    """
    Without its month all is kept; the month is then not made, and those after it are.
    """
    no_months(postgres_engine)
    store_in(postgres_engine).told(NOW)
    made = SqlAlchemyRetention(postgres_engine).make_ahead(NOW)

    assert rows_by_part(postgres_engine) == {"outbox_default": 1}
    assert [name for name in made if name.startswith("outbox")] == [
        "outbox_2026_12",
        "outbox_2027_01",
    ]
    with pytest.raises(StorageRefused):
        make(postgres_engine, OUTBOX, month_of(NOW))


def test_a_month_that_cannot_be_made_now(postgres_engine: Engine) -> None:
    """
    While somebody holds the outbox its months wait for the next run, and the other histories' do not.
    """
    no_months(postgres_engine)
    impatient = SqlAlchemyRetention(postgres_engine, tries=1)
    with holding(postgres_engine, "SELECT FROM outbox_default"):
        made = impatient.make_ahead(NOW)
    later = impatient.make_ahead(NOW)

    assert {name.rpartition("_20")[0] for name in made} == {"webhook_events", "audit_log"}
    assert {name.rpartition("_20")[0] for name in later} == {"outbox"}


@pytest.mark.parametrize("days", [0, 400, -4000, 365_000])
def test_any_moment_is_kept(postgres_engine: Engine, days: int) -> None:
    """
    An event that claims to be of any time is kept, and kept once.
    """
    moment = NOW + timedelta(days=days)
    event = an_event(created_at=moment)
    kept = []
    for _ in range(2):
        with SqlAlchemyUnitOfWork(postgres_engine) as uow:
            kept.append(uow.webhooks.add(event))
            uow.commit()

    assert kept == [True, False]


def test_an_event_is_kept_once_whatever_moment_it_claims(postgres_engine: Engine) -> None:
    """
    The same event with another moment of its month is a duplicate, as it was without months.
    """
    months_back_to(postgres_engine, NOW, NOW)
    event = an_event()
    kept = []
    for seconds in (0, 1, 3600):
        with SqlAlchemyUnitOfWork(postgres_engine) as uow:
            moment = NOW + timedelta(seconds=seconds)
            kept.append(uow.webhooks.add(attrs.evolve(event, created_at=moment)))
            uow.commit()

    assert kept == [True, False, False]


def test_each_part_has_the_keys(store: Store, postgres_engine: Engine) -> None:
    """
    A new month has every key, index and rule of the part that it was made after.
    """
    del store
    for table in (outbox, webhook_events, audit_log):
        with postgres_engine.connect() as connection:
            shapes = connection.execute(_SHAPES, {"table": table.name}).all()

        assert len(shapes) == 18
        assert len({shape for _, shape in shapes}) == 1, shapes
        assert "PRIMARY KEY" in shapes[0][1]


_SHAPES = text("""
    SELECT relname, (SELECT string_agg(d, '; ' ORDER BY d) FROM (
            SELECT pg_get_constraintdef(oid) AS d FROM pg_constraint WHERE conrelid = c.oid
            UNION ALL SELECT regexp_replace(pg_get_indexdef(indexrelid), '^.* USING', '')
                FROM pg_index WHERE indrelid = c.oid
            UNION ALL SELECT regexp_replace(pg_get_triggerdef(oid), ' ON .* FOR', ' FOR')
                FROM pg_trigger WHERE tgrelid = c.oid) AS every(d))
    FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = to_regclass(:table)
""")


def test_a_month_with_something_unfinished_stays(store: Store, postgres_engine: Engine) -> None:
    """
    One message that has not left keeps its whole month, by name and reason; the next month goes.
    """
    for status in (OutboxStatus.PUBLISHED, OutboxStatus.PARKED):
        store.told(LONG_AGO, status)
    store.told(LONG_AGO + timedelta(days=32))
    removal = store.retention.remove(History.MESSAGES, LIMIT)

    assert removal.stays == {OLD: "1 messages have not left"}
    assert rows_by_part(postgres_engine) == {OLD: 2}
    assert names(postgres_engine)[0] == OLD


def test_two_at_once(store: Store, postgres_engine: Engine) -> None:
    """
    Of many runs at once each month is dropped by one, and none fails.
    """
    store.told(LONG_AGO)
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(SqlAlchemyRetention(postgres_engine).remove, History.MESSAGES, LIMIT)
            for _ in range(4)
        ]
        for run in runs:
            run.result(60)
    store.retention.remove(History.MESSAGES, LIMIT)

    assert all(end > LIMIT for end in parts_of(postgres_engine, OUTBOX).values())
    assert rows_by_part(postgres_engine) == {}


def test_another_run_is_at_it(store: Store, postgres_engine: Engine) -> None:
    """
    While another run holds the months, none is called removed that is there.
    """
    store.told(LONG_AGO)
    impatient = SqlAlchemyRetention(postgres_engine, tries=2)
    with holding(postgres_engine, "SELECT pg_advisory_xact_lock(7021350482016838)"):
        removal = impatient.remove(History.MESSAGES, LIMIT)

    assert OLD in names(postgres_engine)
    assert removal.parts == []
    assert OLD in removal.stays


def test_payments_go_before(store: Store, postgres_engine: Engine) -> None:
    """
    While a transaction holds the outbox no month is dropped, and others write all the same.
    """
    impatient = SqlAlchemyRetention(postgres_engine, tries=1)
    with (
        holding(postgres_engine, f"SELECT FROM {OLD}"),
        holding(postgres_engine, "SELECT FROM outbox"),
        ThreadPoolExecutor(1) as pool,
    ):
        trying = pool.submit(impatient.remove, History.MESSAGES, month_of(LIMIT))
        written = 0
        while not trying.done():
            store.told(NOW)
            written += 1
        removal = trying.result(60)

    assert written > 0
    assert removal.parts == []
    assert set(removal.stays.values()) == {
        "others were using it all the time; the next run tries again"
    }
    assert OLD in names(postgres_engine)


def test_a_killed_run_leaves_nothing_half_done(store: Store, postgres_engine: Engine) -> None:
    """
    Cut off between dropping and noting it, a run has done nothing; the next one does it all.
    """
    store.told(LONG_AGO)
    with (
        ThreadPoolExecutor(1) as pool,
        holding(postgres_engine, "LOCK TABLE retention IN EXCLUSIVE MODE"),
    ):
        run = pool.submit(store.retention.remove, History.MESSAGES, LIMIT)
        until(lambda: run.done() or _cut_off(postgres_engine))
        ended = run.exception(60)
    kept = (rows_by_part(postgres_engine), store.retention.horizons().messages)
    store.retention.remove(History.MESSAGES, LIMIT)

    assert isinstance(ended, StorageUnavailable)
    assert kept == ({OLD: 1}, None)
    assert rows_by_part(postgres_engine) == {}
    assert store.retention.horizons().messages is not None


def _cut_off(engine: Engine) -> bool:
    """
    End the session of whoever holds the outbox for himself, as when his process is killed.
    """
    with engine.connect() as connection:
        connection.execute(_CUT)
    return False


_CUT = text(
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'outbox'::regclass AND granted"
    " AND mode = 'AccessExclusiveLock' AND pid <> pg_backend_pid()"
)


def test_beside_live_traffic(store: Store, postgres_engine: Engine) -> None:
    """
    Writers and relays go on while every old month is dropped and new ones are made.
    """
    for number in range(12):
        store.told(LONG_AGO + timedelta(days=30 * number))
    busy = True

    def live() -> int:
        number = 0
        while busy or number < 5:
            store.told(NOW)
            number += 1
        return number

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(live) for _ in range(3)]
        removal = store.retention.remove(History.MESSAGES, LIMIT)
        made = store.retention.make_ahead(next_month(next_month(NOW)))
        busy = False
        written = sum(writer.result(60) for writer in writers)

    assert removal.stays == {}
    assert len(removal.parts) > 10
    assert len(made) == 9
    assert sum(rows_by_part(postgres_engine).values()) == written
