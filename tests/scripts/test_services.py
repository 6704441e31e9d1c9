"""
The command that wraps the tests: its exit code, its addresses, and its end under signals.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from scripts.servers import REQUIRED, SERVERS
from scripts.servers.process import ROOT, held_signals
from scripts.services import parse

SERVICES = (sys.executable, ROOT / "scripts" / "services.py")
ALL_RUNGS = "environment,local,docker,binaries,wheel,apt"
PRIVATE = "environment,local,docker,apt"


def services(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """
    Run the command to its end.
    """
    return subprocess.run(
        (*SERVICES, *words),
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 5", 5), ("kill -9 $$", 137)])
def test_exit_code_is_the_command_s(script: str, code: int) -> None:
    """
    Whoever calls sees what became of the command, also when a signal killed it.
    """
    assert services("run", "--", "sh", "-c", script).returncode == code


def test_command_gets_the_address() -> None:
    """
    The command finds the database by its environment; one line tells what it is and how it was got.
    """
    done = services("run", "--", "sh", "-c", "echo $TEST_DATABASE_URL")

    assert done.stdout.startswith("postgresql://")
    assert done.stderr.startswith("PostgreSQL ")
    assert done.stdout.strip() in done.stderr


def test_show_prints_what_a_shell_can_read() -> None:
    """
    The addresses can be given to a shell; without a terminal nothing is kept.
    """
    done = services("show")

    assert done.returncode == 0
    assert done.stdout.startswith("export TEST_DATABASE_URL='postgresql://")


def test_missing_server_stops_everything() -> None:
    """
    Without its servers the command does not run, and the exit code says so.
    """
    done = services("run", "--", "echo", "ran", SERVICES_SKIP=ALL_RUNGS)

    assert done.returncode == 1
    assert "PostgreSQL is needed and could not be had." in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "words", [[], ["run"], ["run", "--"], ["show", "--", "x"], ["stop"], ["run", "x"]]
)
def test_unclear_order_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """
    A command line that is neither show nor run with a command is answered with the usage.
    """
    with pytest.raises(SystemExit) as raised:
        parse(words)

    assert raised.value.code == 2
    assert "services.py show [--all] | run [--all] -- COMMAND" in capsys.readouterr().err


def test_all_servers_can_be_asked_for() -> None:
    """
    By default the servers that the tests need are provided, with --all every one.
    """
    assert parse(["show"]) == (list(REQUIRED), [])
    assert parse(["run", "--all", "--", "a", "--", "b"]) == (list(SERVERS), ["a", "--", "b"])


@pytest.fixture
def stopped() -> Iterator[type[Exception]]:
    """
    What SIGTERM raises in this process, wherever it is.
    """

    class StoppedError(Exception):
        pass

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise StoppedError

    before = signal.signal(signal.SIGTERM, stop)
    yield StoppedError
    signal.signal(signal.SIGTERM, before)


def test_signal_waits_until_a_child_is_known(stopped: type[Exception]) -> None:
    """
    A signal that comes while a child is being started is obeyed when somebody can end the child.
    """
    with held_signals() as release:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(stopped):
            release()


def test_signal_is_not_lost_with_a_child_that_does_not_start(stopped: type[Exception]) -> None:
    """
    The end of the block releases it too, and the handlers are as they were.
    """
    with pytest.raises(stopped), held_signals():
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(stopped):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_command_and_its_server(number: signal.Signals) -> None:
    """
    A stopped run stops its command first, then the server that it started, and leaves no file.
    """
    child = "echo $TEST_DATABASE_URL; echo $$; exec sleep 60"
    with subprocess.Popen(
        (*SERVICES, "run", "--", "sh", "-c", child),
        env={**os.environ, "SERVICES_SKIP": PRIVATE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2].partition("/")[0])
        pid = int(process.stdout.readline())
        # A terminal gives Ctrl-C to the whole group; the other signals come to one process.
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        code = process.wait(60)

    assert code == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass
