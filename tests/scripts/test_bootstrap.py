"""
What an environment is filled with, and that nothing gets in that the lock does not pin by hash.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.bootstrap import entry_of

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = sorted(
    str(p.parent.relative_to(ROOT))
    for room in ("packages", "apps")
    for p in (ROOT / room).glob("*/pyproject.toml")
)


def bootstrap(venv: Path, lock: Path) -> "subprocess.CompletedProcess[str]":
    """
    Fill an empty environment to run alone, as the image does.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    command = [sys.executable, "scripts/bootstrap.py", "--into", str(venv), str(lock), *MEMBERS]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_entry_ends_with_its_hashes() -> None:
    """
    The block of one distribution is its pin with all its hashes, and nothing of the next.
    """
    lock = "uv==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nvirtualenv==2\n"

    assert entry_of(lock, "uv") == "uv==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"


def test_missing_entry_says_what_to_do() -> None:
    """
    A lock without uv stops the installation with the command that makes it whole.
    """
    with pytest.raises(SystemExit, match="make lock"):
        entry_of("attrs==1\n", "uv")


@pytest.mark.slow
def test_environment_to_run_alone(tmp_path: Path) -> None:
    """
    What the image runs needs nothing of this checkout, and has no tools of those who build it.
    """
    assert bootstrap(tmp_path / "venv", ROOT / "requirements.lock").returncode == 0

    python = str(tmp_path / "venv" / "bin" / "python")
    show = "import payments_cli.main, payments_http.app, sys; print(payments_http.app.__file__)"
    found = subprocess.run(
        [python, "-c", show], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith(str(tmp_path))
    absent = "import importlib.util as u; print([n for n in ('pytest', 'mypy', 'uv', 'pip') if u.find_spec(n)])"
    tools = subprocess.run([python, "-c", absent], capture_output=True, text=True, check=True)
    assert tools.stdout.strip() == "[]"


@pytest.mark.slow
def test_other_bytes_are_refused(tmp_path: Path) -> None:
    """
    A package whose bytes the lock does not pin is not installed, neither here nor in the image.
    """
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = entry_of(lock, "attrs")
    forged = re.sub(r"sha256:[0-9a-f]{64}", "sha256:" + "0" * 64, pinned)
    (tmp_path / "lock").write_text(lock.replace(pinned, forged), encoding="utf-8")

    finished = bootstrap(tmp_path / "venv", tmp_path / "lock")

    assert finished.returncode != 0
    assert "attrs" in finished.stderr
