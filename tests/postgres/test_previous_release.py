"""
Before the newest migration there was a program that is still running when it is applied.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = Path("packages/payments-postgres/src/payments_postgres/migrations/versions")
ABOUT_THE_SCHEMA = ("test_migrations", "test_tables", "test_indexes", "test_previous_release")


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
    newest = max((ROOT / VERSIONS).glob("[0-9]*.py")).name
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
@pytest.mark.postgres
def test_the_program_before_the_newest_migration_serves_on_the_schema_after_it(
    previous: Path,
    tmp_path: Path,
    empty_postgres_url: str,
    record_property: Callable[[str, object], None],
) -> None:
    """
    Its own PostgreSQL suite passes: all of it but what describes the schema itself.
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
    left_out = [f"--ignore=tests/postgres/{name}.py" for name in ABOUT_THE_SCHEMA]
    command = [sys.executable, "-m", "pytest", "-p", "newer_schema", "-p", "no:cacheprovider"]
    marks = "postgres and not slow"
    ended = subprocess.run(
        [*command, "tests/postgres", *left_out, "-m", marks, "-q", "-x", "-k", "not sqlite"],
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
