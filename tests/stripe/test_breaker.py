"""
A provider that does not answer is left alone, and tried again one call at a time.
"""

import threading

import pytest

from payments_core.domain.failure import Failure
from payments_core.ports.errors import ProviderDeclined, ProviderUnavailable
from payments_stripe.breaker import CircuitBreaker
from tests.stripe.peers import Heard

LOST = ProviderUnavailable(Failure("timeout", "No answer."))
NO = ProviderDeclined(Failure("card_declined", "No."))


class Time:
    """
    A clock that a test moves.
    """

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """
        Return the seconds.
        """
        return self.now


def call(breaker: CircuitBreaker, error: BaseException | None = None) -> None:
    """
    Make a call that ends so.
    """
    with breaker.watching():
        if error:
            raise error


def fail(breaker: CircuitBreaker, times: int) -> None:
    """
    Make calls that have no answer.
    """
    for _ in range(times):
        with pytest.raises(ProviderUnavailable, match="timeout"):
            call(breaker, LOST)


@pytest.fixture
def time() -> Time:
    """
    A clock at zero.
    """
    return Time()


@pytest.fixture
def breaker(time: Time) -> CircuitBreaker:
    """
    A breaker that opens after three calls and pauses for ten seconds.
    """
    return CircuitBreaker(3, 10.0, time)


def test_opens_after_failures_in_a_row(breaker: CircuitBreaker, time: Time) -> None:
    """
    Once open no call is made, and the error says when to come back.
    """
    fail(breaker, 3)
    time.now = 4.0
    with pytest.raises(ProviderUnavailable, match="circuit_open") as refused:
        call(breaker, AssertionError("the call was made"))

    assert refused.value.retry_after == 6.0


@pytest.mark.parametrize("answer", [None, NO])
def test_an_answer_starts_the_count_again(
    breaker: CircuitBreaker, answer: BaseException | None
) -> None:
    """
    A refusal is an answer like any other: the provider is there.
    """
    fail(breaker, 2)
    if answer:
        with pytest.raises(ProviderDeclined):
            call(breaker, answer)
    else:
        call(breaker)
    fail(breaker, 2)

    call(breaker)


def test_one_call_tries_after_the_pause(breaker: CircuitBreaker, time: Time) -> None:
    """
    While one call tries, all others are still refused.
    """
    fail(breaker, 3)
    time.now = 10.0
    with breaker.watching(), pytest.raises(ProviderUnavailable, match="circuit_open"):
        call(breaker)


def test_closes_when_the_try_is_answered(breaker: CircuitBreaker, time: Time) -> None:
    """
    One answer is enough.
    """
    fail(breaker, 3)
    time.now = 10.0
    call(breaker)

    fail(breaker, 2)
    call(breaker)


def test_stays_open_when_the_try_fails(breaker: CircuitBreaker, time: Time) -> None:
    """
    Then another pause begins.
    """
    fail(breaker, 3)
    time.now = 10.0
    fail(breaker, 1)
    time.now = 19.9

    with pytest.raises(ProviderUnavailable, match="circuit_open"):
        call(breaker)


def test_a_try_that_is_killed_does_not_keep_it_open(breaker: CircuitBreaker, time: Time) -> None:
    """
    A thread that dies in its try leaves the next one to another.
    """
    fail(breaker, 3)
    time.now = 10.0
    with pytest.raises(KeyboardInterrupt):
        call(breaker, KeyboardInterrupt())
    time.now = 20.0

    call(breaker)


def test_calls_run_side_by_side(breaker: CircuitBreaker) -> None:
    """
    The breaker's lock is not held while a call runs.
    """
    both = threading.Barrier(2, timeout=60)

    def meet() -> None:
        with breaker.watching():
            both.wait()

    threads = [threading.Thread(target=meet) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not both.broken


def test_who_watches_hears_of_each_change(time: Time) -> None:
    """
    Once when it opens, however often it fails then, and once when it closes.
    """
    watch = Heard()
    breaker = CircuitBreaker(3, 10.0, time, watch)
    call(breaker)
    fail(breaker, 2)
    before = list(watch.heard)
    fail(breaker, 1)
    time.now = 10.0
    fail(breaker, 1)
    time.now = 20.0
    call(breaker)
    call(breaker)

    assert before == []
    assert watch.heard == [True, False]
