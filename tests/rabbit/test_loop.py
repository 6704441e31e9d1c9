"""
What waits for the broker, many at once.
"""

import asyncio

from payments_rabbit.loop import outcomes


async def _broken() -> int:
    raise OSError("gone")


async def _dropped() -> int:
    raise asyncio.CancelledError


def test_each_has_its_own_outcome() -> None:
    """
    What is done in time counts, whatever became of the others; none is waited for longer.
    """
    works = [asyncio.sleep(0, 7), asyncio.sleep(60, 8), _broken(), _dropped()]

    done, silent, broken, dropped = asyncio.run(outcomes(0.1, works))

    assert done == 7
    assert isinstance(silent, TimeoutError)
    assert str(broken) == "gone"
    assert isinstance(dropped, ConnectionAbortedError)


def test_nothing_to_wait_for() -> None:
    """
    No work has no outcome.
    """
    assert asyncio.run(outcomes(0.1, [])) == []
