"""
Leaving a port such that whoever was let in is answered, and whoever comes later is turned away.

A socket that is closed hangs up on the connections in its queue, which the kernel has already
let in: their senders have sent, and cannot know whether they were heard. So nobody is let in any
more before the queue is emptied and the socket closed. Whoever knocks in between hears nothing,
knocks again after a second, and is refused then: that is safe to take elsewhere.
"""

import ctypes
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

LAST_CALL: Final = 0.2
"""
Seconds that a handshake which has begun may take to end.
"""

STOPS: Final = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)
"""
What tells a process to end.
"""

_SO_ATTACH_FILTER: Final = 26
_FLAGS_OF_TCP: Final = 13
_SYN: Final = 0x02


class _Step(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


_NO_NEW: Final = (
    (0x30, 0, 0, _FLAGS_OF_TCP),  # load the byte with the flags
    (0x45, 0, 1, _SYN),  # without SYN pass over the next step
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # let it through
)
"""
A program of the kernel's packet filter: drop what begins a connection.
"""


def let_nobody_in(listeners: Iterable[Any]) -> None:
    """
    Drop what would begin a connection with these sockets, in all processes that share them.

    There is no way back. Elsewhere than on Linux nothing happens, and the moment between the last look into
    the queue and the close remains.
    """
    if sys.platform != "linux":
        return
    steps = (_Step * len(_NO_NEW))(*(_Step(*step) for step in _NO_NEW))
    program = bytes(_Program(len(_NO_NEW), steps))
    for listener in listeners:
        # A system may forbid filters; it is left without, as others are.
        with suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
