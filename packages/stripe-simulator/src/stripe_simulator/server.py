"""
The HTTP server: a thread for each connection, kept alive, and able to hang up rudely.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flask import Flask
from typing_extensions import override
from werkzeug.test import EnvironBuilder, run_wsgi_app

log = logging.getLogger(__name__)

NO_LINGER = struct.pack("ii", 1, 0)


class HangUp(Exception):
    """
    The connection ends without an answer.

    Args:
        reset: With a TCP reset instead of an orderly end.
    """

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


class Handler(BaseHTTPRequestHandler):
    """
    Hands each request of a connection to the application.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # head and body leave in one segment
    server: Server

    def _handle(self) -> None:
        try:
            environ = self._environ()
        except ValueError:
            self.send_error(400, "The length of the body makes no sense")
            return
        try:
            chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        except HangUp as end:
            self._hang_up(reset=end.reset)
            return
        except Exception:  # a fault of the simulator itself; the client shall see it as one
            log.exception("stripe-simulator failed on %s %s", self.command, self.path)
            self.send_error(500, "stripe-simulator failed; see its log")
            return
        body = b"".join(chunks)
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = do_HEAD = do_OPTIONS = _handle  # noqa: N815

    def _environ(self) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        builder = EnvironBuilder(
            path=path,
            query_string=query,
            method=self.command,
            headers=list(self.headers.items()),
            data=self._body(),
            base_url=f"http://{self.headers.get('Host', 'localhost')}/",
        )
        environ = builder.get_environ()
        builder.close()
        return environ

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return self._chunks()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _hang_up(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            # Closing with nothing to linger for makes the kernel send RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            self.server.forget(self.connection)
            os.close(self.connection.detach())

    @override
    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError) as error:
            log.debug("connection ended: %s", error)

    @override
    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError) as error:
            log.debug("connection ended: %s", error)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class Server(ThreadingHTTPServer):
    """
    Serves one application and ends all its connections when it is stopped.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], app: Flask) -> None:
        self.app = app
        self._open: set[socket.socket] = set()
        self._lock = threading.Condition()
        super().__init__(address, Handler)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.01,), name="stripe-simulator-http", daemon=True
        )

    def start(self) -> None:
        """
        Serves in the background.
        """
        self._thread.start()

    def stop(self, before: Callable[[], None] = lambda: None) -> None:
        """
        Ends the connections and their threads.

        Args:
            before: What to do once no new connection is taken.
        """
        self.shutdown()
        self._thread.join()
        before()
        with self._lock:
            for connection in self._open:
                _shut(connection)
            self._lock.wait_for(lambda: not self._open, timeout=5)
        self.server_close()

    def forget(self, connection: socket.socket) -> None:
        """
        A connection is gone.
        """
        with self._lock:
            self._open.discard(connection)
            self._lock.notify_all()

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    @override
    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.forget(request)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("a connection was already closed")
