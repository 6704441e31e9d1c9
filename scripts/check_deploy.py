"""
Check the Dockerfile, the compose file and the Kubernetes manifests with the linters of their formats.

The linters are large and only this needs them, so they are no part of .venv: they are installed
by hash below var/deploy when something has changed since the last check. dclint needs Node.js; a
machine without it is told that this one was not asked.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts import npm

ROOT = Path(__file__).parent.parent
TOOLS = Path(__file__).parent / "deploy"
FOLDER = ROOT / "var" / "deploy"
OLDEST, NEWEST = "1.30", "1.37"
"""
The versions of Kubernetes whose schemas the manifests are held to.
"""
UNORDERED = ("services-alphabetical-order", "service-keys-order", "top-level-properties-order")
"""
Rules of dclint that are not for us: what belongs together stands together.
"""


def files(root: Path) -> Sequence[Path]:
    """
    Return what is checked.
    """
    manifests = (root / "deploy" / "kubernetes").glob("*.yaml")
    return [root / "Dockerfile", root / "docker-compose.yml", *sorted(manifests)]


def fingerprint(root: Path) -> str:
    """
    Return what changes when a file or a linter does.
    """
    parts = (*files(root), *sorted(TOOLS.iterdir()), Path(__file__))
    return hashlib.sha256(b"\0".join(part.read_bytes() for part in parts)).hexdigest()


def install(folder: Path) -> Path:
    """
    Install the linters that are on PyPI, and return the folder of their commands.

    Raises:
        CalledProcessError: That was not possible; uv has said why.
    """
    uv, lock = Path(sys.executable).with_name("uv"), TOOLS / "requirements.lock"
    venv, done = folder / "venv", folder / "venv" / "requirements.lock"
    if not done.exists() or done.read_bytes() != lock.read_bytes():
        subprocess.run((uv, "venv", "--quiet", "--clear", venv), check=True)
        into = ("--python", venv / "bin" / "python", "--require-hashes", "-r", lock)
        subprocess.run((uv, "pip", "install", "--quiet", *into), check=True)
        done.write_bytes(lock.read_bytes())
    return venv / "bin"


def commands(root: Path, python: Path, node: Path | None) -> Iterator[Sequence[str | Path]]:
    """
    Yield the command line of each linter.
    """
    dockerfile, compose, *manifests = files(root)
    yield python / "hadolint", dockerfile
    yield python / "check-jsonschema", "-q", "--builtin-schema", "vendor.compose-spec", compose
    # A kustomization is no resource of a cluster, and has no schema there.
    resources = [file for file in manifests if file.name != "kustomization.yaml"]
    for version in (OLDEST, NEWEST):
        options = ("--strict", "--quiet", "--kubernetes-version", version)
        yield python / "kubernetes-validate", *options, *resources
    if node:
        yield node / "dclint", compose, "--max-warnings", "0", "--disable-rule", *UNORDERED


def check(root: Path, folder: Path) -> int:
    """
    Return 0 if every linter that is here finds nothing, else 1.
    """
    checked, wanted = folder / "checked", fingerprint(root)
    if checked.exists() and checked.read_text() == wanted:
        print("deploy: checked before, and unchanged since")
        return 0
    python, missing = install(folder), npm.install(TOOLS, folder / "npm")
    node = None if missing else folder / "npm" / "node_modules" / ".bin"
    failed = [c for c in commands(root, python, node) if subprocess.run(c, check=False).returncode]
    if failed:
        print(f"deploy: {', '.join(Path(c[0]).name for c in failed)} found something")
        return 1
    if missing:
        print(f"deploy: docker-compose.yml NOT checked by dclint, since {missing}")
    else:
        checked.write_text(wanted)
    print("deploy: the linters find no error")
    return 0


if __name__ == "__main__":
    sys.exit(check(ROOT, FOLDER))
