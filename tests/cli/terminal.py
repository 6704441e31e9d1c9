"""
A pseudo-terminal on which commands run, and what a person would see and type there.
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from tests.cli.conftest import clean_environ

CTRL_C: Final = b"\x03"
SETTLING: Final = frozenset({"COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR"})
"""
What would say otherwise than the terminal.
"""

STYLE: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PATIENCE: Final = 60.0


@attrs.frozen
class Screen:
    """
    What a command wrote on a terminal, and its exit code.
    """

    raw: str
    code: int

    @property
    def text(self) -> str:
        """
        Without colours, and lines as they end up.
        """
        plain = STYLE.sub("", self.raw).replace("\r\n", "\n")
        return "\n".join(line.rpartition("\r")[2] for line in plain.split("\n"))

    @property
    def lines(self) -> list[str]:
        """
        The lines that were left on the screen.
        """
        return self.text.splitlines()


@attrs.frozen
class Terminals:
    """
    Starts commands on terminals of any width.
    """

    process: "subprocess.Popen[str]"
    home: Path

    def run(
        self,
        *words: str,
        width: int = 80,
        keys: bytes = b"",
        when: str | Callable[[], bool] = "",
        environ: Mapping[str, str] | None = None,
    ) -> Screen:
        """
        Run a command, and return what it left on the screen.

        Args:
            keys: What is typed.

            when: Typed once this text is on the screen, or once this is true.
        """
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        self._ask(words, os.ttyname(theirs), environ or {})
        assert self.process.stdout
        try:
            raw = _read(ours, keys, when, theirs)
        finally:
            # Whoever still sits there is hung up on, as when a window is closed.
            os.close(ours)
            code = int(self.process.stdout.readline())
        return Screen(raw, code)

    def _ask(self, words: tuple[str, ...], terminal: str, environ: Mapping[str, str]) -> None:
        usual = {"TERM": "xterm-256color", **environ}
        request = {"terminal": terminal, "words": words, "environ": usual, "home": str(self.home)}
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()


def _read(ours: int, keys: bytes, when: str | Callable[[], bool], theirs: int) -> str:
    """
    Return all that is written, until nobody has the terminal open any more.
    """
    seen, deadline, held = b"", time.monotonic() + PATIENCE, True
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.02)[0]:
            try:
                seen += os.read(ours, 65_536)
            except OSError:
                # Linux says so when the last one has closed the other end.
                return seen.decode()
        if held and seen:
            # Ours held the other end open until the command had it.
            os.close(theirs)
            held = False
        if keys and (when() if callable(when) else when in seen.decode(errors="replace")):
            # A person takes a moment, in which what asks begins to listen.
            time.sleep(0.3)
            os.write(ours, keys)
            keys = b""
    raise AssertionError(f"The command did not end; it wrote: {seen.decode()}")


@contextmanager
def terminals(home: Path) -> Iterator[Terminals]:
    """
    Give what runs commands in a folder.
    """
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.cli.zygote"],
        cwd=Path(__file__).parents[2],
        env={k: v for k, v in clean_environ().items() if k not in SETTLING},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Terminals(process, home)
        finally:
            process.kill()
