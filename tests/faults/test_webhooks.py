"""
Twenty copies of a webhook at once have the effect of one.
"""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from tests.faults.bench import listener, places
from tests.faults.conftest import Report
from tests.faults.counts import WEBHOOKS_AT_ONCE
from tests.faults.flows import FLOWS
from tests.faults.world import Recovery, World

pytestmark = [pytest.mark.postgres, pytest.mark.rabbit, pytest.mark.slow]

COPIES = 20


@pytest.fixture
def recovery(postgres_url: str, rabbit_url: str) -> Iterator[Recovery]:
    """
    A service, and what goes on by itself in it.
    """
    with (
        places(postgres_url, rabbit_url) as place,
        listener(place) as (broker, queue),
        World.open(place) as world,
    ):
        world.prepare()
        yield Recovery(world, broker, queue, random.Random(1))


def test_copies_at_once(recovery: Recovery, report: Report) -> None:
    """
    Every copy is accepted, one has an effect, and nothing is told twice.
    """
    began, world = time.monotonic(), recovery.world
    chance = random.Random(20)
    answers: list[int] = []
    with ThreadPoolExecutor(COPIES) as pool:
        for _ in range(WEBHOOKS_AT_ONCE.now):
            order_id = UUID(int=chance.getrandbits(128), version=4)
            event = FLOWS["webhook"].prepare(world, order_id).event
            assert event is not None
            answers += pool.map(world.deliver, [event] * COPIES)
    recovery.run()
    found = recovery.violations()
    report(
        "webhooks at once",
        {
            "events x copies": f"{WEBHOOKS_AT_ONCE.now} x {COPIES}",
            "not accepted": sum(1 for status in answers if status != 200),
            "invariants violated": len(found),
            "took": f"{time.monotonic() - began:.0f} s",
        },
    )

    assert set(answers) == {200}
    assert found == []
