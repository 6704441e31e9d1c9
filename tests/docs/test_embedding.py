"""
The page about embedding, as somebody does what it says.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stripe_simulator import Simulator, sign

PAGE = Path(__file__).parents[2] / "docs" / "embedding.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """
    The Stripe that the page tells to start.
    """
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def session(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """
    The names of a Python session whose environment is that of the page.
    """
    monkeypatch.setenv("STRIPE_API_BASE", simulator.url)
    monkeypatch.setenv("STRIPE_API_KEY", simulator.api_key)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", simulator.webhook_secret)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'embedding.db'}")
    names: dict[str, Any] = {}
    yield names
    names["stripe"].close()
    names["engine"].dispose()


def paste(session: dict[str, Any]) -> None:
    """
    Run every block of the page, in its order.
    """
    for block in BLOCK.findall(PAGE.read_text("utf-8")):
        exec(block, session)  # noqa: S102 - it is our own page


def test_each_block_runs(session: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """
    Who pastes the blocks takes money, gives a part back, and tells of all that happened.
    """
    paste(session)
    session["every_few_seconds"]()
    shown = capsys.readouterr().out
    told = re.findall(r"^I(\w+) {", shown, re.MULTILINE)

    assert shown.startswith("Succeeded 129.90 EUR\nSucceeded 29.90 EUR\n")
    assert "\n0 differences 0 repaired\nPending 1\n" in shown
    assert told == ["PaymentSucceeded", "RefundIssued", "ReconciliationCompleted"]


def test_the_route_answers_as_it_says(session: dict[str, Any], simulator: Simulator) -> None:
    """
    The page's route takes what Stripe has signed, and refuses what it has not.
    """
    paste(session)
    route: Callable[[bytes, dict[str, str]], int] = session["webhook"]
    body = json.dumps(simulator.objects("event")[0]).encode()
    signature = sign(body, simulator.webhook_secret, int(time.time()))

    assert route(body, {"stripe-signature": signature}) == 200
    assert route(body + b" ", {"stripe-signature": signature}) == 400
