"""
A simulator for each test, a client of Stripe's SDK for it, and a receiver of webhooks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe
from stripe_simulator import Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """
    A simulator that sends no webhooks.
    """
    with Simulator(seed=1) as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[stripe.StripeClient]:
    """
    Stripe's SDK, pointed at the simulator.
    """
    yield from connect(simulator)


def connect(simulator: Simulator) -> Iterator[stripe.StripeClient]:
    """
    A client whose connections are closed afterwards.
    """
    http = stripe.RequestsClient(timeout=(3, 8))
    yield stripe.StripeClient(
        simulator.api_key, base_addresses={"api": simulator.url}, http_client=http
    )
    http.close()


@dataclass
class Received:
    """
    One webhook as it came.
    """

    body: bytes
    headers: dict[str, str]
    time: float


@dataclass
class Receiver:
    """
    A webhook endpoint that keeps what it gets.

    Args:
        statuses: What to answer, one after the other; then 200.
    """

    url: str
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def wait_for(self, count: int, seconds: float = 5.0) -> list[Received]:
        """
        What came, once it is that many.
        """
        wait_until(lambda: len(self.received) >= count, seconds)
        return list(self.received)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """
    A real HTTP server for webhooks.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """
            Keeps the request and answers as told.
            """
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.received.append(Received(body, dict(self.headers.items()), time.monotonic()))
            self.send_response(kept.statuses.pop(0) if kept.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """
            Says nothing.
            """

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Receiver(f"http://127.0.0.1:{server.server_port}/webhooks")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """
    Waits for a condition and fails when it does not come.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
