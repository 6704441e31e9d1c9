"""
Whatever dies at whatever point, nothing is lost, nothing is done twice, nothing is invented.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from uuid import UUID

import attrs
import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from payments_core.domain.errors import PaymentsError
from payments_core.ports.faults import FAULT_POINTS
from payments_core.ports.queries import PaymentView
from tests.faults.bench import listener, places
from tests.faults.cases import CALLS, CASES, LOSSES, Case
from tests.faults.conftest import Report
from tests.faults.evidence import Exchange
from tests.faults.flows import FLOWS, Subject
from tests.faults.process import run
from tests.faults.world import FORKED, LEASE, Recovery, World
from tests.rabbit.peer import Neighbour

pytestmark = [pytest.mark.postgres, pytest.mark.rabbit, pytest.mark.slow]

WITHIN = 60.0  # seconds, on a loaded machine, for what takes a tenth of one
KILLED = -signal.SIGKILL


@attrs.frozen
class Bench:
    """
    One world for all cases, and who listens to it.
    """

    world: World
    broker: Neighbour
    queue: str


@pytest.fixture(scope="module")
def bench(postgres_url: str, rabbit_url: str, stopwatch: Callable[[], float]) -> Iterator[Bench]:
    """
    Servers, and the service in this process, which no fault meets.
    """
    with (
        places(postgres_url, rabbit_url) as place,
        listener(place) as (broker, queue),
        World.open(place) as world,
    ):
        stopwatch()
        world.prepare()
        yield Bench(world, broker, queue)


@attrs.define
class Trial:
    """
    One case from its beginning to its judgement.
    """

    bench: Bench
    case: Case
    subject: Subject = attrs.field(init=False)
    recovery: Recovery = attrs.field(init=False)
    answers: list[Exchange] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        world = self.bench.world
        world.reset()
        self.bench.broker.drain(self.bench.queue)
        chance = random.Random(self.case.id)
        order_id = UUID(int=chance.getrandbits(128), version=4)
        self.subject = FLOWS[self.case.flow].prepare(world, order_id)
        self.recovery = Recovery(world, self.bench.broker, self.bench.queue, chance)

    def strike(self) -> None:
        """
        Let a process do it, and fail at the case's point.
        """
        case, world = self.case, self.bench.world
        if case.loss:
            world.fault(kind=LOSSES[case.loss], operation=CALLS[case.flow])
        arguments = (world.place, case.flow, self.subject, case.blow)
        process = FORKED.Process(target=run, args=arguments)
        process.start()
        if case.blow.kind == "stop":
            self._while_it_stands(process.pid)
        process.join(WITHIN)
        ended = KILLED if case.blow.kind == "kill" else 0

        assert process.exitcode == ended, "it did not end as it should, or never came to its point"

    def _while_it_stands(self, pid: int | None) -> None:
        """
        Take over from a process that stands still, then let it go on.
        """
        assert pid is not None
        child = psutil.Process(pid)
        deadline = time.monotonic() + WITHIN
        while child.status() != psutil.STATUS_STOPPED:
            assert time.monotonic() < deadline, "it never stopped"
            time.sleep(0.002)
        self.bench.world.advance(LEASE.total_seconds() + 1)
        if self.case.blow.point.endswith("precommit"):
            # The database takes the locks of whoever stands still in a transaction.
            time.sleep(1.1)
        self.recovery.turn()
        self.bench.world.advance(LEASE.total_seconds() + 1)
        self.recovery.turn()
        os.kill(pid, signal.SIGCONT)

    def again(self) -> None:
        """
        Ask once more under the same key, as whoever got no answer does.
        """
        with suppress(PaymentsError):
            answer = FLOWS[self.case.flow].act(self.bench.world, self.subject)
            view = getattr(answer, "payment", answer)
            if isinstance(view, PaymentView) and not view.unresolved_operations:
                self.answers.append(
                    Exchange(
                        caller="alice",
                        route=self.case.flow,
                        status=200,
                        # Whether it is an answer given again stands in a header.
                        body=repr((view, getattr(answer, "refund", None))),
                        key=str(self.subject.order_id),
                    )
                )

    def judge(self) -> None:
        """
        Let everything recover, and check every promise.
        """
        FLOWS[self.case.flow].after(self.bench.world, self.subject)
        self.bench.world.advance(self.case.pause)
        if not self.case.pause:
            self.again()
        self.recovery.run()
        self.again()
        self.recovery.run()
        self.again()

        assert self.recovery.violations(self.answers) == [], (
            f"again: make prove ARGS='-k {self.case.id}'"
        )


@pytest.mark.parametrize("name", CASES)
def test_case(bench: Bench, name: str) -> None:
    """
    After one fault and the recovery from it, every promise holds.
    """
    trial = Trial(bench, CASES[name])
    trial.strike()
    trial.judge()


def test_every_point_has_its_cases() -> None:
    """
    Each point is met by each kind of fault, and each loss by each request.
    """
    met = {(c.blow.point, c.blow.kind) for c in CASES.values()}
    missing = [
        (point, kind)
        for point in FAULT_POINTS
        for kind in ("kill", "raise", "hang", "drop", "stop")
        if (point, kind) not in met
    ]

    assert missing == []


def test_what_they_came_to(report: Report, stopwatch: Callable[[], float]) -> None:
    """
    Say how much was tried, after all of it.
    """
    kinds = Counter(c.loss or c.blow.kind for c in CASES.values())
    rows = {
        "fault points": len(FAULT_POINTS),
        "cases": len(CASES),
        "of them": ", ".join(f"{kind} {number}" for kind, number in kinds.most_common()),
        "with expired provider keys": sum(1 for c in CASES.values() if c.pause),
        "took": f"{stopwatch():.0f} s",
    }
    report("fault cases", rows)

    assert len(CASES) >= 300
