"""
Everything that may happen to the Redis in front of the database.
"""

import signal
import subprocess
from abc import ABC, abstractmethod
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Final

from typing_extensions import override

from payments_redis import RedisResultCache, RedisSettings
from payments_redis.seal import Seal
from scripts.servers import SERVERS
from scripts.servers.process import await_port, end, free_port
from scripts.servers.redis import forget
from scripts.servers.server import UnavailableError

PATIENT: Final = timedelta(seconds=5)
"""
A busy machine may take longer than the setting's default for an answer.
"""
MOMENT: Final = timedelta(milliseconds=1)
SECRET: Final = b"of the installation"


class Condition(ABC):
    """
    A cache, and what happens to its Redis between two requests.
    """

    cache: RedisResultCache

    @abstractmethod
    def disturb(self) -> None:
        """
        Let it happen.
        """


class Alive(Condition):
    """
    Nothing happens.
    """

    def __init__(self, url: str, prefix: str, timeout: timedelta = PATIENT) -> None:
        self.url = url
        self.prefix = prefix
        settings = RedisSettings(url=url, key_prefix=prefix, timeout=timeout, pause=MOMENT)
        self.cache = RedisResultCache(settings, SECRET)
        self.seal = Seal(SECRET)

    def name(self, key: str) -> str:
        """
        Return what the key is called in Redis.
        """
        return f"{self.prefix}idempotency:{key}"

    @override
    def disturb(self) -> None:
        return


class Wiped(Alive):
    """
    All keys of ours are gone.
    """

    @override
    def disturb(self) -> None:
        forget(self.url, self.prefix)


class Absent(Alive):
    """
    Nothing listens where Redis should be.
    """

    def __init__(self) -> None:
        super().__init__(f"redis://127.0.0.1:{free_port()}/0", "absent:")


class PrivateRedis:
    """
    A Redis of our own, which outlives being killed.
    """

    def __init__(self, folder: Path) -> None:
        programs = SERVERS["redis"].programs()
        if programs is None:
            raise UnavailableError("There is no redis-server to start a private one of; install it")
        self._program = programs / "redis-server"
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """
        Start it, empty, and return when it answers.
        """
        options = {"port": str(self._port), "bind": "127.0.0.1", "save": ""}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                (self._program, *words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
        await_port(self._port, self._process, self._folder)

    @property
    def pid(self) -> int:
        """
        Its process.
        """
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        """
        Kill it, as a loss of power would.
        """
        if self._process:
            end(self._process, signal.SIGKILL)
            self._process = None


class Killed(Alive):
    """
    It is killed, and comes back empty every other time.
    """

    def __init__(self, server: PrivateRedis) -> None:
        super().__init__(server.url, f"{token_hex(4)}:")
        self._server = server
        self._up = True

    @override
    def disturb(self) -> None:
        if self._up:
            self._server.kill()
        else:
            self._server.start()
        self._up = not self._up

    def restore(self) -> None:
        """
        Leave it as the next test wants it.
        """
        if not self._up:
            self.disturb()
