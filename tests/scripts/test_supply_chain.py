"""
What gets into the repository, and what the service is made of.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.servers.process import ROOT

NAME = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)", re.MULTILINE)

# Put together here, or the search would stop at this file.
PLANTED: Mapping[str, str] = {
    "Stripe's live key": "KEY = 'sk_" + "live_51HqLyjWDarjtT1zdp7dcAbCd'",
    "Stripe's restricted key": "KEY = 'rk_" + "live_51HqLyjWDarjtT1zdp7dcAbCd'",
    "of a webhook": "X = 'whsec_" + "Tb3dXq9rJ4kLm8nPzVw2yAhGcEuFs6iO'",
    "of a client": "KEYCLOAK__CLIENT_" + "SECRET=Zx81mQpWv7Lk2dNc",
    "of a realm": '{"clientId": "order-service", "sec' + 'ret": "Zx81mQpWv7Lk2dNc"}',
    "in an address": "DATABASE__URL=postgresql://payments:" + "Gr3enT3a@db/payments",
    "token": "T = 'eyJhbGciOiJSUzI1NiJ9." + "eyJzdWIiOiJhbGljZSJ9.s5n5ESqX1XpX1qH9LVkHIigiVdh'",
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
}


def _git(repository: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    return subprocess.run(
        ("git", *who, *words), cwd=repository, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A repository with this one's hooks, as a new clone has them.
    """
    place = tmp_path_factory.mktemp("clone")
    for name in (".pre-commit-config.yaml", ".secrets.baseline"):
        shutil.copy(ROOT / name, place)
    (place / ".venv").symlink_to(ROOT / ".venv")
    (place / ".gitignore").write_text(".venv\n")
    assert _git(place, "init", "--quiet").returncode == 0
    installed = subprocess.run(
        (place / ".venv/bin/pre-commit", "install"), cwd=place, capture_output=True, check=False
    )
    assert installed.returncode == 0, installed.stderr
    return place


def _commit(
    repository: Path, files: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> "subprocess.CompletedProcess[str]":
    # The other hooks look at the whole project, which is not here.
    monkeypatch.setenv("SKIP", "lint,codespell")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(repository.with_name("pre-commit")))
    for name, text in files.items():
        (repository / name).write_text(f"{text}\n")
    _git(repository, "add", "--all")
    return _git(repository, "commit", "--message", "Try")


def test_hook_stops_secrets(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A commit with secrets is stopped, each file is named and no secret; one without passes.
    """
    files = {f"{number}.txt": text for number, text in enumerate(PLANTED.values())}
    stopped = _commit(repository, files, monkeypatch)
    said = stopped.stdout + stopped.stderr

    assert stopped.returncode != 0
    assert {name for name in files if name not in said} == set()
    assert not any(text in said for text in PLANTED.values())
    assert _commit(repository, dict.fromkeys(files, "harmless"), monkeypatch).returncode == 0


IN_OTHER_WORDS = {"protobuf"}
"""
What tells its licence in no words that a bill knows: protobuf's is "3-Clause BSD License".
"""


@pytest.mark.slow
def test_bill_of_materials() -> None:
    """
    It names what runs in production, as the lock pins it, with licences, and no tool of ours.
    """
    made = subprocess.run(("make", "sbom"), cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    bill: dict[str, Any] = json.loads((ROOT / "var/sbom.cdx.json").read_text("utf-8"))
    parts = {re.sub(r"[._]", "-", c["name"].lower()): c for c in bill["components"]}
    members = {p.parent.name for p in ROOT.glob("packages/*/pyproject.toml")}
    members |= {f"payments-{p.parent.name}" for p in ROOT.glob("apps/*/pyproject.toml")}
    pinned = set(NAME.findall((ROOT / "requirements.lock").read_text("utf-8")))
    foreign = {name: part["version"] for name, part in parts.items() if name not in members}

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert members <= set(parts)
    assert foreign.items() <= pinned
    assert not {"pytest", "mypy", "uv", "pip", "nanoidp", "cyclonedx-bom"} & set(parts)
    assert all(parts[name].get("purl") for name in foreign)
    assert {name for name in foreign if not parts[name].get("licenses")} == IN_OTHER_WORDS
    assert {d["ref"] for d in bill["dependencies"]} >= {c["bom-ref"] for c in parts.values()}
