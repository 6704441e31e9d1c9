"""
Fill a virtual environment with what the lock pins by hash, and with the workspace's members.

    bootstrap.py LOCK MEMBER...                  this environment: everything in the lock, members editable
    bootstrap.py --into VENV LOCK MEMBER...      another one: the members and what they need, to run alone

Only the standard library is used, since nothing else is there yet. uv itself
is installed by pip from the same lock, so it is held by hash too.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path


def entry_of(lock: str, name: str) -> str:
    """
    Return the block of the lock that pins one distribution with its hashes.

    Raises:
        SystemExit: The lock does not pin it.
    """
    lines = lock.splitlines()
    for start, line in enumerate(lines):
        if line.startswith(f"{name}=="):
            end = start
            while lines[end].endswith("\\"):
                end += 1
            return "\n".join(lines[start : end + 1]) + "\n"
    raise SystemExit(f"requirements.lock does not pin {name}; run `make lock` and commit it")


def run(*command: str) -> None:
    """
    Run a command and stop with its exit code when it fails.
    """
    finished = subprocess.run(command, check=False)
    if finished.returncode:
        raise SystemExit(finished.returncode)


def install_uv(lock: str) -> Sequence[str]:
    """
    Install uv as the lock pins it, and return the beginning of its commands.
    """
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder, "uv.txt")
        pinned.write_text(entry_of(Path(lock).read_text(encoding="utf-8"), "uv"), encoding="utf-8")
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        run(*pip, "--require-hashes", "-r", str(pinned))
    return (str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--python")


def fill_own(uv: Sequence[str], lock: str, members: Sequence[str]) -> None:
    """
    Fill the environment that runs this file, for those who work on the project.
    """
    run(*uv, sys.executable, "--require-hashes", "-r", lock)
    editable = [word for member in members for word in ("-e", member)]
    run(*uv, sys.executable, "--no-deps", "--no-build-isolation", *editable)


def fill(venv: str, uv: Sequence[str], lock: str, members: Sequence[str]) -> None:
    """
    Fill another environment with no more than what runs; uv holds constraints to their hashes too.
    """
    paths = [f"./{member}" for member in members]
    # Without sources, or uv would leave links to the members instead of the members.
    run(*uv, f"{venv}/bin/python", "--no-sources", "-c", lock, "-b", lock, *paths)


def main() -> None:
    """
    Do what the command line asks.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument(
        "--into", metavar="VENV", help="fill this environment instead, to run alone"
    )
    parser.add_argument("lock")
    parser.add_argument("members", nargs="+")
    asked = parser.parse_args()
    uv = install_uv(asked.lock)
    if asked.into:
        fill(asked.into, uv, asked.lock, asked.members)
    else:
        fill_own(uv, asked.lock, asked.members)


if __name__ == "__main__":
    main()
