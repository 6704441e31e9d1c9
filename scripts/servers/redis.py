"""
Redis: a key prefix of our own, asked over its own protocol (RESP) without a client library.
"""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, ClassVar
from urllib.parse import unquote, urlsplit

from typing_extensions import override

from scripts.servers.process import await_port, folder_of, free_port, running
from scripts.servers.server import Server, UnavailableError

Reply = str | int | list["Reply"] | None
ANSWER_WITHIN = 3.0  # seconds


def read_reply(stream: BinaryIO) -> Reply:
    """
    Read one RESP value.

    Raises:
        UnavailableError: It is an error, or no RESP at all.
    """
    line = stream.readline().decode(errors="replace").rstrip("\r\n")
    kind, text = line[:1], line[1:]
    if kind == "+":
        return text
    if kind == ":":
        return int(text)
    if kind == "$":
        return None if text == "-1" else stream.read(int(text) + 2)[:-2].decode()
    if kind == "*":
        return [read_reply(stream) for _ in range(int(text))]
    raise UnavailableError(text or "it does not answer as Redis does")


class Client:
    """
    One connection to a Redis server, logged in and in the database that the address names.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")

    def __call__(self, *words: str) -> Reply:
        """
        Send one command and return what it answers.
        """
        parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        self._connection.sendall(f"*{len(words)}\r\n{parts}".encode())
        return read_reply(self._stream)

    def close(self) -> None:
        """
        Let the stream go; the socket belongs to whoever opened it.
        """
        self._stream.close()


@contextmanager
def connected(url: str) -> Iterator[Client]:
    """
    Open a connection, log in, and select the database.

    Raises:
        UnavailableError: The server cannot be reached or refuses what is asked.
    """
    parts = urlsplit(url)
    try:
        address = (parts.hostname or "127.0.0.1", parts.port or Redis.port)
        with socket.create_connection(address, timeout=ANSWER_WITHIN) as connection:
            client = Client(connection)
            try:
                if parts.password:
                    user = (unquote(parts.username),) if parts.username else ()
                    client("AUTH", *user, unquote(parts.password))
                client("SELECT", parts.path.strip("/") or "0")
                yield client
            finally:
                client.close()
    except (OSError, ValueError) as error:
        raise UnavailableError(str(error)) from error


def forget(url: str, prefix: str) -> None:
    """
    Delete every key that begins with the prefix.
    """
    with connected(url) as client:
        cursor = ""
        while cursor != "0":
            match client("SCAN", cursor or "0", "MATCH", f"{prefix}*", "COUNT", "500"):
                case [str(cursor), [*keys]]:
                    if keys:
                        client("DEL", *map(str, keys))
                case other:
                    raise UnavailableError(f"it answered SCAN with {other!r}")


class Redis(Server):
    """
    Redis, asked over RESP.
    """

    name: ClassVar[str] = "Redis"
    port: ClassVar[int] = 6379
    variable: ClassVar[str] = "TEST_REDIS_URL"
    image: ClassVar[str] = "redis:7"
    packages: ClassVar[tuple[str, ...]] = ("redis-server",)

    @override
    def standard(self, port: int) -> str:
        return f"redis://127.0.0.1:{port}/0"

    @override
    def version(self, url: str) -> str:
        with connected(url) as client:
            lines = str(client("INFO", "server")).splitlines()
        facts = dict(line.split(":", 1) for line in lines if ":" in line)
        return facts.get("redis_version", "unknown")

    @override
    @contextmanager
    def room(self, url: str) -> Iterator[dict[str, str]]:
        variables = self.as_given(url)
        prefix = variables["TEST_REDIS_PREFIX"]
        with connected(url) as client:
            client("SET", f"{prefix}room", "ours", "EX", "60")
        try:
            yield variables
        finally:
            try:
                forget(url, prefix)
            except UnavailableError as reason:
                print(f"Redis: keys {prefix}* were not deleted: {reason}", file=sys.stderr)

    @override
    def as_given(self, url: str) -> dict[str, str]:
        return {self.variable: url, "TEST_REDIS_PREFIX": f"payments-test-{token_hex(4)}:"}

    @override
    def programs(self) -> Path | None:
        return folder_of("redis-server", "opt/homebrew/bin", "usr/local/bin")

    @override
    @contextmanager
    def private(self, programs: Path, folder: Path) -> Iterator[str]:
        port = free_port()
        options = {"port": str(port), "bind": "127.0.0.1", "dir": str(folder), "save": ""}
        words = (word for name, value in options.items() for word in (f"--{name}", value))
        with running((programs / "redis-server", *words), folder) as process:
            await_port(port, process, folder)
            yield self.standard(port)
