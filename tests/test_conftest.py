"""
The rules of the test session itself.
"""

import socket

import hypothesis
import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "api.stripe.com", "0.0.0.0"])
def test_internet_is_closed(host: str) -> None:
    """
    A test cannot reach beyond this machine, by number or by name, whatever it catches.
    """
    with pytest.raises(pytest.fail.Exception, match="only the sandbox mark"):
        socket.create_connection((host, 443), timeout=0.1)


def test_datagrams_are_closed() -> None:
    """
    A test cannot send a datagram beyond this machine either.
    """
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        pytest.raises(pytest.fail.Exception, match=r"192\.0\.2\.1"),
    ):
        sender.sendto(b"x", ("192.0.2.1", 53))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    """
    Servers of this machine can be reached.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = (host, server.getsockname()[1])
        with (
            socket.create_connection(address, timeout=60) as client,
            server.accept()[0] as accepted,
        ):
            client.sendall(b"x")
            heard = accepted.recv(1)

    assert heard == b"x"


def test_examples_are_the_same_each_time() -> None:
    """
    Hypothesis draws the same examples in each run, so that a red build stays red.
    """
    assert hypothesis.settings.get_profile("ci").derandomize
    assert hypothesis.settings.get_profile("ci").deadline is None


@pytest.mark.postgres
def test_postgres_database_is_ours_alone(postgres_url: str) -> None:
    """
    The database of the tests is one that the ladder made, not one that somebody works with.
    """
    name = postgres_url.rpartition("/")[2]

    assert "test" in name
