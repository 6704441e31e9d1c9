"""
What depends on the server, over its own socket: bodies in chunks, methods, hosts, long headers.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from tests.input.serving import Served, served

WEBHOOK = "/api/payments/webhooks/stripe"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """
    The API as it ships.
    """
    folder: Path = tmp_path_factory.mktemp("wire")
    with served(folder, HTTP__HOSTS="127.0.0.1") as running:
        yield running


def _ask(api: Served, method: str, path: str, **options: Any) -> tuple[int, Any, dict[str, str]]:
    token = api.issuer.token("Admin", sub="root")
    headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
    with closing(HTTPConnection("127.0.0.1", api.port, timeout=30)) as connection:
        connection.request(method, path, headers=headers, **options)
        answer = connection.getresponse()
        body = answer.read()
    return answer.status, json.loads(body) if body else None, dict(answer.getheaders())


def _chunks(length: int) -> Iterator[bytes]:
    for at in range(0, length, 8192):
        yield b" " * min(8192, length - at)


@pytest.mark.parametrize(
    ("path", "length", "status", "code"),
    [
        pytest.param("/api/payments", 65_537, 413, "body_too_large", id="C09 one too many"),
        pytest.param("/api/payments", 65_536, 400, "json_invalid", id="C09 just fits"),
        pytest.param("/api/payments", 5_000_000, 413, "body_too_large", id="C09 far too many"),
        pytest.param(WEBHOOK, 262_145, 413, "body_too_large", id="W19 one too many"),
        pytest.param(WEBHOOK, 262_144, 400, "webhook_signature_missing", id="W19 just fits"),
    ],
)
@pytest.mark.parametrize("chunked", [True, False])
def test_long_bodies(
    api: Served, path: str, length: int, status: int, code: str, chunked: bool
) -> None:
    """
    A body that is too long is refused, whether its length is told or not, and never cut short.
    """
    body = _chunks(length) if chunked else b" " * length
    asked = len(api.simulator.requests())
    try:
        found, said, _ = _ask(api, "POST", path, body=body, headers=JSON, encode_chunked=chunked)
    except (BrokenPipeError, ConnectionResetError):
        # The server had heard enough, answered, and hung up while we went on.
        assert length > 1_000_000
        return

    assert (found, said["code"]) == (status, code)
    assert len(api.simulator.requests()) == asked


# Drawn once: processes that share the tests must find the same ones.
NOBODYS: Final = "0199f3c5-1c9a-7d44-a5e2-0f8a4d9f2c99"


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "TRACE", "FOO"])
@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/payments", {"GET", "HEAD", "OPTIONS", "POST"}),
        (f"/api/payments/{NOBODYS}", {"GET", "HEAD", "OPTIONS"}),
        (f"/api/payments/{NOBODYS}/refund", {"OPTIONS", "POST"}),
        (WEBHOOK, {"OPTIONS", "POST"}),
        ("/health/live", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_methods(api: Served, method: str, path: str, allowed: set[str]) -> None:
    """
    Q13, W02: another method is 405 and hears which ones there are.
    """
    status, said, headers = _ask(api, method, path)

    assert (status, said["code"]) == (405, "method_not_allowed")
    assert set(headers["Allow"].split(", ")) == allowed


def test_head_and_options(api: Served) -> None:
    """
    Q16: HEAD has no body, OPTIONS lets no page of another origin in.
    """
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
        connection.sendall(
            b"HEAD /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        )
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    _, said, headers = _ask(
        api, "OPTIONS", "/api/payments", headers={"Origin": "https://evil.example"}
    )

    assert b"200" in head.splitlines()[0]
    assert body == b""
    assert not said
    assert not [name for name in headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example"])
def test_host(api: Served, host: str) -> None:
    """
    Q19: under another name than those of the settings nothing is served, and the name not repeated.
    """
    status, said, _ = _ask(api, "GET", "/api/payments", headers={"Host": host})

    assert status == 400
    assert not host or host not in json.dumps(said)


def test_long_headers(api: Served) -> None:
    """
    W20: a header of 5 KiB at the webhook is 400; one of 9,000 bytes is 431 anywhere.
    """
    short, said, _ = _ask(
        api, "POST", WEBHOOK, body=b"{}", headers={"Stripe-Signature": "a" * 5120}
    )
    long, _, _ = _ask(api, "GET", "/health/live", headers={"X": "a" * 9000})

    assert (short, said["code"]) == (400, "request_invalid")
    assert long == 431


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_return_address_is_never_called(api: Served, scheme: str) -> None:
    """
    C39: an address to return to is never called from here, allowed or not.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.3)
        address = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/"
        body = {"orderId": str(uuid4()), "amount": "10.00", "currency": "EUR", "returnUrl": address}
        refused = api.call("POST", "/api/payments", body)
        taken = api.call("POST", "/api/payments", body | {"returnUrl": "https://shop.example/x"})
        with pytest.raises(TimeoutError):
            listener.accept()

    assert (refused.status_code, refused.json()["code"]) == (422, "return_url_not_allowed")
    assert taken.status_code == 201
