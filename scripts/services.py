"""
Make the servers of the tests available, and run a command with their addresses.

    services.py show [--all]
    services.py run [--all] -- COMMAND ...

What was started or created for it is gone when the command has ended. The
servers that somebody else runs are left as they were found.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

# The modules beside this script are imported by their full name, also when it is run by its path.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.servers import REQUIRED, SERVERS
from scripts.servers.ladder import obtain
from scripts.servers.process import STOPS, held_signals
from scripts.servers.server import UnavailableError

OBEY_WITHIN = 30.0  # seconds that a stopped command may take for its own clean-up


def stop(number: int, _frame: FrameType | None) -> NoReturn:
    """
    Turn a signal into an orderly end, which a second signal does not interrupt.
    """
    for ignored in STOPS:
        signal.signal(ignored, signal.SIG_IGN)
    raise SystemExit(128 + number)


def provide(names: Iterable[str], stack: ExitStack) -> dict[str, str]:
    """
    Obtain each server, say how, and return the variables that lead to them.

    Raises:
        SystemExit: One cannot be had; all that are missing are named.
    """
    variables: dict[str, str] = {}
    missing: list[str] = []
    for name in names:
        try:
            obtained = obtain(SERVERS[name], stack)
        except UnavailableError as reason:
            missing.append(str(reason))
        else:
            print(obtained, file=sys.stderr, flush=True)
            variables |= obtained.variables
    if missing:
        raise SystemExit("\n".join(missing))
    return variables


def run(command: Sequence[str], variables: dict[str, str]) -> int:
    """
    Run a command to its end and return its exit code; when we are stopped, it is stopped first.
    """
    with (
        held_signals() as release,
        subprocess.Popen(command, env={**os.environ, **variables}) as child,
    ):
        try:
            release()
            code = child.wait()
        except SystemExit as stopped:
            # A terminal has given its Ctrl-C to the command too; any other signal was ours alone.
            if stopped.code != 128 + signal.SIGINT:
                child.terminate()
            try:
                child.wait(OBEY_WITHIN)
            except subprocess.TimeoutExpired:
                child.kill()
            raise
    return code if code >= 0 else 128 - code


def show(variables: dict[str, str]) -> int:
    """
    Print the addresses for a shell, and keep the servers until Ctrl-C if a person sits there.
    """
    for name, value in variables.items():
        print(f"export {name}='{value}'", flush=True)
    if sys.stdin.isatty():
        print("They stand until Ctrl-C; use another terminal.", file=sys.stderr, flush=True)
        signal.pause()
    print("No terminal to wait at: what was made for them is removed again.", file=sys.stderr)
    return 0


def parse(words: list[str]) -> tuple[list[str], list[str]]:
    """
    Return the servers that the command line asks for, and the command after its `--`.
    """
    at = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(
        usage="services.py show [--all] | run [--all] -- COMMAND ...",
        description=(__doc__ or "").strip().splitlines()[0],
    )
    parser.add_argument("action", choices=("show", "run"))
    parser.add_argument("--all", action="store_true", help="also servers that no test uses yet")
    given, command = parser.parse_args(words[:at]), words[at + 1 :]
    if (given.action == "run") != bool(command):
        parser.error("run needs a command after --, show takes none")
    return list(SERVERS if given.all else REQUIRED), command


def main() -> int:
    """
    Provide the servers, do what the command line asks, and give all of it back.
    """
    names, command = parse(sys.argv[1:])
    for number in STOPS:
        signal.signal(number, stop)
    with ExitStack() as stack:
        variables = provide(names, stack)
        return run(command, variables) if command else show(variables)


if __name__ == "__main__":
    sys.exit(main())
