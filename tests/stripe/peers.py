"""
Servers that do not behave: what the adapter meets on a bad day, over real sockets.
"""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import attrs
from typing_extensions import override

from payments_stripe import IStripeWatch, StripeSettings
from payments_stripe.transport import Ticking, Transport

Behaviour = Callable[[socket.socket, threading.Event], None]

SLACK = 5.0
"""
Seconds that a busy machine may take for itself; less than ten attempts take without a deadline.
"""


@attrs.frozen
class Request:
    """
    A request as it came over the wire.
    """

    line: str
    headers: Mapping[str, str]
    body: bytes


def read_request(connection: socket.socket) -> Request | None:
    """
    Read one request; None when the caller has gone.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = dict(field.lower().split(": ", 1) for field in fields)
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Request(line, headers, body)


def answer(status: int, body: Any = None, **headers: str) -> Behaviour:
    """
    Answer whole: JSON, or bytes as they are. In header names ``_`` stands for ``-``.
    """
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    fields = {"Content-Length": str(len(content)), "Connection": "close", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    whole = f"HTTP/1.1 {status} Word\r\n{lines}\r\n".encode() + content

    def behave(connection: socket.socket, _over: threading.Event) -> None:
        connection.sendall(whole)

    return behave


def silence(_connection: socket.socket, over: threading.Event) -> None:
    """
    Never answer.
    """
    over.wait(30)


def reset(connection: socket.socket, _over: threading.Event) -> None:
    """
    Break the connection.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drip(start: bytes) -> Behaviour:
    """
    Answer a byte at a time, each well within any timeout, for longer than any deadline.
    """

    def behave(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        with suppress(OSError):
            for _ in range(600):
                if over.wait(0.05):
                    return
                connection.sendall(b"x")

    return behave


def flood(size: int) -> Behaviour:
    """
    Answer with so many bytes.
    """

    def behave(connection: socket.socket, _over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        with suppress(OSError):
            for _ in range(size // 65536):
                connection.sendall(b" " * 65536)

    return behave


def cut_short(connection: socket.socket, _over: threading.Event) -> None:
    """
    Promise a body and close before its end.
    """
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"id": "pi_')


class Peer:
    """
    A server that behaves by script: one behaviour a request, the last one for all further.
    """

    def __init__(self, *script: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._tls = tls
        self._script = list(script)
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """
        Its address.
        """
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}"

    def serve(self) -> None:
        """
        Accept connections until `close`.
        """
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                thread = threading.Thread(target=self._handle, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _handle(self, accepted: socket.socket) -> None:
        with suppress(OSError), self._secured(accepted) as connection:
            connection.settimeout(30)
            request = read_request(connection)
            if request is None:
                return
            with self._lock:
                self.requests.append(request)
                behave = self._script.pop(0) if len(self._script) > 1 else self._script[0]
            behave(connection, self._over)

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self._tls is None:
            return connection
        try:
            return self._tls.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            raise

    def close(self) -> None:
        """
        End every connection and wait for their threads.
        """
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)


@contextmanager
def peer(*script: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """
    Run a server with this script.
    """
    running = Peer(*script, tls=tls)
    thread = threading.Thread(target=running.serve)
    thread.start()
    try:
        yield running
    finally:
        running.close()
        thread.join(5)


def settings_for(url: str, **changes: Any) -> StripeSettings:
    """
    Settings with little patience.
    """
    fields: dict[str, Any] = {
        "api_key": "sk_test_peers",
        "webhook_secrets": ("whsec_peers",),
        "api_base": url,
        "connect_timeout": 0.5,
        "read_timeout": 0.5,
        "deadline": 1.5,
    }
    return StripeSettings(**fields | changes)


class Waits:
    """
    Time that passes by waiting alone, and no chance: the longest wait is always drawn.
    """

    def __init__(self) -> None:
        self.waited: list[float] = []

    def ticking(self) -> Ticking:
        """
        Return what a transport takes; the clock stands still but for the waits.
        """
        return Ticking(lambda: sum(self.waited), self.waited.append, lambda: 1.0)

    def transport(self, settings: StripeSettings) -> Transport:
        """
        Return a transport that really sends, and only notes its waits.
        """
        return Transport(settings, self.ticking())


class Heard(IStripeWatch):
    """
    Keeps what it hears.
    """

    def __init__(self) -> None:
        self.heard: list[bool | str] = []

    @override
    def repeats(self, reason: str) -> None:
        self.heard.append(reason)

    @override
    def leaves_alone(self, *, so: bool) -> None:
        self.heard.append(so)
