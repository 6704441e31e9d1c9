"""
The API when it is told to stop, over real sockets.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from payments_http.leaving import LAST_CALL
from payments_http.worker import PATIENCE
from scripts.servers.process import free_port
from tests.http.test_serving import COMMAND

pytestmark = pytest.mark.skipif(
    not Path("/proc/self").is_dir(), reason="the processes are found in Linux's /proc"
)

WITHIN = 120.0  # seconds for what should take a moment
GRACE = 30  # seconds that gunicorn waits for what is under way
WEBHOOK = b"POST /api/payments/webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
BORN_STANDING_STILL = """
import os, signal
from payments_http.serving import *

def post_fork(server, worker):
    os.kill(os.getpid(), signal.SIGSTOP)
"""
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


class Api:
    """
    A running gunicorn with two processes.
    """

    def __init__(self, folder: Path, command: Sequence[str] = COMMAND) -> None:
        self.port = free_port()
        environ = os.environ | {
            "DATABASE__URL": f"sqlite:///{folder}/payments.db",
            "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",  # pragma: allowlist secret
            "PAYMENT_PROVIDERS__STRIPE__API_BASE": "http://127.0.0.1:9",
            "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one",
            "KEYCLOAK__ISSUER": "http://127.0.0.1:9",
            "HTTP__PORT": str(self.port),
            "HTTP__METRICS_PORT": "0",
            # One of the two may get most of what an address sends.
            "LIMITS__ENABLED": "false",
            "LOG__LEVEL": "ERROR",
        }
        self.process = subprocess.Popen(command, env=environ)

    def connect(self) -> socket.socket:
        """
        Return a new connection.
        """
        return socket.create_connection(("127.0.0.1", self.port), WITHIN)

    def listens(self) -> bool:
        """
        Return whether anybody is let in.
        """
        try:
            self.connect().close()
        except ConnectionRefusedError:
            return False
        return True

    def answers(self) -> bool:
        """
        Return whether requests are answered.
        """
        try:
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=WITHIN)) as connection:
                connection.request("GET", "/health/live")
                return connection.getresponse().status == 200
        except OSError:
            return False

    def until(self, *, listens: bool) -> None:
        """
        Return when it answers, or when nobody is let in any more.
        """
        deadline = time.monotonic() + WITHIN
        while (self.answers() if listens else self.listens()) is not listens:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def signal(self, number: int) -> None:
        """
        Give the processes that serve a signal.
        """
        for child in self._children():
            os.kill(child, number)

    def freeze(self) -> None:
        """
        Return when each of them stands still.

        One that has not yet been scheduled would hear what comes after the SIGSTOP before it.
        """
        self.signal(signal.SIGSTOP)
        _until(lambda: self.states() == {"T"})

    def states(self) -> set[str]:
        """
        Return in which states its processes are.
        """
        return {_state(child, "State:") for child in self._children()}

    def until_told(self, number: int) -> None:
        """
        Return when each of them has been told to end, and has not heard it yet.
        """
        _until(lambda: all(_is_pending(child, number) for child in self._children()))

    def _children(self) -> list[int]:
        pid = self.process.pid
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """
    An API that a test stops.
    """
    api = Api(tmp_path)
    try:
        api.until(listens=True)
        yield api
    finally:
        api.process.kill()
        api.process.wait()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _state(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith(name)).split()[1]


def _is_pending(pid: int, number: int) -> bool:
    return bool(int(_state(pid, "ShdPnd:"), 16) >> (number - 1) & 1)


def _answer(connection: socket.socket) -> tuple[int, str | None]:
    with closing(HTTPResponse(connection)) as response:
        response.begin()
        response.read()
        return response.status, response.headers["Connection"]


def test_stop(api: Api) -> None:
    """
    Whoever was let in is answered, whoever comes later is refused, and the end is a good one.

    Another SIGTERM changes nothing of it.
    """
    with ExitStack() as opened:
        begun, kept, *waiting = (opened.enter_context(api.connect()) for _ in range(10))
        begun.sendall(WEBHOOK + b"{")
        kept.sendall(LIVE)
        before = _answer(kept)
        # What comes now stands in queues, and nobody has seen it when the end is asked for.
        api.freeze()
        queue = [opened.enter_context(api.connect()) for _ in range(8)]
        for connection in (*waiting, kept, *queue):
            connection.sendall(LIVE)
        api.process.terminate()
        api.until_told(signal.SIGTERM)
        api.signal(signal.SIGCONT)
        answers = [_answer(connection) for connection in (*waiting, kept, *queue)]
        api.until(listens=False)
        api.process.terminate()
        begun.sendall(b"}")
        last = _answer(begun)

    assert before == (200, "keep-alive")
    assert [status for status, _ in answers] == [200] * 17
    # Who was in a thread already may have had its answer before the thread heard of the end.
    assert [connection for _, connection in answers[8:]] == ["close"] * 9
    assert last[0] == 400
    assert api.process.wait(WITHIN) == 0


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGQUIT])
def test_told_before_it_could_hear(tmp_path: Path, stop: signal.Signals) -> None:
    """
    A process that is told to end in its first moment ends, and is not killed half a minute later.
    """
    configuration = tmp_path / "configuration.py"
    configuration.write_text(BORN_STANDING_STILL)
    api = Api(tmp_path, [*COMMAND, f"--config={configuration}"])
    try:
        _until(lambda: api.states() == {"T"})
        api.process.send_signal(stop)
        api.until_told(stop)
        api.signal(signal.SIGCONT)

        assert api.process.wait(GRACE / 2) == 0
    finally:
        api.process.kill()
        api.process.wait()


@pytest.mark.slow
def test_paused_while_it_stops(api: Api) -> None:
    """
    What came while a stopping process was paused is answered, although its time is over.
    """
    with ExitStack() as opened:
        begun, kept = (opened.enter_context(api.connect()) for _ in range(2))
        begun.sendall(WEBHOOK + b"{")
        kept.sendall(LIVE)
        before = _answer(kept)
        silent = opened.enter_context(api.connect())
        api.process.terminate()
        time.sleep(LAST_CALL + 0.5)
        api.freeze()
        for connection in (kept, silent):
            connection.sendall(LIVE)
        time.sleep(PATIENCE)
        api.signal(signal.SIGCONT)
        answers = [_answer(connection) for connection in (kept, silent)]

    assert before == (200, "keep-alive")
    assert answers == [(200, "close")] * 2
