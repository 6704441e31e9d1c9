"""
The linters of what deploys are really asked: each finds a mistake of its own format.
"""

import shutil
from pathlib import Path

import pytest

from scripts.check_deploy import FOLDER, OLDEST, ROOT, check, commands, files, install

BROKEN = [
    ("Dockerfile", "USER 10001:10001", "RUN cd /opt", "hadolint"),
    (
        "docker-compose.yml",
        "    restart: unless-stopped\n",
        "    restarts: x\n",
        "check-jsonschema",
    ),
    ("docker-compose.yml", "127.0.0.1:5004:8080", "5004:8080", "dclint"),
    ("deploy/kubernetes/api.yaml", "maxSurge: 1", "maxSurges: 1", "kubernetes-validate"),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """
    The files that are checked, in a folder of their own.
    """
    for file in files(ROOT):
        place = tmp_path / file.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(("name", "right", "wrong", "linter"), BROKEN)
def test_mistakes_are_found(
    copy: Path, name: str, right: str, wrong: str, linter: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """
    One mistake in one file stops the check, and the linter that found it is named.
    """
    if linter == "dclint" and shutil.which("npm") is None:
        pytest.skip("npm is not installed: dclint cannot be tried")
    text = (copy / name).read_text("utf-8")
    (copy / name).write_text(text.replace(right, wrong, 1))

    assert right in text
    assert check(copy, FOLDER) == 1
    assert linter in capfd.readouterr().out.splitlines()[-1]


@pytest.mark.slow
def test_without_node_the_others_are_asked(copy: Path) -> None:
    """
    A machine without Node.js still checks everything but the compose file's style.
    """
    names = [Path(line[0]).name for line in commands(copy, install(FOLDER), None)]

    assert names == ["hadolint", "check-jsonschema", "kubernetes-validate", "kubernetes-validate"]
    assert OLDEST.startswith("1.")
