"""
What is sent again, when, and how: with the same key and the same bytes, or not at all.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments_core.domain.money import Money
from payments_core.domain.requests import RefundCapture
from payments_core.ports.errors import ProviderUnavailable
from payments_stripe import StripePaymentProvider
from payments_stripe.retry import Backoff, Reply, retry_after
from payments_stripe.transport import Transport
from tests.stripe.peers import (
    Behaviour,
    Heard,
    Peer,
    Waits,
    answer,
    cut_short,
    peer,
    reset,
    settings_for,
    silence,
)
from tests.stripe.shapes import (
    OPERATION_ID,
    PAYMENT_ID,
    REFUND_ID,
    a_refund,
    an_error,
    an_intent,
)

REFUND = RefundCapture(
    PAYMENT_ID, OPERATION_ID, REFUND_ID, "pi_1", Money.parse("4.00", "EUR"), "broken"
)

ADVICE = [
    # status, Stripe-Should-Retry, repeated read, repeated write
    (200, "", False, False),
    (200, "true", False, False),
    (302, "", False, False),
    (400, "", False, False),
    (400, "true", True, True),
    (402, "", False, False),
    (404, "", False, False),
    (409, "", True, True),
    (409, "false", False, False),
    (429, "", True, True),
    (429, "false", False, False),
    (500, "", True, False),
    (500, "true", True, True),
    (500, "false", False, False),
    (502, "", True, False),
    (503, "", True, True),
    (503, "false", False, False),
    (504, "", True, False),
]


@pytest.mark.parametrize(("status", "advice", "read", "write"), ADVICE)
def test_which_answers_are_worth_another_try(
    status: int, advice: str, *, read: bool, write: bool
) -> None:
    """
    Stripe's advice is followed; without it a write that failed inside Stripe is not repeated.
    """
    reply = Reply(status, {"Stripe-Should-Retry": advice} if advice else {}, b"")

    assert reply.repeats(write=False) is read
    assert reply.repeats(write=True) is write


@given(
    attempt=st.integers(1, 20),
    chance=st.floats(0, 1),
    asked=st.none() | st.floats(0, 100),
)
def test_waits_are_bounded(attempt: int, chance: float, asked: float | None) -> None:
    """
    A wait is never shorter than asked for, and never longer than that or our longest.
    """
    wait = Backoff(0.25, 4.0).wait(attempt, asked, chance)

    assert (asked or 0.0) <= wait <= max(asked or 0.0, 4.0)


def test_waits_grow() -> None:
    """
    Each wait may be twice as long as the one before.
    """
    waits = [Backoff(0.25, 4.0).wait(attempt, None, 1.0) for attempt in range(1, 7)]

    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        (" 7 ", 7.0),
        ("", None),
        ("-1", None),
        ("1e9", None),
        ("٣", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    """
    Seconds are understood; anything else is passed over.
    """
    assert retry_after({"Retry-After": text}) == seconds


class Meeting:
    """
    The adapter and a server that follows a script.
    """

    def __init__(self, server: Peer, **settings: Any) -> None:
        self.server = server
        self.waits = Waits()
        chosen = settings_for(server.url, **settings)
        self.watch = Heard()
        transport = Transport(chosen, self.waits.ticking(), self.watch)
        self.provider = StripePaymentProvider(chosen, transport=transport)

    def refund(self) -> None:
        """
        Send a write.
        """
        self.provider.refund(REFUND, idempotency_key="key-1")


@pytest.fixture
def meeting(request: pytest.FixtureRequest) -> Iterator[Meeting]:
    """
    The adapter and a server with the script of the test's parameter.
    """
    script, settings = request.param
    with peer(*script) as server:
        meeting = Meeting(server, **settings)
        yield meeting
        meeting.provider.close()


def script(*behaviours: Behaviour, **settings: Any) -> tuple[tuple[Behaviour, ...], Any]:
    """
    Return a script for the fixture.
    """
    return behaviours, settings


REFUNDED = answer(200, a_refund())
PAID = answer(200, an_intent())
BUSY = answer(409, an_error(code="idempotency_key_in_use", type="idempotency_error"))


@pytest.mark.parametrize(
    "meeting",
    [
        script(BUSY, REFUNDED),
        script(answer(429, an_error(code="rate_limit")), REFUNDED),
        script(answer(503, b"<html>upstream</html>"), REFUNDED),
        script(answer(500, an_error(type="api_error"), Stripe_Should_Retry="true"), REFUNDED),
        script(reset, REFUNDED),
        script(cut_short, REFUNDED),
        script(BUSY, reset, REFUNDED),
    ],
    indirect=True,
)
def test_write_is_sent_again_unchanged(meeting: Meeting) -> None:
    """
    Every attempt bears the same key and the same bytes, and who watches hears of each but the first.
    """
    meeting.refund()
    sent = meeting.server.requests

    assert len(sent) > 1
    assert len(meeting.watch.heard) == len(sent) - 1
    assert {*meeting.watch.heard} <= {
        "http_409",
        "http_429",
        "http_503",
        "http_500",
        "connection_failed",
    }
    assert {r.headers["idempotency-key"] for r in sent} == {"key-1"}
    assert len({r.body for r in sent}) == 1


@pytest.mark.parametrize(
    "meeting",
    [
        script(answer(500, an_error(type="api_error")), REFUNDED),
        script(answer(502, b""), REFUNDED),
        script(answer(409, an_error(), Stripe_Should_Retry="false"), REFUNDED),
        script(silence, REFUNDED),
        script(answer(200, b"garbage"), REFUNDED),
    ],
    indirect=True,
)
def test_write_is_sent_once_when_its_effect_is_open(meeting: Meeting) -> None:
    """
    A 500 would only be repeated by Stripe, and after a silence the first may still run.
    """
    with pytest.raises(ProviderUnavailable):
        meeting.refund()

    assert len(meeting.server.requests) == 1


@pytest.mark.parametrize(
    "meeting",
    [
        script(answer(500, an_error(type="api_error")), PAID),
        script(answer(504, b""), PAID),
        script(silence, PAID),
        script(reset, PAID),
        script(cut_short, PAID),
    ],
    indirect=True,
)
def test_read_is_sent_again(meeting: Meeting) -> None:
    """
    Reading changes nothing, so it is tried again after any failure that may pass.
    """
    assert meeting.provider.retrieve("pi_1").id == "pi_1"
    assert len(meeting.server.requests) == 2


@pytest.mark.parametrize("meeting", [script(BUSY, max_attempts=4, deadline=20)], indirect=True)
def test_attempts_end(meeting: Meeting) -> None:
    """
    After the last attempt the answer is that there is none.
    """
    with pytest.raises(ProviderUnavailable, match="idempotency_key_in_use"):
        meeting.refund()

    assert len(meeting.server.requests) == 4
    assert meeting.waits.waited == [0.25, 0.5, 1.0]


@pytest.mark.parametrize(
    "meeting", [script(answer(429, an_error(), Retry_After="1"), REFUNDED)], indirect=True
)
def test_retry_after_is_honoured(meeting: Meeting) -> None:
    """
    The next attempt is not made earlier than Stripe asks.
    """
    meeting.refund()

    assert meeting.waits.waited == [1.0]


@pytest.mark.parametrize(
    "meeting", [script(answer(429, an_error(), Retry_After="30"), REFUNDED)], indirect=True
)
def test_a_wait_beyond_the_deadline_is_told_instead(meeting: Meeting) -> None:
    """
    The caller learns how long to wait, at once.
    """
    with pytest.raises(ProviderUnavailable) as busy:
        meeting.refund()

    assert busy.value.retry_after == 30.0
    assert meeting.waits.waited == []
    assert len(meeting.server.requests) == 1
