"""
Fill the virtual environment that runs this file: locked packages by hash, then the members.

Only the standard library is used, since nothing else is there yet. uv itself
is installed by pip from the same lock, so it is held by hash too.
"""

import subprocess
import sys
import tempfile
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


def main() -> None:
    """
    Install the lock named first, then the workspace members named after it, editable.
    """
    lock, *members = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder, "uv.txt")
        pinned.write_text(entry_of(Path(lock).read_text(encoding="utf-8"), "uv"), encoding="utf-8")
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        run(*pip, "--require-hashes", "-r", str(pinned))
    uv = (str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet")
    run(*uv, "--python", sys.executable, "--require-hashes", "-r", lock)
    editable = [word for member in members for word in ("-e", member)]
    run(*uv, "--python", sys.executable, "--no-deps", "--no-build-isolation", *editable)


if __name__ == "__main__":
    main()
