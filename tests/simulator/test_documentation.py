"""
The documentation: every test, operation, route, fault and setting that it names is real.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
import stripe

from stripe_simulator import Rule, Settings, Simulator
from stripe_simulator.app import OPERATIONS, create_app
from stripe_simulator.cards import ALIASES, BY_NAME
from stripe_simulator.faults import KINDS, WEBHOOK_KINDS
from stripe_simulator.simulation import Simulation

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/simulator.md").read_text(encoding="utf-8")
README = (ROOT / "packages/stripe-simulator/README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+) \| \[.+?\]\((.+?)\) \| `(.+?)::(.+?)` \|$", PAGE, re.MULTILINE)


def first_cells(text: str, heading: str) -> list[str]:
    """
    The names in the first column of the table under a heading row.
    """
    table = text.split(heading, 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)


@pytest.mark.parametrize(("behaviour", "url", "file", "test"), ROWS)
def test_named_test_exists(behaviour: str, url: str, file: str, test: str) -> None:
    """
    Each behaviour names a page of Stripe's documentation and a test that exists.
    """
    tree = ast.parse((Path(__file__).parent / file).read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

    assert behaviour
    assert url.startswith("https://docs.stripe.com/")
    assert test in names


def test_every_row_is_read() -> None:
    """
    No row of the table escapes the test above.
    """
    table = PAGE.split("| behaviour |", 1)[1].split("\n\n", 1)[0]

    assert len(ROWS) == table.count("\n|") - 1


def test_operations() -> None:
    """
    The page lists each operation with its request, and no other.
    """
    listed = re.findall(r"^\| `([a-z_.]+)` \| `([A-Z]+) (/v1/.+?)` \|$", PAGE, re.MULTILINE)

    assert sorted(listed) == sorted((o.name, o.method, o.path) for o in OPERATIONS)


def test_control_routes() -> None:
    """
    The page lists each route of the control API, and no other.
    """
    simulation = Simulation(Settings())
    app = create_app(simulation)
    simulation.store.close()
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+?)(_id)?>", r"<\1>", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("control.") and not rule.rule.endswith("/elsewhere")
        for method in rule.methods or set()
        if method not in {"HEAD", "OPTIONS"}
    }
    listed = set(re.findall(r"^\| `([A-Z]+) (/_simulator/.+?)` \|", PAGE, re.MULTILINE))

    outcome = "/_simulator/payment_intents/<id>/{}"
    named = {(m, p) for m, p in routes if "any(" not in p}
    assert listed == named | {("POST", outcome.format("approve")), ("POST", outcome.format("fail"))}


def test_faults() -> None:
    """
    The page lists each kind of fault with its effect, and each field of a rule.
    """
    kinds = dict(re.findall(r"^\| `(\w+)` \| (yes|no) \|", PAGE, re.MULTILINE))
    internal = {"id", "seen", "fired", "_random"}

    assert kinds == {name: "yes" if kind.effect else "no" for name, kind in KINDS.items()}
    assert first_cells(PAGE, "| webhook kind |") == list(WEBHOOK_KINDS)
    assert set(first_cells(PAGE, "| field |")) == {f.name for f in fields(Rule)} - internal


def test_test_methods() -> None:
    """
    The page lists each test payment method once, and no other.
    """
    table = PAGE.split("| outcome | names |", 1)[1].split("\n\n", 1)[0]

    assert sorted(re.findall(r"`(pm_\w+)`", table)) == sorted(BY_NAME)


def test_other_names_of_test_methods() -> None:
    """
    The page lists each other name with the one that it means, and no other.
    """
    table = PAGE.split("| also | is |", 1)[1].split("\n\n", 1)[0]

    assert dict(re.findall(r"`(pm_\w+)` \| `(pm_\w+)`", table)) == ALIASES


def test_paying_as_the_browser(tmp_path: Path) -> None:
    """
    The request that both pages show pays a payment that waits for its customer.
    """
    shown = re.findall(r"^curl -u pk_test_simulator: [^`]+", PAGE + README, re.MULTILINE)
    with Simulator(database=str(tmp_path / "simulator.db")) as simulator:
        client = stripe.StripeClient(simulator.api_key, base_addresses={"api": simulator.url})
        intents = [
            client.v1.payment_intents.create({"amount": 1999, "currency": "eur"}) for _ in shown
        ]
        for command, intent in zip(shown, intents, strict=True):
            here = command.replace("http://localhost:12111", simulator.url)
            environ = {**os.environ, "PI": intent.id, "CLIENT_SECRET": str(intent.client_secret)}
            subprocess.run(["sh", "-c", here], env=environ, check=True, capture_output=True)
        states = [client.v1.payment_intents.retrieve(intent.id).status for intent in intents]

    assert states == ["succeeded"] * 2


def test_settings() -> None:
    """
    The README lists each setting, and no other.
    """
    assert sorted(first_cells(README, "| setting |")) == sorted(f.name for f in fields(Settings))


def test_readme_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """
    The example of the README runs as it is written.
    """
    code = README.split("```python\n", 1)[1].split("```", 1)[0]

    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own example

    assert capsys.readouterr().out == "succeeded {'succeeded': 1}\n"


def test_simulator_knows_nothing_of_the_payment_service() -> None:
    """
    The package imports none of this repository's other packages.
    """
    sources = (ROOT / "packages/stripe-simulator/src").rglob("*.py")

    assert Simulator.__module__.startswith("stripe_simulator.")
    assert not [path.name for path in sources if "payments_" in path.read_text(encoding="utf-8")]
