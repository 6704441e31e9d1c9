"""
Servers of one proof's own, which are killed and come back.
"""

import os
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg

from scripts.servers.postgres import Postgres, copied
from scripts.servers.process import account, finish, free_port, own_folder, reachable

UP_WITHIN = 60.0  # seconds


class PrivatePostgres:
    """
    A PostgreSQL that dies as by a loss of power, and recovers from its log.
    """

    def __init__(self) -> None:
        self._server = Postgres()
        self._port = free_port()

    @property
    def url(self) -> str:
        """
        Its address.
        """
        return self._server.standard(self._port)

    @property
    def pid(self) -> int:
        """
        Its process, the parent of all others.
        """
        return self._process.pid

    def open(self, stack: ExitStack) -> None:
        """
        Start it, until the stack ends.
        """
        self._folder = stack.enter_context(own_folder("postgres"))
        found = self._server.programs() or self._server.wheel()
        assert found is not None, "no PostgreSQL is installed; `make install` brings one"
        self._owner = account("postgres", "pgserver")
        unreachable = self._owner and not reachable(found / "postgres")
        self._programs = copied(found, self._folder) if unreachable else found
        self._data = self._folder / "data"
        self._data.mkdir(mode=0o700)
        if self._owner:
            shutil.chown(self._data, self._owner.pw_uid, self._owner.pw_gid)
        arguments = ("--pgdata", self._data, "--username", "postgres", "--auth", "trust")
        finish(self._programs / "initdb", *arguments, "--encoding", "UTF8", owner=self._owner)
        self.start()
        stack.callback(self.kill)

    def start(self) -> None:
        """
        Start it, and return when it lets us in.
        """
        options = ("-h", "127.0.0.1", "-p", str(self._port), "-k", "")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self._data), *options],
                stdout=log,
                stderr=log,
                cwd="/",
                user=self._owner and self._owner.pw_uid,
                group=self._owner and self._owner.pw_gid,
                extra_groups=None if self._owner is None else [],
                start_new_session=True,
            )
        deadline = time.monotonic() + UP_WITHIN
        while not self._lets_in():
            assert time.monotonic() < deadline, _end_of(self._folder / "log")
            time.sleep(0.05)

    def kill(self) -> None:
        """
        Kill it and all of its processes.
        """
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _lets_in(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-500:]
