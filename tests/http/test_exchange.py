"""
What every exchange has, whatever it is about.
"""

import logging
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from dependency_injector import providers
from flask import Flask
from typing_extensions import override

from payments_bootstrap import Container
from payments_bootstrap.serving import migrate_database
from payments_bootstrap.worker import Part
from payments_core.domain.errors import StorageRefused, StorageUnavailable
from payments_core.ports.queries import PaymentView
from payments_core.testing.conformance.heartbeats import a_heartbeat
from payments_core.testing.memory import InMemoryDatabase
from payments_core.testing.memory_queries import InMemoryPaymentQueries
from payments_http.gateway import respelled
from tests.conftest import LogLines

Api = Any
MakePayment = Callable[[str], str]

ID = "01A205DD-17B9-7575-98ED-9F674C6C5398"


class _Broken(InMemoryPaymentQueries):
    """
    Storage that raises.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(InMemoryDatabase())
        self.error = error

    @override
    def get(self, payment_id: UUID) -> PaymentView | None:
        raise self.error

    @override
    def ping(self) -> None:
        raise self.error


@pytest.mark.parametrize("path", ["/health/live", "/nothing", "/api/payments", "/swagger/"])
def test_headers(api: Api, path: str) -> None:
    """
    Nothing is cached, nothing is sniffed, and the server does not say what it is made of.
    """
    headers = api.get(path).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Request-Id"] == headers["X-Correlation-Id"]
    assert "traceresponse" not in headers


@pytest.mark.parametrize("header", ["X-Request-Id", "X-Correlation-Id"])
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0199f3c5-1c9a-7d44-a5e2-0f8a4d9f2c11", True),
        ("0HN8J5Q2K1L3M.00000001", True),
        ("short", False),
        ("x" * 65, False),
        ("x" * 4000, False),
        ("4242424242424242", False),
        ("4242-4242-4242-4242", False),
        ("sk_live_4eC39Hq", False),
        ("eyJhbGciOi.eyJzdWIi.c2ln", False),
        ("spaces are odd", False),
        ('good-enough", "level": "info', False),
        ("good-enough\x1b[31m", False),
        ("\u00fcmlauts-are-odd", False),
    ],
)
def test_ids_of_the_caller(api: Api, header: str, given: str, kept: bool) -> None:
    """
    A sane id of the caller is said again; else there is a fresh one.
    """
    answer = api.get("/api/payments", headers={header: given})

    assert (answer.headers[header] == given) is kept
    assert re.fullmatch("[A-Za-z0-9._-]{8,64}", answer.headers[header])
    assert answer.get_json()["requestId"] == answer.headers["X-Request-Id"]


def test_two_requests_of_one_cause(api: Api) -> None:
    """
    Requests with one correlation id are told apart by their own ids.
    """
    same = {"X-Correlation-Id": "checkout-of-alice"}
    first, second = (api.get("/api/payments", headers=same).headers for _ in range(2))

    assert first["X-Correlation-Id"] == second["X-Correlation-Id"] == "checkout-of-alice"
    assert first["X-Request-Id"] != second["X-Request-Id"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", True),
        ("00-0af7651916cd43dd8448eb211c80319c-4242424242424242-00", True),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", False),
        ("00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-\x1b", False),
        ("x" * 4000, False),
    ],
)
def test_trace_of_the_caller(api: Api, given: str, kept: bool) -> None:
    """
    The caller's trace is said again, and nothing else that came under its name.
    """
    answer = api.get("/api/payments", headers={"traceparent": given})

    assert answer.headers.get("traceresponse") == (given if kept else None)


def test_every_line_of_a_request(alice: Api, container: Container, log_lines: LogLines) -> None:
    """
    Each line that is written for a request has its ids, also what is written about a failure.
    """
    container.queries.override(providers.Object(_Broken(ZeroDivisionError("geheim"))))
    trace = "0af7" * 8
    headers = {"X-Correlation-Id": "checkout-12", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = alice.get(f"/api/payments/{ID}", headers=headers)
    wanted = ("checkout-12", trace, answer.headers["X-Request-Id"])
    lines = log_lines()

    assert len(lines) == 2
    assert {(r["correlation_id"], r["trace_id"], r["request_id"]) for r in lines} == {wanted}


def test_unexpected_error(
    alice: Api, container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    """
    What nobody foresaw is 500 without a detail; the log has it.
    """
    container.queries.override(providers.Object(_Broken(ZeroDivisionError("geheim"))))
    with caplog.at_level(logging.ERROR):
        answer = alice.get(f"/api/payments/{ID}")

    assert answer.status_code == 500
    assert answer.get_json()["code"] == "internal_error"
    assert "geheim" not in answer.text
    assert caplog.records[0].exc_info


def test_a_bug_is_for_the_log(
    alice: Api, container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A rule of the database that our code should have held is 500; its name is in the log alone.
    """
    error = StorageRefused("The database's rule captured_fits forbids it")
    container.queries.override(providers.Object(_Broken(error)))
    with caplog.at_level(logging.ERROR):
        answer = alice.get(f"/api/payments/{ID}")

    assert answer.status_code == 500
    assert answer.get_json()["code"] == "storage_refused"
    assert answer.get_json()["detail"].startswith("Something went wrong here;")
    assert "captured_fits" not in answer.text
    assert "captured_fits" in caplog.text


