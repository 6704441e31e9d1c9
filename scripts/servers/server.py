"""
What the ladder must know of a server technology.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar


class UnavailableError(Exception):
    """
    A way to get a server that is not open on this machine; the text says why.
    """


class Server(ABC):
    """
    One technology: how to find it, ask its version, get a room of our own in it, or start it.
    """

    name: ClassVar[str]
    port: ClassVar[int]
    variable: ClassVar[str]
    image: ClassVar[str]
    image_environment: ClassVar[tuple[str, ...]] = ()
    packages: ClassVar[tuple[str, ...]]

    @abstractmethod
    def standard(self, port: int) -> str:
        """
        Return the address of a fresh server that listens on this port of the loopback.
        """

    def local(self) -> Iterable[str]:
        """
        Return the addresses at which a server of this machine usually answers, best first.
        """
        return (self.standard(self.port),)

    @abstractmethod
    def version(self, url: str) -> str:
        """
        Return the version that the server itself tells after letting us in.

        Raises:
            UnavailableError: Nobody answers, or not to us.
        """

    @abstractmethod
    def room(self, url: str) -> AbstractContextManager[dict[str, str]]:
        """
        Make a room of our own inside a server and drop it at the end.

        Returns:
            The environment variables that lead the tests into the room.

        Raises:
            UnavailableError: The server does not let us create one.
        """

    @abstractmethod
    def as_given(self, url: str) -> dict[str, str]:
        """
        Return the variables for an address that somebody gave us without the right to a room.
        """

    @abstractmethod
    def programs(self) -> Path | None:
        """
        Return the folder that holds this server's programs on the machine, if there is one.
        """

    def wheel(self) -> Path | None:
        """
        Return the folder of the programs that a locked wheel carries, if there is one.
        """
        return None

    @abstractmethod
    def private(self, programs: Path, folder: Path) -> AbstractContextManager[str]:
        """
        Start a server of our own that keeps all its files in a folder, and stop it at the end.

        Returns:
            Its address; it may still need a moment until it answers.

        Raises:
            UnavailableError: It did not come up; the text has the end of its log.
        """
