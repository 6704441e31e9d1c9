"""
Private servers: child processes with a folder and ports of their own, which end when we end.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from scripts.servers.server import UnavailableError

ROOT = Path(__file__).resolve().parents[2]
PORTS = range(10_000, 32_000)
RANDOM = random.SystemRandom()  # Not the one that tests seed: all of them would draw the same.
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_WITHIN = 20.0  # seconds until a private server that does not obey is killed
FINISH_WITHIN = 60.0  # seconds for a program that we wait for
OPEN_WITHIN = 60.0  # seconds; RabbitMQ needs about seven on an idle machine


def free_port() -> int:
    """
    Return a TCP port of the loopback that nobody listens on now.

    It is below those that systems give to clients. From among these any connection could take it
    before its server starts, or while its server is dead and about to come back; and whoever
    keeps on trying to reach a dead server there may at last be connected with itself.
    """
    for port in RANDOM.sample(PORTS, 100):
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise UnavailableError("this machine has no free port")


def account(*names: str) -> pwd.struct_passwd | None:
    """
    Return whom a server that refuses root runs as: nobody else unless we are root.
    """
    if os.geteuid() != 0:
        return None
    for name in (*names, "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise UnavailableError(f"it does not run as root, and there is no account {' or '.join(names)}")


def reachable(path: Path) -> bool:
    """
    Tell whether every account of the machine may walk to this path.
    """
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


@contextmanager
def own_folder(name: str) -> Iterator[Path]:
    """
    Make a folder below var/services and remove it at the end.

    It stands in the temporary directory where an unprivileged account could not reach it.
    """
    services = ROOT / "var" / "services"
    services.mkdir(parents=True, exist_ok=True)
    place = services if os.geteuid() != 0 or reachable(services) else None
    with tempfile.TemporaryDirectory(prefix=f"{name.lower()}-", dir=place) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def held_signals() -> Iterator[Callable[[], None]]:
    """
    Let signals wait until the returned function is called, or the block ends.

    What a handler raises inside Popen would lose the child that Popen has just started.
    """
    waiting: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    handlers = {n: h for n in STOPS if main and callable(h := signal.getsignal(n))}

    def release() -> None:
        while handlers:
            signal.signal(*handlers.popitem())
        while waiting:
            signal.raise_signal(waiting.pop(0))

    for number in handlers:
        signal.signal(number, lambda number, _frame: waiting.append(number))
    try:
        yield release
    finally:
        release()


def finish(
    *command: str | Path, owner: pwd.struct_passwd | None = None, within: float = FINISH_WITHIN
) -> str:
    """
    Run a program to its end, as another account when one is given, and return its last line.

    Raises:
        UnavailableError: It failed or took too long; the text is what it said last.
    """
    name = Path(command[0]).name
    with (
        held_signals() as release,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            user=owner and owner.pw_uid,
            group=owner and owner.pw_gid,
            extra_groups=None if owner is None else [],
            start_new_session=True,
        ) as program,
    ):
        try:
            release()
            output, errors = program.communicate(timeout=within)
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"{name} took over {within:g} seconds") from error
        finally:
            if program.returncode is None:
                end(program, signal.SIGTERM)
    said = (errors or output if program.returncode else output).strip().splitlines()
    if program.returncode:
        raise UnavailableError(f"{name}: {said[-1] if said else 'it failed silently'}")
    return said[-1] if said else ""


@contextmanager
def running(
    command: Sequence[str | Path],
    folder: Path,
    *,
    stop_with: signal.Signals = signal.SIGTERM,
    owner: pwd.struct_passwd | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """
    Run a program in the background until the block ends, its output in the folder's log.
    """
    with (
        (folder / "log").open("ab") as log,
        held_signals() as release,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            user=owner and owner.pw_uid,
            group=owner and owner.pw_gid,
            extra_groups=None if owner is None else [],
            # A Ctrl-C is for the tests; the server has to outlive their clean-up.
            start_new_session=True,
        ) as process,
    ):
        try:
            release()
            yield process
        finally:
            end(process, stop_with)


def end(
    process: subprocess.Popen[bytes] | subprocess.Popen[str], stop_with: signal.Signals
) -> None:
    """
    Ask a program and what it started to stop, and kill what does not.
    """
    with suppress(ProcessLookupError):
        os.killpg(process.pid, stop_with)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_WITHIN)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def await_port(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    """
    Return when a program that we started accepts connections.

    Raises:
        UnavailableError: It ended, or a minute passed; the text has the end of its log.
    """
    deadline = time.monotonic() + OPEN_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    lines = (folder / "log").read_text(errors="replace").strip().splitlines()
    raise UnavailableError("it did not start: " + " / ".join(lines[-3:] or ["its log is empty"]))


def folder_of(program: str, *patterns: str) -> Path | None:
    """
    Return the folder of a program: out of PATH, else the last match of the glob patterns.
    """
    if found := shutil.which(program):
        return Path(found).resolve().parent
    places = (place for pattern in patterns for place in sorted(Path("/").glob(pattern)))
    return next((place for place in reversed(list(places)) if (place / program).exists()), None)
