"""
Check docs/asyncapi.json with AsyncAPI's own parser, where Node.js is there to run it.

Nothing else here needs Node.js, so a machine without it (or without a way to the npm registry)
is told that the check was not made, and goes on: the tests still compare the document with the
code. What has been checked once is not checked again until the document or the parser changes.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "asyncapi.json"
PARSER = Path(__file__).parent / "asyncapi"
LOCK = PARSER / "npm.lock"  # npm's lock without addresses; npm wants it by its own name
FOLDER = ROOT / "var" / "asyncapi"
INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
WITHIN = 300  # seconds, for an installation over a slow line


def fingerprint(page: Path) -> str:
    """
    Return what changes when the document or the parser does.
    """
    files = (page, *sorted(PARSER.iterdir()))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def install(folder: Path) -> str | None:
    """
    Install the parser as its lock says, by hash; return why that was not possible, or None.
    """
    if missing := [word for word in ("node", "npm") if not shutil.which(word)]:
        return f"there is no {' and no '.join(missing)}"
    # What npm writes last: the modules that are there are those of this lock.
    done = folder / "node_modules" / ".package-lock.json"
    lock = folder / "package-lock.json"
    if done.exists() and lock.read_bytes() == LOCK.read_bytes():
        return None
    shutil.copytree(PARSER, folder, dirs_exist_ok=True)
    shutil.copy(LOCK, lock)
    try:
        ended = subprocess.run(
            INSTALL, cwd=folder, capture_output=True, text=True, timeout=WITHIN, check=False
        )
    except subprocess.TimeoutExpired:
        return f"npm took more than {WITHIN} s"
    said = (ended.stderr or ended.stdout).strip().splitlines()
    return None if ended.returncode == 0 else f"npm: {said[0] if said else 'it failed silently'}"


def check(page: Path, folder: Path) -> int:
    """
    Return 0 if the document is right, or could not be checked; 1 if it is wrong.
    """
    checked, wanted = folder / "checked", fingerprint(page)
    if checked.exists() and checked.read_text() == wanted:
        print(f"{page.name}: checked before by @asyncapi/parser, and unchanged since")
        return 0
    if reason := install(folder):
        print(f"{page.name}: NOT checked by @asyncapi/parser, since {reason}")
        return 0
    ended = subprocess.run(("node", "check.mjs", page.resolve()), cwd=folder, check=False)
    if ended.returncode == 0:
        checked.write_text(wanted)
        print(f"{page.name}: @asyncapi/parser finds no error")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(check(PAGE, FOLDER))
