"""
A RabbitMQ of our own, to be killed.
"""

import os
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.servers import SERVERS
from scripts.servers.amqp import log_in
from scripts.servers.process import await_port, end, free_port, running
from scripts.servers.rabbitmq import RabbitMQ, epmd_program, own_environment
from scripts.servers.server import UnavailableError

ANSWER_WITHIN = 60.0  # seconds


class PrivateBroker:
    """
    A node with its own name, ports and files, which outlives being killed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._epmd = free_port(), free_port()
        self._environment = own_environment(folder, self._port, self._epmd)
        self._node: subprocess.Popen[bytes] | None = None
        server = SERVERS["rabbitmq"]
        assert isinstance(server, RabbitMQ)
        self._server = server
        self.url = server.standard(self._port)

    def open(self, stack: ExitStack) -> None:
        """
        Start it for as long as the stack is open.
        """
        names = self._folder / "epmd"
        names.mkdir()
        epmd = (epmd_program(), "-port", str(self._epmd))
        process = stack.enter_context(running(epmd, names, environment=self._environment))
        await_port(self._epmd, process, names)
        stack.callback(self.kill)
        self.start()

    def start(self) -> None:
        """
        Start the node, and return when it lets us in.
        """
        programs = self._server.programs()
        if programs is None:
            pytest.fail("There is no rabbitmq-server to start a private one of; install it")
        with (self._folder / "log").open("ab") as log:
            self._node = subprocess.Popen(
                (programs / "rabbitmq-server",),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )
        await_port(self._port, self._node, self._folder)
        self._await_login()

    @property
    def pid(self) -> int:
        """
        Its process.
        """
        assert self._node
        return self._node.pid

    def kill(self) -> None:
        """
        Kill the node and what it started, as a loss of power would.
        """
        if self._node:
            end(self._node, signal.SIGKILL)
            self._node = None

    def _await_login(self) -> None:
        deadline = time.monotonic() + ANSWER_WITHIN
        while True:
            try:
                log_in(self.url)
            except UnavailableError:
                assert time.monotonic() < deadline, "The private RabbitMQ does not let us in"
                time.sleep(0.1)
            else:
                return
