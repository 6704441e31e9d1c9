"""
Private servers, started for real: what they promise while they run, and that they end.
"""

import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from scripts.servers import REQUIRED, SERVERS
from scripts.servers.ladder import answer, obtain
from scripts.servers.process import own_folder
from scripts.servers.redis import connected
from scripts.servers.server import UnavailableError

FOREIGN = "environment,local,docker,apt"


def present(name: str) -> Path:
    """
    Return the folder of a server's programs, also those of a wheel.

    A machine may lack the programs that no test of the product needs yet.
    """
    server = SERVERS[name]
    programs = server.programs() or server.wheel()
    if programs is None and name not in REQUIRED:
        pytest.skip(f"{server.name} is not installed, and nothing needs it yet")
    assert programs is not None, f"{server.name} is required and has no programs here"
    return programs


def is_open(url: str) -> bool:
    """
    Tell whether somebody listens where an address leads.
    """
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("name", ["postgres", pytest.param("rabbitmq", marks=pytest.mark.slow)])
def test_private_server_ends_with_us(name: str) -> None:
    """
    A server that we started answers while we need it, then it is gone with its files.
    """
    server = SERVERS[name]
    programs = present(name)
    with own_folder(server.name) as folder, server.private(programs, folder) as url:
        version = answer(server, url, patience=60)
        kept = list(folder.iterdir())

    assert version[0].isdigit()
    assert kept
    assert not folder.exists()
    assert not is_open(url)


@pytest.mark.parametrize("skip", [FOREIGN, f"{FOREIGN},binaries"])
def test_private_postgres_is_durable(monkeypatch: pytest.MonkeyPatch, skip: str) -> None:
    """
    What the product promises about commits is not tested on a server that forgets them.
    """
    monkeypatch.setenv("SERVICES_SKIP", skip)
    with ExitStack() as stack:
        variables = obtain(SERVERS["postgres"], stack).variables
        connection = stack.enter_context(psycopg.connect(variables["TEST_DATABASE_URL"]))
        settings = [
            connection.execute(f"SHOW {name}").fetchone()
            for name in ("fsync", "synchronous_commit", "full_page_writes")
        ]

    assert settings == [("on",)] * 3


@pytest.mark.postgres
def test_room_in_postgres_is_dropped_with_its_rooms(postgres_url: str) -> None:
    """
    A database of ours goes at the end, with those that workers made beside it, connected or not.
    """
    server = SERVERS["postgres"]
    with server.room(postgres_url) as outer:
        url = outer["TEST_DATABASE_URL"]
        inner = server.room(url)
        nested = inner.__enter__()["TEST_DATABASE_URL"]
        connection = psycopg.connect(nested)

    with connection, pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    for gone in (url, nested):
        with pytest.raises(UnavailableError, match="does not exist"):
            server.version(gone)


def test_room_in_redis_is_emptied() -> None:
    """
    The keys of our prefix go at the end, and no other key does.
    """
    server, programs = SERVERS["redis"], present("redis")
    with (
        own_folder(server.name) as folder,
        server.private(programs, folder) as url,
        connected(url) as client,
    ):
        client("SET", "theirs", "1")
        with server.room(url) as variables:
            client("SET", f"{variables['TEST_REDIS_PREFIX']}a", "1")
            during = client("DBSIZE")
        after = client("KEYS", "*")

    assert during == 3
    assert after == ["theirs"]


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$x\r\n", b"\x01", b""])
@pytest.mark.parametrize("name", list(SERVERS))
def test_port_that_speaks_something_else_is_not_taken(name: str, said: bytes) -> None:
    """
    An open port alone is no server: it has to answer in its own protocol.
    """
    server = SERVERS[name]
    with socket.create_server(("127.0.0.1", 0)) as other:

        def speak() -> None:
            with other.accept()[0] as accepted:
                accepted.sendall(said)
                accepted.shutdown(socket.SHUT_WR)
                while accepted.recv(1024):
                    pass

        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(UnavailableError):
            server.version(server.standard(other.getsockname()[1]))
        thread.join()
