"""
The load: connections that each send the next request when the answer to the last has come.

It parses no more of an answer than it must, so that it costs little of the machine that it
shares with what it measures. Both sides of a comparison are called by it.
"""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from benchmarks.rounds import Sample

Request = Callable[[], bytes]

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class _Client(asyncio.Protocol):
    def __init__(self, request: Request, until: float) -> None:
        self.latencies: list[float] = []
        self.done = asyncio.get_running_loop().create_future()
        self._request = request
        self._until = until
        self._answer = b""
        self._length = 0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    @override
    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._length:
            self._length = _length(self._answer)
        if self._length and len(self._answer) >= self._length:
            self._received()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("The server hung up"))

    def _send(self) -> None:
        request = self._request()
        self._answer, self._length = b"", 0
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def _received(self) -> None:
        now = time.perf_counter()
        self.latencies.append(now - self._sent_at)
        if not self._answer.startswith(b"HTTP/1.1 2"):
            self.done.set_exception(RuntimeError(f"Not measured: {self._answer.decode()}"))
        elif now < self._until:
            self._send()
            return
        else:
            self.done.set_result(None)
        self._transport.close()


def _length(answer: bytes) -> int:
    """
    Return how long a whole answer is, or 0 while its head is not there.
    """
    end = answer.find(b"\r\n\r\n")
    found = _LENGTH.search(answer, 0, end) if end >= 0 else None
    return end + 4 + int(found[1]) if found else 0


async def _load(port: int, request: Request, clients: int, seconds: float) -> Sample:
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    until = start + seconds
    running = [
        (await loop.create_connection(lambda: _Client(request, until), "127.0.0.1", port))[1]
        for _ in range(clients)
    ]
    await asyncio.gather(*(client.done for client in running))
    took = time.perf_counter() - start
    latencies = [latency for client in running for latency in client.latencies]
    return Sample(len(latencies), took, latencies)


def load(port: int, request: Request, clients: int, seconds: float) -> Sample:
    """
    Call a server of this machine for a while; each request must be a fresh one.

    Raises:
        RuntimeError: It answered with anything but success.
    """
    return asyncio.run(_load(port, request, clients, seconds))


def post(path: str, headers: dict[str, str]) -> bytes:
    """
    Return the head of a request, to which ``%d`` and the body's length are yet to come.
    """
    lines = {"Host": "localhost", "Content-Type": "application/json", **headers}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{text}Content-Length: %d\r\n\r\n".encode()


def get(path: str, headers: dict[str, str]) -> bytes:
    """
    Return a request for a path.
    """
    text = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{text}\r\n".encode()
