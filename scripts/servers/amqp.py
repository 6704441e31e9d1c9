"""
The first words of AMQP 0-9-1: enough to log in to a virtual host and hear who answers.
"""

import re
import socket
import struct
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from scripts.servers.server import UnavailableError

ANSWER_WITHIN = 5.0  # seconds
START, START_OK, TUNE, TUNE_OK, OPEN, OPEN_OK, CLOSE = (
    (10, method) for method in (10, 11, 30, 31, 40, 41, 50)
)


def short(text: str) -> bytes:
    """
    Encode a short string.
    """
    return bytes([len(text.encode())]) + text.encode()


def long(text: str) -> bytes:
    """
    Encode a long string.
    """
    return struct.pack(">I", len(text.encode())) + text.encode()


def frame(method: tuple[int, int], arguments: bytes) -> bytes:
    """
    Encode a method frame of channel 0.
    """
    payload = struct.pack(">HH", *method) + arguments
    return struct.pack(">BHI", 1, 0, len(payload)) + payload + b"\xce"


def expect(stream: BinaryIO, method: tuple[int, int]) -> bytes:
    """
    Read one frame and return the arguments of its method.

    Raises:
        UnavailableError: It is another one; a refusal is quoted.
    """
    head = stream.read(7)
    if len(head) < 7 or head[:1] != b"\x01":  # noqa: PLR2004 - a frame's head has seven octets
        raise UnavailableError(
            "it ended the connection: login refused" if not head else "no AMQP 0-9-1"
        )
    payload = stream.read(struct.unpack(">I", head[3:])[0] + 1)[:-1]
    heard = struct.unpack(">HH", payload[:4])
    if heard == CLOSE:
        raise UnavailableError(payload[7 : 7 + payload[6]].decode(errors="replace"))
    if heard != method:
        raise UnavailableError(f"it answered with method {heard} where {method} belongs")
    return payload[4:]


def log_in(url: str) -> str:
    """
    Open the virtual host that an amqp address names, leave, and return the server's version.

    Raises:
        UnavailableError: The server cannot be reached or does not let us in.
    """
    parts = urlsplit(url)
    user, password = unquote(parts.username or "guest"), unquote(parts.password or "guest")
    host = unquote(parts.path[1:]) or "/"
    try:
        address = (parts.hostname or "127.0.0.1", parts.port or 5672)
        with (
            socket.create_connection(address, timeout=ANSWER_WITHIN) as connection,
            connection.makefile("rwb", buffering=0) as raw,
            connection.makefile("rb") as stream,
        ):
            raw.write(b"AMQP\x00\x00\x09\x01")
            properties = expect(stream, START)
            login = short("PLAIN") + long(f"\0{user}\0{password}") + short("en_US")
            raw.write(frame(START_OK, struct.pack(">I", 0) + login))
            raw.write(frame(TUNE_OK, expect(stream, TUNE)[:8]))
            raw.write(frame(OPEN, short(host) + b"\x00\x00"))
            expect(stream, OPEN_OK)
            raw.write(frame(CLOSE, struct.pack(">H", 200) + short("bye") + bytes(4)))
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise UnavailableError(str(error)) from error
    version = re.search(rb"\x07versionS....([0-9][0-9A-Za-z.+-]*)", properties, re.DOTALL)
    return version[1].decode() if version else "unknown"
