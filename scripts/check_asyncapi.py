"""
Check docs/asyncapi.json with AsyncAPI's own parser, where Node.js is there to run it.

Nothing else here needs Node.js, so a machine without it (or without a way to the npm registry)
is told that the check was not made, and goes on: the tests still compare the document with the
code. What has been checked once is not checked again until the document or the parser changes.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from scripts import npm

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "asyncapi.json"
PARSER = Path(__file__).parent / "asyncapi"
FOLDER = ROOT / "var" / "asyncapi"


def fingerprint(page: Path) -> str:
    """
    Return what changes when the document or the parser does.
    """
    files = (page, *sorted(PARSER.iterdir()))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def check(page: Path, folder: Path) -> int:
    """
    Return 0 if the document is right, or could not be checked; 1 if it is wrong.
    """
    checked, wanted = folder / "checked", fingerprint(page)
    if checked.exists() and checked.read_text() == wanted:
        print(f"{page.name}: checked before by @asyncapi/parser, and unchanged since")
        return 0
    if reason := npm.install(PARSER, folder):
        print(f"{page.name}: NOT checked by @asyncapi/parser, since {reason}")
        return 0
    ended = subprocess.run(("node", "check.mjs", page.resolve()), cwd=folder, check=False)
    if ended.returncode == 0:
        checked.write_text(wanted)
        print(f"{page.name}: @asyncapi/parser finds no error")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(check(PAGE, FOLDER))
