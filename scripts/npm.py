"""
Tools of the npm registry, as their lock pins them, where Node.js is there to run them.
"""

import shutil
import subprocess
from pathlib import Path

INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
WITHIN = 300  # seconds, for an installation over a slow line


def install(source: Path, folder: Path) -> str | None:
    """
    Install by hash what a folder's `npm.lock` says; return why that was not possible, or None.

    The lock has no addresses; npm wants it by its own name.
    """
    if missing := [word for word in ("node", "npm") if not shutil.which(word)]:
        return f"there is no {' and no '.join(missing)}"
    # What npm writes last: the modules that are there are those of this lock.
    done = folder / "node_modules" / ".package-lock.json"
    lock, wanted = folder / "package-lock.json", source / "npm.lock"
    if done.exists() and lock.read_bytes() == wanted.read_bytes():
        return None
    shutil.copytree(source, folder, dirs_exist_ok=True)
    shutil.copy(wanted, lock)
    try:
        ended = subprocess.run(
            INSTALL, cwd=folder, capture_output=True, text=True, timeout=WITHIN, check=False
        )
    except subprocess.TimeoutExpired:
        return f"npm took more than {WITHIN} s"
    said = (ended.stderr or ended.stdout).strip().splitlines()
    return None if ended.returncode == 0 else f"npm: {said[0] if said else 'it failed silently'}"
