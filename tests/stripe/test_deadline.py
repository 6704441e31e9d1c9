"""
No call takes longer than its deadline, whatever the other side does.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from payments_core.domain.money import Money
from payments_core.domain.requests import CaptureIntent
from payments_core.ports.errors import ProviderUnavailable
from payments_stripe import StripePaymentProvider
from payments_stripe.sockets import connect
from tests.stripe.peers import (
    SLACK,
    Behaviour,
    answer,
    drip,
    flood,
    peer,
    reset,
    settings_for,
    silence,
)
from tests.stripe.shapes import a_list, a_refund, an_intent

CAPTURE = CaptureIntent("pi_1", Money.parse("4.00", "EUR"))


ONE_STEP = {"max_attempts": 1, "deadline": 30}
"""
Settings under which only the timeout of the one step ends a call.
"""


@contextmanager
def adapter(url: str, **settings: Any) -> Iterator[StripePaymentProvider]:
    """
    An adapter that talks to this address.
    """
    provider = StripePaymentProvider(settings_for(url, **settings))
    try:
        yield provider
    finally:
        provider.close()


HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
BAD_DAYS = {
    "silent": silence,
    "drips its status line": drip(b"HTTP/1.1 "),
    "drips its headers": drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "drips its body": drip(HEADERS),
    "drips chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"),
    "hangs up": reset,
    "is busy": answer(503, b""),
}


@pytest.mark.parametrize("behaviour", BAD_DAYS.values(), ids=BAD_DAYS.keys())
def test_read_ends_within_the_deadline(behaviour: Behaviour) -> None:
    """
    All attempts at a read together end in time.
    """
    with peer(behaviour) as server, adapter(server.url, max_attempts=10) as provider:
        before = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            provider.retrieve("pi_1")

        assert time.monotonic() - before < 1.5 + SLACK


@pytest.mark.parametrize("behaviour", BAD_DAYS.values(), ids=BAD_DAYS.keys())
def test_write_ends_within_the_deadline(behaviour: Behaviour) -> None:
    """
    A write ends in time as well.
    """
    with peer(behaviour) as server, adapter(server.url, max_attempts=10) as provider:
        before = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            provider.capture(CAPTURE, idempotency_key="key-1")

        assert time.monotonic() - before < 1.5 + SLACK


@pytest.mark.parametrize("behaviour", [silence, drip(b"HTTP/1.1 "), drip(HEADERS)])
def test_one_answer_has_one_read_timeout(behaviour: Behaviour) -> None:
    """
    The timeout is for the whole answer, not for each byte of it.
    """
    with peer(behaviour) as server, adapter(server.url, **ONE_STEP) as provider:
        before = time.monotonic()
        with pytest.raises(ProviderUnavailable, match="timeout"):
            provider.retrieve("pi_1")

        assert 0.5 <= time.monotonic() - before < 0.5 + SLACK


def test_pages_of_one_call_share_its_deadline() -> None:
    """
    Reading every refund of a payment is one call, however many pages it takes.
    """

    def slowly(page: int) -> Behaviour:
        def behave(connection: socket.socket, over: threading.Event) -> None:
            over.wait(0.4)
            refund = a_refund(id=f"re_{page}")
            answer(200, a_list(refund, more=page < 50))(connection, over)

        return behave

    with peer(*(slowly(page) for page in range(51))) as server, adapter(server.url) as provider:
        before = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            provider.refunds_of("pi_1")

        assert time.monotonic() - before < 1.5 + SLACK


def test_answer_that_is_too_large_is_not_read() -> None:
    """
    A mebibyte is more than any answer of Stripe; memory stays bounded.
    """
    with peer(flood(64 * 1024 * 1024)) as server, adapter(server.url) as provider:
        with pytest.raises(ProviderUnavailable, match="answer_too_large"):
            provider.retrieve("pi_1")

        assert len(server.requests) == 1


def test_nobody_listens() -> None:
    """
    A refused connection is tried again and then told, quickly.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with adapter(f"http://127.0.0.1:{port}") as provider:
        before = time.monotonic()
        with pytest.raises(ProviderUnavailable, match="connection_failed"):
            provider.capture(CAPTURE, idempotency_key="key-1")

        assert time.monotonic() - before < 1.5 + SLACK


def test_nobody_accepts() -> None:
    """
    A machine that lets connections hang is given up after the connect timeout.
    """
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        # Linux keeps one more than asked for; whoever comes then is not answered.
        with socket.create_connection(address):
            url = f"http://127.0.0.1:{address[1]}"
            with adapter(url, **ONE_STEP) as provider:
                before = time.monotonic()
                with pytest.raises(ProviderUnavailable, match="connection_failed"):
                    provider.retrieve("pi_1")

                assert 0.5 <= time.monotonic() - before < 0.5 + SLACK


@pytest.mark.parametrize("host", ["127.0.0.1..", "a" * 70 + ".example"])
def test_name_that_cannot_be_looked_up(host: str) -> None:
    """
    A name that is none is no usable answer, whatever is wrong with it.
    """
    with adapter(f"https://{host}") as provider, pytest.raises(ProviderUnavailable):
        provider.retrieve("pi_1")


def test_next_address_is_tried() -> None:
    """
    One dead address of a name leaves time for the others.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        dead = taken.getsockname()
    with socket.create_server(("127.0.0.1", 0)) as alive:
        found = [(socket.AF_INET, address) for address in (dead, alive.getsockname())]
        connection = HTTPConnection("stripe.example")
        until = time.monotonic() + 0.5
        with connect(connection, found, until) as reached:
            assert reached.getpeername() == alive.getsockname()
            assert 0 < (reached.gettimeout() or 0) <= 0.5
        with pytest.raises(NewConnectionError):
            connect(connection, [], until)


def test_nothing_is_connected_when_the_time_is_over() -> None:
    """
    After a look-up that took too long nothing is sent any more.
    """
    with socket.create_server(("127.0.0.1", 0)) as alive:
        found = [(socket.AF_INET, alive.getsockname())]
        with pytest.raises(ConnectTimeoutError):
            connect(HTTPConnection("stripe.example"), found, time.monotonic())


@pytest.mark.parametrize("behaviour", [silence, answer(200, b"no TLS")])
def test_handshake_ends_within_the_connect_timeout(behaviour: Behaviour) -> None:
    """
    A server that accepts but speaks no TLS is given up as well.
    """
    with peer(behaviour) as server:
        url = server.url.replace("http:", "https:")
        with adapter(url, **ONE_STEP) as provider:
            before = time.monotonic()
            with pytest.raises(ProviderUnavailable):
                provider.retrieve("pi_1")

            assert time.monotonic() - before < 0.5 + SLACK


def test_connections_are_used_again() -> None:
    """
    Keeping a connection does not keep the deadline of the call before.
    """

    def twice(connection: socket.socket, over: Any) -> None:
        answer(200, an_intent(), Connection="keep-alive")(connection, over)
        connection.recv(65536)
        answer(200, an_intent(id="pi_2"))(connection, over)

    with peer(twice) as server, adapter(server.url, read_timeout=2.0, deadline=2.0) as provider:
        provider.retrieve("pi_1")
        time.sleep(2.1)
        second = provider.retrieve("pi_2")

        assert second.id == "pi_2"
        assert len(server.requests) == 1
