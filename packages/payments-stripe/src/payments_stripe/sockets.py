"""
Connections whose timeouts bound the whole of what they are for.

The timeouts of Python's HTTP libraries are for one network operation each: a server that
sends a byte a second, or a name with five dead addresses, outlasts any of them.
"""

import http.client
import io
import socket
import time
from collections.abc import Sequence
from typing import Any, Final, cast

import urllib3
from typing_extensions import override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from payments_stripe.environment import proxy_for, trust

_POOL: Final = 32


Address = tuple[socket.AddressFamily, Any]


class _Reader(io.RawIOBase):
    """
    Reads a socket until a moment in time, however slowly the bytes come.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._until = time.monotonic() + (sock.gettimeout() or 0.0)

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left(self._until))
        return cast("int | None", self._raw.readinto(buffer))

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """
    A response whose status, headers and body together take one read timeout.
    """

    def __init__(self, sock: socket.socket, *args: Any, **fields: Any) -> None:
        super().__init__(sock, *args, **fields)
        self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock))


def _reach(connection: HTTPConnection) -> socket.socket:
    """
    Look up a name and connect, within one connect timeout; the TLS handshake has the rest.

    The look-up cannot be cut short: it has the system's own timeout. Where it takes too
    long nothing is sent afterwards.
    """
    until = time.monotonic() + float(connection.timeout or 0.0)
    return connect(connection, _addresses(connection), until)


def connect(connection: HTTPConnection, found: Sequence[Address], until: float) -> socket.socket:
    """
    Reach one of a name's addresses before a moment in time, each with its share.
    """
    for left, (family, address) in zip(range(len(found), 0, -1), found, strict=True):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(_left(until) / left)
            sock.connect(address)
            sock.settimeout(_left(until))
        except OSError as error:
            sock.close()
            if left == 1:
                raise _refusal(connection, error) from error
        else:
            return sock
    raise NewConnectionError(connection, "The name has no address")


def _left(until: float) -> float:
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time is over")
    return seconds


def _addresses(connection: HTTPConnection) -> list[Address]:
    host = connection.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(connection.host, connection, reason) from error
    return [(family, address) for family, _, _, _, address in found]


def _refusal(connection: HTTPConnection, error: OSError) -> Exception:
    if isinstance(error, TimeoutError):
        return ConnectTimeoutError(connection, f"No connection to {connection.host} in time")
    return NewConnectionError(connection, f"No connection to {connection.host}: {error}")


class _PlainConnection(HTTPConnection):
    response_class = _Response

    @override
    def _new_conn(self) -> socket.socket:
        return _reach(self)


class _SecureConnection(HTTPSConnection):
    response_class = _Response

    @override
    def _new_conn(self) -> socket.socket:
        return _reach(self)


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS: Final[dict[str, type]] = {"http": _PlainPool, "https": _SecurePool}


def open_pool(url: str) -> urllib3.PoolManager:
    """
    Return such connections to an address, directly or by the proxy of the environment.

    Raises:
        ValueError: The environment names no usable certificates or proxy.
    """
    options: dict[str, Any] = {"maxsize": _POOL, "ssl_context": trust()}
    proxy = proxy_for(url)
    pool = (
        urllib3.ProxyManager(proxy.url, proxy_headers=proxy.headers, **options)
        if proxy
        else urllib3.PoolManager(**options)
    )
    pool.pool_classes_by_scheme = _POOLS
    return pool
