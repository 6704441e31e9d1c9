"""
Each import contract is broken once on purpose, in a copy of the sources, to see it report.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "pyproject.toml"
APPS = "Apps stand on the composition root, it on the adapters, they on the core"
ROOMS = "The rooms of the core look inwards"
CORE = "The core needs no SDK and no framework"
PYTEST = "Only the conformance suites know pytest"

# The contract, the module that is planted, and what it imports.
FORBIDDEN = [
    (APPS, "payments_bootstrap.planted", "payments_cli"),
    (APPS, "payments_http.planted", "payments_cli"),
    (APPS, "payments_stripe.planted", "payments_postgres"),
    (APPS, "payments_core.application.planted", "payments_bootstrap"),
    ("Only the composition root knows the adapters", "payments_cli.planted", "payments_postgres"),
    (ROOMS, "payments_core.domain.planted", "payments_core.ports"),
    (ROOMS, "payments_core.application.planted", "payments_core.testing"),
    (ROOMS, "payments_core.masking.planted", "payments_core.domain"),
    (ROOMS, "payments_core.planted", "typing"),
    ("The domain needs attrs and iso4217 only", "payments_core.domain.planted", "cattrs"),
    (CORE, "payments_core.application.planted", "requests"),
    (CORE, "payments_core.ports.planted", "sqlalchemy.orm"),
    (PYTEST, "payments_core.testing.planted", "pytest"),
    (PYTEST, "payments_stripe.planted", "pytest"),
    ("stripe is at home in payments_stripe", "payments_http.planted", "stripe"),
    (
        "The database's libraries are at home in payments_postgres",
        "payments_bootstrap.planted",
        "sqlalchemy.orm",
    ),
    (
        "The broker's libraries are at home in payments_rabbit",
        "payments_bootstrap.planted",
        "aio_pika.abc",
    ),
    ("Redis's library is at home in payments_redis", "payments_http.planted", "redis"),
    ("The web's libraries are at home in payments_http", "payments_cli.planted", "flask"),
    (
        "OAuth's library is at home in payments_http and payments_bootstrap",
        "payments_cli.planted",
        "authlib.oauth2",
    ),
    ("The terminal's libraries are at home in payments_cli", "payments_http.planted", "rich.table"),
    (
        "Prometheus's library is at home in payments_bootstrap and payments_http",
        "payments_stripe.planted",
        "prometheus_client.core",
    ),
    (
        "Wiring, settings, schedules and logging are at home in payments_bootstrap",
        "payments_http.planted",
        "dependency_injector.wiring",
    ),
    (
        "OpenTelemetry is at home in payments_bootstrap",
        "payments_rabbit.planted",
        "opentelemetry.trace",
    ),
    ("The simulator knows nothing of ours", "stripe_simulator.planted", "payments_core.domain"),
    ("Only development's wiring knows the simulator", "payments_cli.planted", "stripe_simulator"),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A folder with a copy of every package, to plant imports in.
    """
    copy = tmp_path_factory.mktemp("sources")
    for package in ROOT.glob("*/*/src/*"):
        if (package / "__init__.py").exists():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(package, copy / package.name, ignore=ignored)
    return copy


@pytest.fixture(scope="module")
def reports(sources: Path) -> list[set[str]]:
    """
    The contracts that are broken in the copy as it is, and then with each import of the table.
    """
    done = subprocess.run(
        (sys.executable, Path(__file__).with_name("lint_planted.py"), sources, CONFIGURATION),
        input=json.dumps([(module, imported) for _, module, imported in FORBIDDEN]),
        # The copy comes before the installed packages; the root holds our kind of contract.
        env={**os.environ, "PYTHONPATH": f"{sources}{os.pathsep}{ROOT}"},
        cwd=sources,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [broken(printed) for printed in json.loads(done.stdout)]


def broken(printed: str) -> set[str]:
    """
    Return the names of the contracts that lint-imports calls broken.
    """
    assert "Contracts: " in printed, printed
    # Behind the verdict stands how many imports the contract leaves out, if any.
    return set(re.findall(r"^(.+) BROKEN(?: \(.+\))?$", printed, re.MULTILINE))


def test_each_contract_is_in_the_table() -> None:
    """
    No contract goes without a proof that it can fail.
    """
    configured = tomllib.loads(CONFIGURATION.read_text())["tool"]["importlinter"]
    names = {contract["name"] for contract in configured["contracts"]}

    assert names == {contract for contract, _, _ in FORBIDDEN}


def test_sources_keep_every_contract(reports: list[set[str]]) -> None:
    """
    Without anything planted no contract is broken.
    """
    assert reports[0] == set()


@pytest.mark.parametrize(("row", "contract"), [*enumerate(row[0] for row in FORBIDDEN)])
def test_broken_contract_is_reported(reports: list[set[str]], row: int, contract: str) -> None:
    """
    A forbidden import is reported under the name of the contract that forbids it.
    """
    assert contract in reports[row + 1]
