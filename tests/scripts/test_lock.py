"""
What `make lock` writes: what is asked for, without addresses; and what was locked stays.
"""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile

import pytest

from scripts.servers.process import ROOT

LOCKS = ("requirements.lock", "scripts/deploy/requirements.lock")
LINE = re.compile(r"[a-z0-9-]+==[^:/@ ]+( ; [^:/@]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
NAME = re.compile(r"[A-Za-z0-9._-]+")

PROJECT = """
[project]
name = "project"
version = "1"
requires-python = ">=3.11"
dependencies = [{asked}]

[dependency-groups]
dev = []
docs = []
bench = []

[tool.uv]
no-index = true
find-links = ["offered"]
"""


def pins(lock: Path) -> dict[str, str]:
    """
    Return the version of each distribution that is locked.
    """
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", lock.read_text("utf-8"), re.MULTILINE))


def strangers(lock: Path) -> list[str]:
    """
    Return the lines that are no name with a version, and no hash.
    """
    lines = lock.read_text("utf-8").splitlines()
    return [line for line in lines if not LINE.fullmatch(line)]


@pytest.mark.parametrize("lock", LOCKS)
def test_names_versions_and_hashes_only(lock: str) -> None:
    """
    No address and no path is in a lock: whoever installs has an index of their own.
    """
    assert strangers(ROOT / lock) == []


def _names(texts: Iterable[str]) -> set[str]:
    found = (NAME.match(text) for text in texts)
    return {re.sub(r"[._-]+", "-", match[0].lower()) for match in found if match}


def test_all_that_is_asked_for_is_locked() -> None:
    """
    Each project and each group of the workspace has its pins, and no project of ours has one.
    """
    files = [ROOT / "pyproject.toml", *ROOT.glob("packages/*/*.toml"), *ROOT.glob("apps/*/*.toml")]
    projects = [tomllib.loads(file.read_text("utf-8")) for file in files]
    ours = {project["project"]["name"] for project in projects}
    groups = projects[0]["dependency-groups"].values()
    asked = [project["project"].get("dependencies", []) for project in projects]
    locked = set(pins(ROOT / LOCKS[0]))

    assert set().union(*map(_names, [*asked, *groups])) - ours - locked == set()
    assert ours & locked == set()


def _offer(place: Path, name: str, version: str) -> None:
    described = f"{name}-{version}.dist-info"
    with ZipFile(place / "offered" / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            f"{described}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{described}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{described}/RECORD", "")


def _lock(place: Path, *asked: str, args: str = "") -> dict[str, str]:
    listed = ", ".join(f'"{name}"' for name in asked)
    (place / "pyproject.toml").write_text(PROJECT.format(asked=listed))
    # The environment is this checkout's and is not to be filled anew.
    command = ("make", "-s", "-o", ".venv/.installed", "lock", f"ARGS={args}")
    made = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return pins(place / LOCKS[0])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """
    A project with this one's Makefile that has locked `old` and `tool` before newer ones came.
    """
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    for folder in ("offered", "scripts/deploy"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "scripts/deploy/requirements.in").write_text("tool\n")
    for name, version in (("old", "1"), ("added", "1"), ("tool", "1")):
        _offer(tmp_path, name, version)
    assert _lock(tmp_path, "old") == {"old": "1"}
    for name in ("old", "tool"):
        _offer(tmp_path, name, "2")
    return tmp_path


def test_what_is_locked_stays(place: Path) -> None:
    """
    Nothing asked for anew changes no byte; one more is added beside what is there.
    """
    before = [(place / lock).read_bytes() for lock in LOCKS]
    _lock(place, "old")

    assert [(place / lock).read_bytes() for lock in LOCKS] == before
    assert _lock(place, "old", "added") == {"added": "1", "old": "1"}
    assert strangers(place / LOCKS[0]) == []


def test_upgrades_are_asked_for(place: Path) -> None:
    """
    The newest are taken on demand, of what checks the deployment too.
    """
    assert _lock(place, "old", args="--upgrade") == {"old": "2"}
    assert pins(place / LOCKS[1]) == {"tool": "2"}


def test_one_upgrade_is_asked_for(place: Path) -> None:
    """
    The newest of one leaves the others.
    """
    assert _lock(place, "old", args="-P old") == {"old": "2"}
    assert pins(place / LOCKS[1]) == {"tool": "1"}
