"""
The alerts: Prometheus accepts them, each was seen to fire and to stay quiet, each has its runbook.
"""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]  # ships no types

from scripts.servers.programs import program

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "deploy" / "prometheus"
PAGE: Final = (ROOT / "docs/operating.md").read_text("utf-8")

Json = dict[str, Any]


def _read(name: str) -> Json:
    found: Json = yaml.safe_load((FOLDER / name).read_text("utf-8"))
    return found


RULES: Final[list[Json]] = [
    rule for group in _read("alerts.yml")["groups"] for rule in group["rules"]
]


@pytest.fixture(scope="module")
def promtool() -> Path:
    """
    Prometheus' own checker, of this machine or out of Debian's package.
    """
    return program("promtool", "prometheus")


@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts.test.yml"),
        ("check", "config", "prometheus.yml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts(promtool: Path, words: tuple[str, ...]) -> None:
    """
    The rules can be loaded, so can the example of a configuration, and the rules do what their tests say.
    """
    ended = subprocess.run(
        [promtool, *words], cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("name", [rule["alert"] for rule in RULES])
def test_each_alert_is_tested_both_ways(name: str) -> None:
    """
    A test lets it fire, and another one lets it stay quiet although there is something to see.
    """
    tests = [
        test
        for test in _read("alerts.test.yml")["tests"]
        for asked in test["alert_rule_test"]
        if asked["alertname"] == name
    ]
    fires = [bool(test["alert_rule_test"][0]["exp_alerts"]) for test in tests]

    assert set(fires) == {True, False}
    assert all(test["input_series"] for test in tests)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_each_alert_has_its_runbook(rule: Json) -> None:
    """
    It says how urgent it is, and leads to the section with its name, which says the same three things.
    """
    name, annotations = rule["alert"], rule["annotations"]
    section = re.search(rf"^### {name}$(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)

    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert annotations["runbook_url"] == f"docs/operating.md#{name.lower()}"
    assert section
    for part in ("**It means**", "**Look first**", "**Do**", "**Never**"):
        assert part in section[1], f"{name} lacks {part}"


def test_no_runbook_is_left_over() -> None:
    """
    Every runbook is of an alert that there is.
    """
    assert set(re.findall(r"^### (Payments\w+)$", PAGE, re.MULTILINE)) == {
        rule["alert"] for rule in RULES
    }
