"""
A reader's terminals: blocks of a page, run in a shell in their order.
"""

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

BLOCK = re.compile(
    r"(?:^Terminal (?P<terminal>\d):\n+)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
ENDED = re.compile(r"block (\d+) has ended with (\d+)\n")
PATIENCE = 300.0  # seconds for one block, on a machine that has much else to do


@attrs.frozen
class Step:
    """
    What a reader types, in which terminal, and what they are told to see.
    """

    terminal: int
    typed: str
    shown: str | None


def steps(page: str) -> Iterator[Step]:
    """
    Yield the blocks of `sh` of a page, each with the block of `text` that follows it, if one does.
    """
    terminal = 0
    blocks = list(BLOCK.finditer(page))
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        terminal = int(block["terminal"] or terminal)
        if block["kind"] == "sh":
            seen = following is not None and following["kind"] == "text"
            yield Step(terminal, block["text"], following["text"] if following and seen else None)


def pattern(shown: str) -> re.Pattern[str]:
    """
    Return what output must be to be what a page shows.

    "…" stands for anything within its line, and on a line of its own for any lines.
    """
    lines = shown.strip().split("\n")
    parts = (
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + "\n"
        for line in lines
    )
    return re.compile(f"(?:{''.join(parts)})\\s*")


@attrs.define
class Terminal:
    """
    A shell that a reader has open; it reads from a terminal, as a person's does.
    """

    process: "subprocess.Popen[bytes]"
    keyboard: int
    typed: int = 0
    output: str = ""

    @classmethod
    def open(cls, folder: Path, environ: Mapping[str, str]) -> "Terminal":
        """
        Open one in a folder.
        """
        ours, theirs = pty.openpty()
        modes = termios.tcgetattr(theirs)
        modes[3] &= ~termios.ECHO  # nobody looks at what was typed
        termios.tcsetattr(theirs, termios.TCSANOW, modes)
        process = subprocess.Popen(
            ("bash", "--norc", "--noprofile"),
            cwd=folder,
            env=dict(environ),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        os.close(theirs)
        return cls(process, ours)

    def run(self, step: Step) -> None:
        """
        Type a block, and return when what the page shows has come, or else when the block has ended.

        Raises:
            AssertionError: Something else came, or it failed.
        """
        self.output = ""
        self.typed += 1
        script = f"{step.typed.rstrip()}\necho block {self.typed} has ended with $?\n"
        os.write(self.keyboard, script.encode())
        deadline = time.monotonic() + PATIENCE
        while not self._done(step):
            assert time.monotonic() < deadline, f"{step.typed}\nhas shown only\n{self.output}"
            self._read()

    def _done(self, step: Step) -> bool:
        output = re.sub(r"[ \r]+\n", "\n", self.output)  # tables are filled up with blanks
        # The end of a block whose output came before its end is heard of during the next one.
        ended = dict(ENDED.findall(output))
        said = ENDED.sub("", output)
        assert set(ended.values()) <= {"0"}, f"{step.typed}\nor what came before it failed:\n{said}"
        if step.shown and pattern(step.shown).fullmatch(said):
            return True
        if str(self.typed) not in ended:
            return False
        assert step.shown is None, f"{step.typed}\nhas shown\n{said}\nand not\n{step.shown}"
        return True

    def _read(self) -> None:
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], 0.2)
        if ready:
            data = os.read(self.process.stdout.fileno(), 65_536)
            assert data, f"The terminal was closed: {self.output}"
            self.output += data.decode()

    def close(self) -> None:
        """
        Press Ctrl-C, and close the terminal when all in it has ended.
        """
        os.killpg(self.process.pid, signal.SIGINT)
        os.close(self.keyboard)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()
