"""
Gunicorn's threaded worker, with this service's manners on the connection itself.
"""

import json
import signal
import socket
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from gunicorn.http import errors  # type: ignore[import-untyped]  # gunicorn ships no types
from gunicorn.http.body import Body, ChunkedReader  # type: ignore[import-untyped]  # as above
from gunicorn.util import close_graceful, write_nonblock  # type: ignore[import-untyped]  # as above
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # as above
from typing_extensions import override

from payments_core.ports.correlation import Correlation, correlated, new_id
from payments_http.exchange import HEADERS
from payments_http.leaving import LAST_CALL, STOPS
from payments_http.problems import CONTENT_TYPE, Problem

_STATUS: Final = {
    errors.InvalidResponseHeader: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResponseHeaderName: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ConfigurationProblem: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
    errors.ParseException: HTTPStatus.BAD_REQUEST,
    Exception: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""
The status of each error that never reaches the app; the nearest ancestor in the table counts.
"""

_CODES: Final = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "uri_too_long",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "headers_too_large",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
}


PATIENCE: Final = 5.0
"""
Seconds in which a request must have arrived that has begun: so long it holds a thread.
"""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """
    Says when it hangs up, waits for no slow sender, and repeats nothing it could not read.
    """

    @override
    def init_process(self) -> None:
        self._arriving: dict[Any, float] = {}
        self._bodies: dict[Any, Body] = {}
        super().init_process()

    @override
    def init_signals(self) -> None:
        """
        Hear what was said since the fork.
        """
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    @override
    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """
        Look once more when the time is over, before anybody is hung up on for silence.

        A process that was stopped meanwhile (a paused container or machine) hears that the time
        is over, and not what came in it.
        """
        super().wait_for_and_dispatch_events(timeout)
        super().wait_for_and_dispatch_events(0)

    @override
    def handle(self, conn: Any) -> Any:
        """
        Handle a request that arrives in time.
        """
        self._arriving[conn] = time.monotonic() + PATIENCE
        kept = False
        try:
            kept = super().handle(conn)
        finally:
            self._arriving.pop(conn, None)
            body = self._bodies.pop(conn, None)
            if not kept:
                _hang_up(conn.sock, body)
        return kept

    @override
    def finish_request(self, conn: Any, fs: Any) -> None:
        """
        Count a connection that is closed already, and wait for a first word no longer than for the rest.

        gunicorn would wait for the caller to hang up here, in the thread that lets all others in.
        """
        if fs.exception() is None and not fs.result():
            self.nr_conns -= 1
            return
        # Its time for a first word is over, but while we were paused it came (see above).
        if not conn.initialized and conn.wait_for_data(0):
            self.enqueue_req(conn)
            return
        super().finish_request(conn, fs)
        if self.pending_conns and self.pending_conns[-1] is conn:
            conn.timeout = time.monotonic() + PATIENCE

    @override
    def set_accept_enabled(self, enabled: bool) -> None:
        """
        When we are stopped, first take whoever is in the queue, and then refuse at once.

        gunicorn would hold the port until the last answer is given, and then hang up on all who
        were let into the queue meanwhile.
        """
        if not self.alive:
            super().set_accept_enabled(True)
            until = time.monotonic() + LAST_CALL
            while (left := until - time.monotonic()) > 0:
                self.wait_for_and_dispatch_events(left)
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                listener.close()

    @override
    def murder_pending(self) -> None:
        """
        Also end what does not arrive; the main thread comes here once a second.

        Whoever reads then finds the end, and the thread is free. What is answered already
        still gets its answer: only the way in is closed.
        """
        super().murder_pending()
        now = time.monotonic()
        for conn in [c for c, until in list(self._arriving.items()) if until < now]:
            self._arriving.pop(conn, None)
            body = self._bodies.get(conn)
            if body is None or not _was_read(body):
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)

    @override
    def handle_request(self, req: Any, conn: Any) -> Any:
        """
        Announce the end of a connection on which an unread body is left.

        An app cannot: the connection is the server's (PEP 3333), so gunicorn drops its header.
        """
        self._bodies[conn] = req.body
        asked = req.should_close
        req.should_close = lambda: asked() or not _was_read(req.body)
        return super().handle_request(req, conn)

    @override
    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """
        Answer with a problem; gunicorn's own page shows what was sent, even a token.
        """
        status = next(_STATUS[kind] for kind in type(exc).__mro__ if kind in _STATUS)
        request_id = new_id()
        fields = {"status": status.value, "request_id": request_id}
        bug = status == HTTPStatus.INTERNAL_SERVER_ERROR
        log = self.log.error if bug else self.log.warning
        with correlated(Correlation(request_id)):
            log("Refused: %s", type(exc).__name__, extra=fields, exc_info=exc if bug else None)
        try:
            write_nonblock(client, _answer(status, request_id))
        except OSError:
            self.log.debug("Nobody waited for the refusal.")


def _hang_up(sock: socket.socket, body: Body | None) -> None:
    """
    Close a connection such that the caller gets to read the answer.

    Unread bytes would let the system tear it down at once; they are read for a moment.
    """
    if body is not None and _was_read(body):
        sock.close()
    else:
        close_graceful(sock)


def _was_read(body: Body) -> bool:
    reader = body.reader
    return reader.parser is None if isinstance(reader, ChunkedReader) else not reader.length


def _answer(status: HTTPStatus, request_id: str) -> bytes:
    code = _CODES.get(status, "request_invalid")
    document = Problem(status, code, f"{status.phrase}.").document(request_id)
    body = json.dumps(document).encode()
    headers = {
        **HEADERS,
        "Server": "payments",
        "X-Request-Id": request_id,
        "X-Correlation-Id": request_id,
        "Content-Type": CONTENT_TYPE,
        "Content-Length": len(body),
        "Connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n".encode() + body
