"""
The check of the AsyncAPI document says what it did, and finds what is wrong.
"""

import json
import shutil
from pathlib import Path

import pytest

from scripts import npm
from scripts.check_asyncapi import FOLDER, PAGE, PARSER, check

needs_node = pytest.mark.skipif(
    shutil.which("npm") is None, reason="npm is not installed: the parser cannot be tried"
)


def test_machine_without_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    It goes on, and says that nothing was checked, and why.
    """
    monkeypatch.setenv("PATH", str(tmp_path))
    result = check(PAGE, tmp_path / "parser")

    assert result == 0
    assert "NOT checked by @asyncapi/parser, since there is no node" in capsys.readouterr().out
    assert not (tmp_path / "parser").exists()


@pytest.mark.slow
@needs_node
def test_wrong_document_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """
    The document passes; without its title, or with an operation that is none, it does not.
    """
    if reason := npm.install(PARSER, FOLDER):
        pytest.skip(f"the parser cannot be had: {reason}")
    right = json.loads(PAGE.read_text())
    operations = {n: o | {"action": "shout"} for n, o in right["operations"].items()}
    results = []
    for changes in ({"info": {"version": "1"}}, {"operations": operations}):
        page = tmp_path / "wrong.json"
        page.write_text(json.dumps(right | changes))
        results.append(check(page, FOLDER))
    wrong = capfd.readouterr().out
    again = [check(PAGE, FOLDER), check(PAGE, FOLDER)]

    assert results == [1, 1]
    assert "title" in wrong
    assert "action" in wrong
    assert again == [0, 0]
    assert "unchanged since" in capfd.readouterr().out
