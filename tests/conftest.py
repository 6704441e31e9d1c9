"""
What every test may ask for: real servers, a closed door to the internet, and the same seeds.
"""

import io
import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest

# The scripts are used and tested here, and `pytest` alone does not put the root into the path.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.servers import SERVERS
from scripts.servers.redis import forget
from scripts.servers.server import UnavailableError
from tests.redis.conditions import Absent, Alive, Condition, Killed, PrivateRedis, Wiped

pytest.register_assert_rewrite("payments_core.testing.conformance")

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


LogLines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """
    Undo what a test did to loggers, which are the whole process's, and so the next tests' too.
    """
    root = logging.getLogger()
    handlers, level, levels = root.handlers, root.level, _levels()
    yield
    root.handlers = handlers
    root.setLevel(level)
    for name in _levels():
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))


def _levels() -> dict[str, int]:
    known = logging.getLogger().manager.loggerDict
    return {n: found.level for n, found in known.items() if isinstance(found, logging.Logger)}


@pytest.fixture
def log_lines() -> Iterator[LogLines]:
    """
    Return the fields of each line of the log since the test began, as production writes them.
    """
    from payments_bootstrap.logging import configure

    root = logging.getLogger()
    before = root.handlers, root.level
    stream = io.StringIO()
    configure(json=True, stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, level = before
    root.setLevel(level)


PROOF = "proof: "
"""
Begins the name of a property of a test that is a table for the end of the run.
"""


class Door:
    """
    Lets Python's sockets reach this machine and the named test servers, and nothing else.

    It hears of every connection through Python's audit events, so no library
    has to be patched. It raises what `except Exception` does not catch: code
    under test must not take a closed door for a provider that is down.
    """

    def __init__(self, known: set[str]) -> None:
        self.known = known
        self.open = False

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """
        Judge one audit event.
        """
        if event in ("socket.connect", "socket.sendto"):
            target = arguments[1]
            self.judge(target[0] if isinstance(target, tuple) else None)
        elif event == "socket.getaddrinfo":
            self.judge(arguments[0])

    def judge(self, host: object) -> None:
        """
        Fail the test that reaches for a host beyond this machine.
        """
        name = host.decode() if isinstance(host, bytes) else host
        if self.open or not isinstance(name, str) or name in self.known:
            return
        try:
            near = ip_address(name.partition("%")[0]).is_loopback
        except ValueError:
            near = False
        if not near:
            pytest.fail(f"A test reached for {name}: only the sandbox mark opens the internet.")


def server_hosts() -> set[str]:
    """
    Return the names and numbers of the hosts that the servers' addresses name.
    """
    urls = (os.environ.get(server.variable, "") for server in SERVERS.values())
    names = {urlsplit(url).hostname for url in urls} - {None}
    found = (socket.getaddrinfo(name, None) for name in names)
    return {str(info[4][0]) for infos in found for info in infos} | {str(name) for name in names}


DOOR = Door({"", "localhost"} | server_hosts())


def pytest_configure() -> None:
    """
    Close the door before any test module is imported.
    """
    sys.addaudithook(DOOR)


@pytest.fixture(autouse=True)
def _door(request: pytest.FixtureRequest) -> Iterator[None]:
    """
    Open the door for a test of the real provider's sandbox, and for no other.
    """
    DOOR.open = request.node.get_closest_marker("sandbox") is not None
    yield
    DOOR.open = False


def pytest_report_header() -> list[str]:
    """
    Name the servers that this run has, with the versions that they tell themselves.
    """
    lines = []
    for server in SERVERS.values():
        if url := os.environ.get(server.variable):
            try:
                lines.append(f"server: {server.name} {server.version(url)}")
            except UnavailableError as reason:
                lines.append(f"server: {server.name} is not usable: {reason}")
    return lines or ["server: none; `make test` provides them"]


def own_room(name: str) -> Iterator[str]:
    """
    Yield the address of a room in a server, which this process has to itself.

    With pytest-xdist each worker gets a room of its own in the same server.
    """
    server = SERVERS[name]
    url = os.environ.get(server.variable)
    if not url:
        pytest.fail(
            f"{server.variable} is not set. Run `make test`, or run `make services` in another"
            f" terminal and export what it prints."
        )
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield url
        return
    with server.room(url) as variables:
        yield variables[server.variable]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """
    The address of a PostgreSQL database that this process has to itself.
    """
    yield from own_room("postgres")


@pytest.fixture(scope="session")
def rabbit_url() -> Iterator[str]:
    """
    The address of a RabbitMQ virtual host that this process has to itself.
    """
    yield from own_room("rabbitmq")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """
    The address of a Redis that tests share; each keeps to keys of its own (`redis_prefix`).
    """
    yield from own_room("redis")


@pytest.fixture
def redis_prefix(redis_url: str) -> Iterator[str]:
    """
    What this test's keys in Redis begin with; they are gone after it.
    """
    prefix = f"payments-test-{token_hex(4)}:"
    yield prefix
    forget(redis_url, prefix)


@pytest.fixture(scope="session")
def private_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    """
    A Redis to be killed.
    """
    server = PrivateRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["alive", "wiped", "absent", "killed"])
def redis_condition(request: pytest.FixtureRequest) -> Iterator[Condition]:
    """
    A cache in Redis, in each condition that it may be in.
    """
    match request.param:
        case "alive" | "wiped" as name:
            kind = Alive if name == "alive" else Wiped
            url, prefix = (request.getfixturevalue(f"redis_{part}") for part in ("url", "prefix"))
            condition: Condition = kind(url, prefix)
        case "absent":
            condition = Absent()
        case _:
            condition = Killed(request.getfixturevalue("private_redis"))
    yield condition
    condition.cache.close()
    if isinstance(condition, Killed):
        condition.restore()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """
    Show what the proofs came to, also those that a process of pytest-xdist ran.
    """
    ended = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])]
    for title, rows in (told for r in ended if r.when == "call" for told in r.user_properties):
        if title.startswith(PROOF):
            terminalreporter.section(title)
            for name, value in rows.items():
                terminalreporter.write_line(f"{name:<42} {value}")
