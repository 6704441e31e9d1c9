"""
A server that hears and does not answer: how long it is waited for, and by how many at once.

A frozen server keeps none of its own limits, and as long as its system takes what is sent, neither
do keepalives end. Whoever waits holds a thread, so when it was silent once, only one of a process
waits for it at a time: the others have things to do that need no database.
"""

import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any

import psycopg
from psycopg.errors import ConnectionTimeout
from typing_extensions import override


class Silence:
    """
    Whether the server was silent when it was asked last.
    """

    def __init__(self) -> None:
        self._silent = False
        self._turn = threading.Lock()

    def begin(self) -> None:
        """
        Note that an answer was waited for in vain.
        """
        self._silent = True

    def connect(self, connect: Callable[[], "PatientConnection"]) -> "PatientConnection":
        """
        Return a new connection.

        Raises:
            psycopg.Error: There is none, or somebody else is finding that out.
        """
        if not self._silent:
            return self._listen(connect)
        if not self._turn.acquire(blocking=False):
            raise ConnectionTimeout("timeout: another waits for it just now")
        try:
            return self._listen(connect)
        finally:
            self._turn.release()

    def _listen(self, connect: Callable[[], "PatientConnection"]) -> "PatientConnection":
        silent = False
        try:
            connection = connect()
        except ConnectionTimeout:
            silent = True
            raise
        finally:
            self._silent = silent
        connection.silence = self
        return connection


class PatientConnection(psycopg.Connection[Any]):
    """
    A connection that is given up when an answer does not come.

    Attributes:
        patience: For how many seconds each answer is waited for; None for ever.
    """

    silence: Silence
    patience: float | None = None

    @cached_property
    def statements(self) -> psycopg.Cursor[Any]:
        """
        The cursor of fixed statements: a connection is in one transaction at a time.
        """
        return psycopg.Cursor(self)

    @override
    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, timeout or self.patience)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - nothing public tells it from the server's words
            self.silence.begin()
            self.close()
            raise
