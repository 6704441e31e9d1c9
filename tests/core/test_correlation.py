"""
Ids that strangers give, and what happens under them.
"""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from payments_core.ports.correlation import Correlation, accepted, correlated, current

TRACE = "0af7" * 8
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"

GOOD = [
    "0199f3c5-1c9a-7d44-a5e2-0f8a4d9f2c11",
    "0199F3C5-1C9A-7D44-A5E2-0F8A4D9F2C11",
    "0HN8J5Q2K1L3M.00000001",
    "checkout_2026-11-24",
    "x" * 8,
    "x" * 64,
]

HOSTILE = [
    "",
    "short",
    "x" * 65,
    "x" * 65_536,
    "spaces are odd",
    "good-enough\n",
    'good-enough\r\n{"level": "info"}',
    "good-enough\x1b[31m",
    "good-enough\u2028",
    "good-enough\x00",
    "\u00fcmlauts-are-odd",
    "\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
    "\u0664\u0662\u0664\u0662\u0664\u0662\u0664\u0662",
    "<script>alert(1)</script>",
    "{jndi:ldap://x}",
    "4242424242424242",
    "4242-4242-4242-4242",
    "sk_live_4eC39Hq",
    "eyJhbGciOi.eyJzdWIi.c2ln",
    "pi_123_secret_abc",
    None,
    42424242,
    b"good-enough",
]


@pytest.mark.parametrize("given", GOOD)
def test_a_good_id_is_kept(given: str) -> None:
    """
    What may stand in a line of the log and in a header is used as it is.
    """
    assert accepted(given) == given


@pytest.mark.parametrize("given", HOSTILE)
def test_a_hostile_id_is_replaced(given: object) -> None:
    """
    What is too long, breaks a line, is not ASCII or would be masked is never repeated.
    """
    assert accepted(given) is None
    assert accepted(Correlation.begin(given).id)


def test_the_first_good_id() -> None:
    """
    Of several the first counts that may be used.
    """
    assert Correlation.begin(None, "bad\nid-of-many", "order-12-a").id == "order-12-a"


@pytest.mark.parametrize(
    "given",
    [
        "",
        PARENT.upper(),
        PARENT + "\n",
        PARENT + "-more",
        f"{PARENT},{PARENT}",
        PARENT.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-b7ad6b7169203331",
        f"00-{TRACE[:-1]}\u0664-b7ad6b7169203331-01",
        None,
        12,
    ],
)
def test_no_trace(given: object) -> None:
    """
    Where a trace context is not W3C's to the letter, there is none.
    """
    begun = Correlation.begin("order-12-a", traceparent=given)

    assert begun == Correlation("order-12-a")
    assert begun.trace_id is None


def test_a_trace() -> None:
    """
    A trace context is taken as it is, whether it is recorded or not.
    """
    unrecorded = PARENT[:-1] + "0"

    assert Correlation.begin(traceparent=PARENT).trace_id == TRACE
    assert Correlation.begin(traceparent=unrecorded).traceparent == unrecorded


def test_a_block() -> None:
    """
    The ids hold in their block, in blocks within it until those bind others, and not after it.
    """
    outer, inner = Correlation("outer-id"), Correlation("inner-id")
    seen = [current()]
    with correlated(outer):
        with correlated(inner):
            seen.append(current())
        seen.append(current())
    seen.append(current())

    assert seen == [None, inner, outer, None]


def test_threads() -> None:
    """
    Another thread does not take part unless it is given the context.
    """
    with ThreadPoolExecutor(1) as pool, correlated(Correlation("an-id-12")):
        alone = pool.submit(current).result()
        given = pool.submit(copy_context().run, current).result()

    assert alone is None
    assert given == Correlation("an-id-12")
