"""
A wire to a server that breaks as wires do: cut, or cut after an answer that is lost.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

CHUNK: Final = 65536


class Wire:
    """
    Passes on what two sides send each other, until it is told to break.

    It is made in the process whose connections shall break, and dies with it.
    """

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._ends: set[socket.socket] = set()
        self._marker: bytes | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """
        Where it begins.
        """
        port: int = self._listener.getsockname()[1]
        return port

    def cut(self) -> None:
        """
        Break every connection now.
        """
        with self._lock:
            ends, self._ends = self._ends, set()
        for end in ends:
            _break(end)

    def lose_answer(self, marker: bytes) -> None:
        """
        Pass on the next thing that holds the marker, and lose its answer with the connection.
        """
        self._marker = marker

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = self._connect()
                with self._lock:
                    self._ends |= {near, far}
                threading.Thread(target=self._there, args=(near, far), daemon=True).start()

    def _there(self, near: socket.socket, far: socket.socket) -> None:
        lost = threading.Event()
        back = threading.Thread(target=self._back, args=(near, far, lost), daemon=True)
        back.start()
        with suppress(OSError):
            while data := near.recv(CHUNK):
                if self._marker is not None and self._marker in data:
                    self._marker = None
                    lost.set()
                far.sendall(data)
        _break(far)

    def _back(self, near: socket.socket, far: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while data := far.recv(CHUNK):
                if lost.is_set():
                    # The server has done it, and says so to nobody.
                    break
                near.sendall(data)
        _break(near)
        _break(far)


def _break(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def to_postgres(url: str) -> tuple[Wire, str]:
    """
    Return a wire to a PostgreSQL server, and the address by which it is used.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    port = parts.port or 5432
    folder = query.pop("host", None)

    def connect() -> socket.socket:
        if folder is None:
            return socket.create_connection((parts.hostname or "127.0.0.1", port))
        local = socket.socket(socket.AF_UNIX)
        local.connect(f"{folder}/.s.PGSQL.{port}")
        return local

    wire = Wire(connect)
    # What is encrypted cannot be told apart.
    query |= {"sslmode": "disable", "gssencmode": "disable"}
    return wire, _through(wire, parts)._replace(query=urlencode(query)).geturl()


def to_broker(url: str) -> tuple[Wire, str]:
    """
    Return a wire to a RabbitMQ server, and the address by which it is used.
    """
    parts = urlsplit(url)
    address = (parts.hostname or "127.0.0.1", parts.port or 5672)
    wire = Wire(lambda: socket.create_connection(address))
    return wire, _through(wire, parts).geturl()


def _through(wire: Wire, parts: SplitResult) -> SplitResult:
    login, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{login}{at}127.0.0.1:{wire.port}")
