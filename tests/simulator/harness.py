"""
What the simulator's tests drive it with: raw HTTP, and a receiver of webhooks.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from typing_extensions import override

Json = dict[str, Any]

RETURN_URL = "http://shop.test/done"


class Api:
    """
    Stripe's API over plain HTTP.

    Args:
        url: The simulator's address.

        key: The API key of every request.
    """

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {key}"

    def request(
        self, method: str, path: str, form: Json | None = None, **headers: str
    ) -> requests.Response:
        """
        One request; header names are written with underscores.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(
            method, f"{self.url}{path}", data=form, headers=named, timeout=60, allow_redirects=False
        )

    def post(self, path: str, form: Json | None = None, **headers: str) -> Json:
        """
        What a POST answers, which has to be 200.
        """
        response = self.request("POST", path, form, **headers)
        assert response.status_code == 200, response.text
        body: Json = response.json()
        return body

    def get(self, path: str) -> Json:
        """
        What a GET answers, which has to be 200.
        """
        response = self.request("GET", path)
        assert response.status_code == 200, response.text
        body: Json = response.json()
        return body

    def refused(self, status: int, path: str, form: Json | None = None, **headers: str) -> Json:
        """
        The error of a POST, which has to have this status.
        """
        response = self.request("POST", path, form, **headers)
        assert response.status_code == status, response.text
        error: Json = response.json()["error"]
        return error

    def pay(self, method: str = "pm_card_visa", form: Json | None = None) -> Json:
        """
        A PaymentIntent, confirmed at once.
        """
        return self.post("/v1/payment_intents", payment(method, form))

    def event_types(self) -> list[str]:
        """
        The types of all events, oldest first.
        """
        events = self.get("/v1/events?limit=100")["data"]
        return [event["type"] for event in reversed(events)]


def payment(method: str = "pm_card_visa", form: Json | None = None) -> Json:
    """
    The parameters of a confirmed creation.
    """
    usual = {"amount": 1000, "currency": "usd", "confirm": "true", "return_url": RETURN_URL}
    return {**usual, "payment_method": method, **(form or {})}


@dataclass
class Received:
    """
    One webhook as it came.
    """

    path: str
    body: bytes
    headers: dict[str, str]

    @property
    def event(self) -> Json:
        """
        The event in the body.
        """
        event: Json = json.loads(self.body)
        return event


@dataclass
class Receiver:
    """
    A webhook endpoint that keeps what it gets.

    Args:
        answers: Status codes to answer with, one after the other; then 200.
    """

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def wait_for(self, count: int) -> list[Received]:
        """
        What came, once it is at least that many.
        """
        wait_until(lambda: len(self.received) >= count)
        return list(self.received)

    def types(self) -> list[str]:
        """
        The types of the events in the order of their coming.
        """
        return [received.event["type"] for received in self.received]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """
    A real HTTP server that receives webhooks.
    """
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """
            Keeps the request and answers as told.
            """
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received(self.path, body, dict(self.headers.items())))
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """
            Says nothing.
            """

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/webhooks"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """
    Waits for a condition; fails when it does not come.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
