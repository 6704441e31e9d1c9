"""
Before the newest migration there was a program that is still running when it is applied.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

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
    What its own PostgreSQL suite says about serving holds on a schema that it does not know.
    """
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    shutil.copy(Path(__file__).with_name("newer_schema.py"), plugin)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}
    environment |= {
        "PYTHONPATH": os.pathsep.join((sources(previous), str(plugin))),
        "NEWER_RELEASE": sources(ROOT),
        "TEST_DATABASE_URL": empty_postgres_url,
    }
    modules = [f"tests/postgres/test_{name}.py" for name in SERVING]
    command = [sys.executable, "-m", "pytest", "-p", "newer_schema", "-p", "no:cacheprovider"]
    marks = "postgres and not slow"
    ended = subprocess.run(
        [*command, *modules, "-m", marks, "-q", "-x"],
        cwd=previous,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    passed = re.search(r"(\d+) passed", ended.stdout)

    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-2000:]
    assert passed is not None
    assert int(passed[1]) > 100
    record_property(
        "proof: the program before the newest migration", {"tests that pass": passed[1]}
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
