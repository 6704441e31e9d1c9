"""
Whatever order a seed chooses for clients, workers, faults and time, every promise holds.
"""

import copy
import time
from typing import Any

import pytest
from typing_extensions import override

from payments_core.domain.invariants import Violation
from payments_core.domain.requests import ProviderRequest
from payments_core.testing.clock import ManualClock
from tests.faults.conftest import Report
from tests.faults.counts import SIMULATIONS
from tests.faults.evidence import names
from tests.faults.simulation import NotedProvider, Simulation, main


def replay(seed: int) -> str:
    """
    Return how to see a seed again.
    """
    return f"seed {seed}; again: .venv/bin/python -m tests.faults.simulation {seed}"


@pytest.mark.parametrize("seed", range(5))
def test_some_seeds(seed: int) -> None:
    """
    A few seeds hold in every run of the tests.
    """
    assert Simulation(seed).run() == [], replay(seed)


@pytest.mark.slow
def test_seeds(report: Report) -> None:
    """
    So do all others.
    """
    began = time.monotonic()
    steps = 0
    broken: dict[str, list[Violation]] = {}
    for seed in range(SIMULATIONS.now):
        simulation = Simulation(seed)
        if found := simulation.run():
            broken[replay(seed)] = found
        steps += len(simulation.trail)
    seconds = f"{time.monotonic() - began:.0f} s"
    rows = {"seeds": f"0 to {SIMULATIONS.now - 1}", "steps and failures": steps, "took": seconds}
    report("simulations of the core", {**rows, "seeds with violations": len(broken)})

    assert broken == {}


def test_a_seed_decides_everything() -> None:
    """
    The same seed runs the same way, so that what it found can be seen again.
    """
    one, other = Simulation(3), Simulation(3)
    one.run()
    other.run()

    assert one.trail == other.trail
    assert [v.status for v in one.evidence.history] == [v.status for v in other.evidence.history]


class Forgetful(NotedProvider):
    """
    Charges again for a key that it has seen.
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.forgets = True

    @override
    def _replay(self, request: ProviderRequest, key: str) -> Any:
        return None


class Hasty(Simulation):
    """
    A relay that lets a broker which is down pass for one that confirmed.
    """

    @override
    def recover(self) -> list[Any]:
        self.publisher.messages = copy.copy(self.publisher.messages[:-1])
        return super().recover()


def test_a_provider_that_charges_twice_is_seen() -> None:
    """
    With a provider that forgets its keys some seed shows a second object.
    """
    seen: set[str] = set()
    for seed in range(12):
        simulation = Simulation(seed)
        simulation.provider = Forgetful(simulation.clock)
        simulation.operations.providers["fake"] = simulation.provider  # type: ignore[index] # a dict
        seen |= names(simulation.run())

    assert {"I3"} <= seen


def test_a_lost_message_is_seen() -> None:
    """
    A message that was marked as gone, and that the broker has not, is seen.
    """
    seen: set[str] = set()
    for seed in range(5):
        seen |= names(Hasty(seed).run())

    assert "I9" in seen


def test_a_seed_is_run_by_hand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Whoever runs a seed by hand reads at the end what it came to.
    """
    monkeypatch.setattr("sys.argv", ["simulation", "4711"])
    with pytest.raises(SystemExit) as ended:
        main()

    assert capsys.readouterr().out.endswith("steps and failures, 0 violations.\n")
    assert ended.value.code == 0