def test_database_is_down(alice: Api, container: Container) -> None:
    """
    Without the database it is 503, and when to try again.
    """
    container.queries.override(providers.Object(_Broken(StorageUnavailable("db.internal:5432"))))
    answer = alice.get(f"/api/payments/{ID}")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "db.internal" not in answer.text


def test_ready(api: Api, container: Container) -> None:
    """
    Ready says a word for each thing that is needed.
    """
    migrate_database(container)
    beat = a_heartbeat(parts=tuple(Part), broker=None, at=container.clock().now())
    container.heartbeats().beat(beat)
    answer = api.get("/health/ready")

    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "ok",
        "checks": {"database": "ok", "stripe": "ok", "worker": "ok"},
    }


def test_ready_without_a_worker(api: Api, container: Container) -> None:
    """
    Payments are taken although nobody does what happens by itself; a word says so.
    """
    migrate_database(container)
    answer = api.get("/health/ready")

    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "degraded",
        "checks": {"database": "ok", "stripe": "ok", "worker": "away"},
    }


def test_not_ready(api: Api, container: Container) -> None:
    """
    Without the database it is not ready, and says no more than that.
    """
    container.queries.override(providers.Object(_Broken(StorageUnavailable("db.internal:5432"))))
    answer = api.get("/health/ready")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.get_json()["checks"]["database"] == "unavailable"
    assert "db.internal" not in answer.text


def test_not_migrated(api: Api) -> None:
    """
    A database that answers but has no tables can take no payment, and its word says why.
    """
    answer = api.get("/health/ready")

    assert answer.status_code == 503
    assert answer.get_json() == {
        "status": "unavailable",
        "checks": {"database": "not migrated", "stripe": "ok", "worker": "unknown"},
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/Payments", "/api/payments"),
        ("/API/PAYMENTS/", "/api/payments/"),
        (f"/Api/Payments/{ID}/Refund", f"/api/payments/{ID}/refund"),
        ("/Internal/Payments/Capture", "/internal/payments/capture"),
        ("/api/Payments/Webhooks/Stripe", "/api/payments/webhooks/Stripe"),
        ("/Swagger", "/Swagger"),
        ("/api/Orders", "/api/Orders"),
        ("", ""),
    ],
)
def test_spelling(path: str, expected: str) -> None:
    """
    Only the fixed words of this API's paths are lowered.
    """
    assert respelled(path) == expected


def test_every_path_in_capitals(app: Flask) -> None:
    """
    Each fixed word of each path of this API is known, also those of new routes.
    """
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    paths = [r for r in rules if r.startswith(("/api/", "/internal/"))]
    capitals = {r: re.sub(r"/[a-z]+", lambda word: word[0].title(), r) for r in paths}

    assert len(paths) > 10
    assert {path for path, spelled in capitals.items() if respelled(spelled) != path} == set()


def test_gateways_spelling(alice: Api, payment_in: MakePayment) -> None:
    """
    A payment is found under the gateway's spelling, with its id in either case.
    """
    payment_id = payment_in("Succeeded")

    assert alice.get(f"/api/Payments/{payment_id.upper()}").status_code == 200
