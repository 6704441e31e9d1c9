"""
Before the newest migration there was a program that is still running when it is applied.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import attrs
import pytest
from sqlalchemy import text

from payments_core.domain.errors import ConcurrentUpdate
from payments_core.testing.builders import NOW
from payments_postgres import DatabaseSettings, create_engine, migrate
from payments_postgres.migrations import newest_migration
from tests.postgres.test_retention import store_in

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = Path("packages/payments-postgres/src/payments_postgres/migrations/versions")
SERVING = ("conformance", "outbox", "audit", "idempotency", "budget", "races", "timeline")
"""
What tells whether a program works on a schema; other modules describe the schema itself.
"""


def git(*arguments: str) -> str:
    """
    Return what git says, or nothing where there is no history to ask.
    """
    found = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() if found.returncode == 0 else ""


def before_the_newest_migration() -> str:
    """
    Return the last commit whose schema is older; empty where the history does not tell.
    """
    newest = newest_migration().name
    added = git("log", "--no-renames", "--diff-filter=A", "--format=%H", "-1", "--",
                str(VERSIONS / newest))  # fmt: skip
    return git("rev-parse", "--verify", f"{added}^" if added else "HEAD")


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """
    A folder with the project as it was before the newest migration.
    """
    commit = before_the_newest_migration()
    if not commit:
        pytest.skip(
            "this copy has no history of the newest migration: clone the repository whole"
            " (`git fetch --unshallow`) to run the program of before it on the schema of today"
        )
    folder = tmp_path / "previous"
    folder.mkdir()
    archive = tmp_path / "previous.tar"
    git("archive", "--output", str(archive), commit)
    shutil.unpack_archive(archive, folder, filter="data")
    return folder


def sources(root: Path) -> str:
    """
    Return where Python finds the packages of a tree.
    """
    return os.pathsep.join(str(path) for path in sorted(root.glob("[pa]*/*/src")))


def told_to_test(previous: Path, room: Path, url: str) -> dict[str, str]:
    """
    Return the environment in which the older tree tests itself, with a schema of today at hand.
    """
    shutil.copy(Path(__file__).with_name("newer_schema.py"), room)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}
    return kept | {
        "PYTHONPATH": os.pathsep.join((sources(previous), str(room))),
        "NEWER_RELEASE": sources(ROOT),
        "TEST_DATABASE_URL": url,
    }


@attrs.frozen
class SuiteRun:
    """
    What became of an older tree's suite: the tests that failed, how many passed, all it said.
    """

    failed: frozenset[str]
    passed: int
    said: str


def run_suite(previous: Path, environment: Mapping[str, str], *options: str) -> SuiteRun:
    """
    Run the suite of an older tree to its end.

    What fails is remembered in the tree, for ``--last-failed``.
    """
    modules = [f"tests/postgres/test_{name}.py" for name in SERVING]
    command = [sys.executable, "-m", "pytest", "-q", "-o", "cache_dir=.cache", *options, *modules]
    ended = subprocess.run(
        [*command, "-m", "postgres and not slow"],
        cwd=previous,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    passed = re.search(r"(\d+) passed", ended.stdout)
    kept = previous / ".cache/v/cache/lastfailed"
    failed = frozenset(json.loads(kept.read_text()) if kept.exists() else ())
    said = ended.stdout[-8000:] + ended.stderr[-2000:]

    # Anything else than these two ends says that it was cut short, or that the memory is wrong.
    assert ended.returncode == (1 if failed else 0), said
    return SuiteRun(failed, int(passed[1]) if passed else 0, said)


def failing_anyway(
    previous: Path, environment: Mapping[str, str], newer: SuiteRun
) -> frozenset[str]:
    """
    Return which of the tests that failed on the newer schema fail on their own one too.
    """
    if not newer.failed:
        return frozenset()
    own = run_suite(previous, environment, "--last-failed")
    assert own.passed + len(own.failed) >= len(newer.failed), "some were not run again: " + own.said
    return own.failed


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.postgres
def test_the_program_before_the_newest_migration_serves_on_the_schema_after_it(
    previous: Path,
    tmp_path: Path,
    empty_postgres_url: str,
    record_property: Callable[[str, object], None],
) -> None:
    """
    What its own PostgreSQL suite proves of serving holds on a schema that it does not know.

    A test that fails on its own schema too tells nothing of the newer one, and is named.
    """
    environment = told_to_test(previous, tmp_path, empty_postgres_url)
    newer = run_suite(previous, environment, "-p", "newer_schema")
    anyway = failing_anyway(previous, environment, newer)

    assert newer.failed == anyway, newer.said
    assert newer.passed > 100
    record_property(
        "proof: the program before the newest migration",
        {"tests that pass": newer.passed, "tests that fail on both schemas": sorted(anyway)},
    )


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.postgres
def test_payments_go_on_while_months_are_made(empty_postgres_url: str) -> None:
    """
    Writers that run while the tables become months lose nothing; at worst one has to try again.
    """
    engine = create_engine(DatabaseSettings(empty_postgres_url))
    migrate(engine, "0013")
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(_MANY, {"rows": BEFORE})
    store, busy = store_in(engine), True

    def write() -> int:
        written = 0
        while busy or written < 3:
            with suppress(ConcurrentUpdate):
                store.told(NOW)
                written += 1
        return written

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write) for _ in range(3)]
        migrate(engine)
        busy = False
        written = sum(writer.result(60) for writer in writers)
    with engine.connect() as connection:
        kept = {row[0]: row[1] for row in connection.execute(_COUNTED)}
    engine.dispose()

    assert kept == {"published": BEFORE + written}


BEFORE = 20_000
_COUNTED = text("SELECT status, count(*) FROM outbox GROUP BY 1")
_MANY = text("""
    INSERT INTO outbox (id, order_id, payment_id, sequence, name, destination, content_type, body,
        created_at, status, attempts)
    SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'x', 'x', 'x', '{}', now(),
        'published', 0 FROM generate_series(1, :rows)
""")
