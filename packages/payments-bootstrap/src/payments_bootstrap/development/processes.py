"""
Processes that end with the one that started them.
"""

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Final

import attrs

PR_SET_PDEATHSIG: Final = 1


class StartError(Exception):
    """
    A part of the service could not be started; the text says what to do.
    """


@attrs.define
class Process:
    """
    A started process.
    """

    name: str
    popen: "subprocess.Popen[bytes]"

    @property
    def alive(self) -> bool:
        """
        Whether it still runs.
        """
        return self.popen.poll() is None

    def stop(self, patience: float = 35.0) -> None:
        """
        Ask it to end, and end it when it does not within `patience` seconds.

        The API takes up to half a minute to answer what it has begun.
        """
        self.popen.terminate()
        try:
            self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


def start(
    name: str, command: Sequence[str], environ: Mapping[str, str], ready: Callable[[], bool]
) -> Process:
    """
    Start a server and return when it is ready.

    It gets a session of its own, so that Ctrl-C reaches us alone and we end things in order.

    Raises:
        StartError: It ended, or was not ready in time.
    """
    process = Process(
        name,
        subprocess.Popen(  # noqa: S603 - our own programs, with arguments that we made
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no thread runs yet
        ),
    )
    # Much more than it takes: on a busy machine an interpreter may need seconds to begin.
    deadline = time.monotonic() + 90
    while not ready():
        if not process.alive or time.monotonic() > deadline:
            process.stop()
            raise StartError(f"The {name} did not start; its messages are above")
        time.sleep(0.05)
    return process


def listens(port: int) -> bool:
    """
    Return whether something accepts connections on a port of this machine.
    """
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(port: int, path: str) -> bool:
    """
    Return whether a GET of that path is answered with 200.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def free_port(preferred: int) -> int:
    """
    Return that port if nobody has it, else any other.
    """
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StartError("This machine has no free port")


def _end_with_parent() -> None:
    """
    Let Linux end this process when its parent is gone, even if that was killed.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
