"""
The app under gunicorn, over a real socket.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from email.message import Message
from http.client import HTTPConnection, parse_headers
from io import BytesIO
from pathlib import Path

import pytest

from scripts.servers.process import free_port

COMMAND = [
    sys.executable,
    "-m",
    "gunicorn",
    "--config=python:payments_http.serving",
    "payments_http.wsgi:app",
]


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    """
    Where the API and its figures are.
    """
    return free_port(), free_port()


@pytest.fixture(scope="module")
def environ(ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """
    The settings of the server.
    """
    database = tmp_path_factory.mktemp("serving") / "payments.db"
    return os.environ | {
        "DATABASE__URL": f"sqlite:///{database}",
        "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",
        "PAYMENT_PROVIDERS__STRIPE__API_BASE": "http://127.0.0.1:9",
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one",
        "KEYCLOAK__ISSUER": "http://127.0.0.1:9",
        "HTTP__PORT": str(ports[0]),
        "HTTP__METRICS_PORT": str(ports[1]),
        "LOG__LEVEL": "ERROR",
    }


@pytest.fixture(scope="module")
def server(ports: tuple[int, int], environ: dict[str, str]) -> Iterator[int]:
    """
    A running gunicorn with two processes.
    """
    with subprocess.Popen(COMMAND, env=environ) as process:
        deadline = time.monotonic() + 90
        while not _answers(ports[0]) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield ports[0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def _answers(port: int) -> bool:
    try:
        return _get(port, "/health/live")[0] == 200
    except OSError:
        return False


def _get(port: int, path: str) -> tuple[int, str]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        with connection.getresponse() as answer:
            return answer.status, answer.read().decode()


def _raw(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        return connection.recv(65_536)


def _conversation(port: int, requests: bytes) -> Iterator[tuple[int, Message, bytes]]:
    """
    Send it all, and give the status, headers and body of each answer until the server hangs up.
    """
    stream = BytesIO(_everything(port, requests))
    while line := stream.readline():
        headers = parse_headers(stream)
        yield int(line.split()[1]), headers, stream.read(int(headers["Content-Length"]))


def _everything(port: int, requests: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        sender = threading.Thread(target=_send, args=(connection, requests))
        sender.start()
        found = bytearray()
        with suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                found += part
        sender.join()
        return bytes(found)


def _send(connection: socket.socket, requests: bytes) -> None:
    with suppress(OSError):
        connection.sendall(requests)


def test_what_a_start_tells(environ: dict[str, str], tmp_path: Path) -> None:
    """
    `payments serve` tells once where it listens, and once of a name that is no setting.
    """
    port = free_port()
    settings = {"HTTP__PORT": str(port), "HTTP__METRICS_PORT": "0", "LOG__LEVEL": "INFO"}
    misspelt = {"HTTP__PROT": "81"}
    told = _told_until_it_answers(port, environ | settings | misspelt, tmp_path / "api.log")

    assert sum(f"http://127.0.0.1:{port}" in line for line in told) == 1, told
    assert sum("HTTP__PROT is no setting here" in line for line in told) == 1, told


def _told_until_it_answers(port: int, environ: dict[str, str], log: Path) -> list[str]:
    serve = [str(Path(sys.executable).with_name("payments")), "serve"]
    with log.open("wb") as told, subprocess.Popen(serve, env=environ, stderr=told) as process:
        deadline = time.monotonic() + 90
        while not _answers(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    return log.read_text().splitlines()


@pytest.mark.parametrize(
    "header", ["SCRIPT_NAME: /public", "Script_Name: /public", "PATH_INFO: /health/live"]
)
def test_no_header_moves_the_path(server: int, header: str) -> None:
    """
    The path is what the gateway has seen and let through, whoever calls, also from this machine.
    """
    request = f"GET /public/health/live HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n"

    assert _raw(server, request.encode()).split()[1] == b"404"


@pytest.mark.parametrize(("length", "status"), [(262_145, 413), (262_144, 400)])
def test_chunked(server: int, length: int, status: int) -> None:
    """
    A chunked body is measured too, and never cut short.
    """
    body = (b" " * size for size in (length // 2, length - length // 2))
    with closing(HTTPConnection("127.0.0.1", server, timeout=60)) as connection:
        connection.request("POST", "/api/payments/webhooks/stripe", body=body, encode_chunked=True)
        with connection.getresponse() as answer:
            found = answer.status

    assert found == status


@pytest.mark.slow
@pytest.mark.parametrize(
    "begun",
    [
        b"GET /health/live HTTP/1.1\r\nHost: x\r\n",
        b"POST /api/payments/webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
    ],
)
def test_slow_senders_hold_no_thread(server: int, begun: bytes) -> None:
    """
    More requests that begin and never end than there are threads: others are answered soon.
    """
    with ExitStack() as opened:
        for _ in range(24):
            slow = opened.enter_context(socket.create_connection(("127.0.0.1", server), 60))
            slow.sendall(begun)
        answers = [_get(server, "/health/live")[0] for _ in range(4)]

    assert answers == [200] * 4


def test_slow_to_hang_up(server: int) -> None:
    """
    Callers who do not hang up after their last answer keep nobody else from being let in.
    """
    asked = LIVE + b"Connection: close\r\n\r\n"
    with ExitStack() as opened:
        for _ in range(60):
            caller = opened.enter_context(socket.create_connection(("127.0.0.1", server), 60))
            caller.sendall(asked)
        status, _ = _get(server, "/health/live")

    assert status == 200


def test_endless_body(server: int) -> None:
    """
    Whoever goes on sending after the refusal is hung up on.
    """
    head = (
        b"POST /api/payments/webhooks/stripe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    )
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    with socket.create_connection(("127.0.0.1", server), timeout=60) as connection:
        connection.sendall(head + b"\r\n")

        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            connection.sendall(chunk * 1000)


def test_server_header(server: int) -> None:
    """
    Nobody is told which server this is.
    """
    answer = _raw(server, b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert b"\r\nServer: payments\r\n" in answer
    assert answer.lower().count(b"\r\nserver:") == 1
    assert b"gunicorn" not in answer.lower()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (
            (
                b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            400,
        ),
        (b"GET /x HTTP/1.1\r\nHost: x\r\nA: geheim" + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET /geheim" + b"a" * 8192 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /geheim HTTP/geheim\r\n\r\n", 400),
        (b"geheim /x HTTP/1.1\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer geheim\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer\x00geheim\r\n\r\n", 400),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: geheim\r\n\r\n", 501),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nExpect: geheim\r\n\r\n", 417),
    ],
)
def test_malformed(server: int, request_bytes: bytes, status: int) -> None:
    """
    What could be read in two ways, or is too long, is refused with a problem that repeats nothing.
    """
    ((found, headers, body),) = _conversation(server, request_bytes)
    problem = json.loads(body)

    assert (found, problem["status"]) == (status, status)
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Connection"] == "close"
    assert headers["X-Request-Id"] == problem["requestId"]
    assert problem["code"]
    assert b"geheim" not in body.lower()


WEBHOOK = b"POST /api/payments/webhooks/stripe HTTP/1.1\r\nHost: x\r\n"
PAYMENT = b"POST /api/payments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
NOTHING = b"POST /nothing HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
NEXT = LIVE + b"Connection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (WEBHOOK + b"Content-Length: 262145\r\n\r\n" + b" " * 262_145, 413),
        (WEBHOOK + CHUNKED + b"50000\r\n" + b" " * 0x50000 + b"\r\n0\r\n\r\n", 413),
        (WEBHOOK + CHUNKED + b"2\r\n{}\r\nZZ\r\n", 400),
        (WEBHOOK + CHUNKED + b"ZZ\r\n", 400),
        (WEBHOOK + CHUNKED + b"2\r\n{}xx", 400),
        (PAYMENT + b"Content-Length: 70000\r\n\r\n" + b" " * 70_000, 401),
        (PAYMENT + b"Content-Length: 2\r\n\r\n{}", 401),
        (PAYMENT + CHUNKED + b"ZZ\r\n", 401),
        (NOTHING + b"Content-Length: 70000\r\n\r\n" + b" " * 70_000, 404),
        (NOTHING + CHUNKED + b"11170\r\n" + b" " * 70_000 + b"\r\n0\r\n\r\n", 404),
    ],
)
def test_unread_body(server: int, request_bytes: bytes, status: int) -> None:
    """
    When a body is not read to its end, the one answer says that the connection ends with it.
    """
    ((found, headers, body),) = _conversation(server, request_bytes + NEXT)

    assert (found, json.loads(body)["status"]) == (status, status)
    assert headers["Connection"] == "close"


@pytest.mark.parametrize(
    "request_bytes",
    [
        WEBHOOK + b"Content-Length: 2\r\n\r\n{}",
        WEBHOOK + b"Content-Length: 0\r\n\r\n",
        WEBHOOK + CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
        NOTHING + b"\r\n",
        LIVE + b"\r\n",
    ],
)
def test_kept_alive(server: int, request_bytes: bytes) -> None:
    """
    When the body was read, the connection stays and the next request is answered.
    """
    (_, headers, _), (following, last, _) = _conversation(server, request_bytes + NEXT)

    assert headers["Connection"] == "keep-alive"
    assert (following, last["Connection"]) == (200, "close")


def test_figures(server: int, ports: tuple[int, int]) -> None:
    """
    The figures of all processes are on a port of their own, and nowhere else.
    """
    _get(server, "/api/payments")
    _, figures = _get(ports[1], "/metrics")
    status, _ = _get(server, "/metrics")

    assert 'http_requests_total{method="GET",route="/api/payments",status="401"}' in figures
    assert status == 404


def test_configuration_error() -> None:
    """
    With wrong settings it does not start, says why, and ends with 78.
    """
    environ = {k: v for k, v in os.environ.items() if "__" not in k}
    ended = subprocess.run(COMMAND, env=environ, capture_output=True, timeout=120, check=False)

    assert ended.returncode == 78
    assert b"DATABASE__URL: it is required" in ended.stderr
    assert b"Traceback" not in ended.stderr


EXITS = """
from types import SimpleNamespace
from payments_http import serving, wsgi

container = wsgi.app.extensions["payments"].container
container.closing().callback(print, "closed")
serving.worker_exit(None, SimpleNamespace())
print("no app")
serving.worker_exit(None, SimpleNamespace(wsgi=wsgi.app))
serving.on_exit(None)
"""


def test_a_process_closes_what_it_opened(environ: dict[str, str]) -> None:
    """
    What gunicorn calls at a process's end closes the container, if there was an app.
    """
    ended = subprocess.run(
        [sys.executable, "-c", EXITS], env=environ, capture_output=True, text=True, check=True
    )

    assert ended.stdout.split("\n") == ["no app", "closed", ""]
