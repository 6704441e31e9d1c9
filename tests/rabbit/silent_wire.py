"""
A way to the broker on which it can freeze: still connected, it tells and reads nothing more.
"""

import socket
import threading
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

FRAME_HEAD = 7  # bytes: type, channel and size; one byte more ends a frame


class SilentWire:
    """
    Carries connections to a broker, each until its client was told so many frames.

    Attributes:
        url: Where clients connect.

        frames: That each connection is told; None for all, 0 for none from now on.

        told: How many frames each connection was told.
    """

    def __init__(self, url: str, frames: int | None = None) -> None:
        parts = urlsplit(url)
        self._broker = (parts.hostname or "127.0.0.1", parts.port or 5672)
        self._stack = ExitStack()
        self._door = self._kept(socket.create_server(("127.0.0.1", 0)))
        port = self._door.getsockname()[1]
        login = f"{parts.username}:{parts.password}"
        self.url = parts._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()
        self.frames = frames
        self.told: list[int] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """
        End every connection.
        """
        self._stack.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._kept(self._door.accept()[0])
                broker = self._kept(socket.create_connection(self._broker))
                self.told.append(0)
                for pump in (self._to_broker, self._to_client):
                    arguments = (client, broker, len(self.told) - 1)
                    threading.Thread(target=pump, args=arguments, daemon=True).start()

    def _kept(self, end: socket.socket) -> socket.socket:
        self._stack.callback(_hang_up, end)
        return end

    def _frozen(self, number: int) -> bool:
        return self.frames is not None and self.told[number] >= self.frames

    def _to_broker(self, client: socket.socket, broker: socket.socket, number: int) -> None:
        with suppress(OSError):
            while some := client.recv(65_536):
                broker.sendall(some)
                if self._frozen(number):
                    return
            broker.shutdown(socket.SHUT_WR)

    def _to_client(self, client: socket.socket, broker: socket.socket, number: int) -> None:
        with suppress(OSError), broker.makefile("rb") as told:
            while head := told.read(FRAME_HEAD):
                rest = told.read(int.from_bytes(head[3:]) + 1)
                if self._frozen(number):
                    return
                client.sendall(head + rest)
                self.told[number] += 1


def _hang_up(end: socket.socket) -> None:
    # A thread that reads from a socket that is closed only would read for ever.
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
