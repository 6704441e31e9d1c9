"""
Requests that are wrong: the exact answer, and nothing left behind.
"""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from payments_core.testing.fake_provider import FakePaymentProvider
from payments_core.testing.memory import InMemoryDatabase

Api = Any
MakePayment = Callable[[str], str]

JSON_TYPE = "application/json"
ORDER = "0199f3c5-1c9a-7d44-a5e2-0f8a4d9f2c11"


def _raw(**changes: object) -> bytes:
    body = {
        "orderId": ORDER,
        "amount": "10.00",
        "currency": "EUR",
        "paymentMethodId": "fake_approved",
    }
    return json.dumps({k: v for k, v in (body | changes).items() if v is not ...}).encode()


def _with(old: bytes, new: bytes) -> bytes:
    return _raw().replace(old, new)


def _cursor(moment: str) -> str:
    return base64.urlsafe_b64encode(f"{moment}|{ORDER}".encode()).decode()


RAW: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 400, "body_missing"),
    "cut off": (b"{", 400, "json_invalid"),
    "bad UTF-8": (b'{"a": "\xff"}', 400, "json_invalid"),
    "UTF-16": (_raw().decode().encode("utf-16"), 400, "json_invalid"),
    "byte order mark": (b"\xef\xbb\xbf" + _raw(), 400, "json_invalid"),
    "too long": (_with(b"}", b" " * 65_536 + b"}"), 413, "body_too_large"),
    "long integer": (_with(b'"10.00"', b"1" * 5000), 400, "json_invalid"),
    "long number": (_with(b'"10.00"', b"1." + b"1" * 5000), 400, "json_invalid"),
    "endless exponent": (_with(b'"10.00"', b"1e99999999999999999999"), 400, "json_invalid"),
    "endless fraction": (_with(b'"10.00"', b"1e-99999999999999999999"), 400, "json_invalid"),
    "NaN": (_with(b'"10.00"', b"NaN"), 400, "json_invalid"),
    "Infinity": (_with(b'"10.00"', b"-Infinity"), 400, "json_invalid"),
    "deep": (b"[" * 30_000 + b"]" * 30_000, 400, "json_invalid"),
    "33 deep": (b'{"a":' * 33 + b"1" + b"}" * 33, 400, "json_invalid"),
    "same name twice": (_with(b"{", b'{"amount": "1.00", '), 400, "json_invalid"),
    "list": (b"[]", 422, "validation_failed"),
    "null": (b"null", 422, "validation_failed"),
    "text": (b'"x"', 422, "validation_failed"),
    "number": (b"5", 422, "validation_failed"),
    "card in a list": (b'["4242 4242 4242 4242"]', 422, "card_data_not_allowed"),
    "card as a number": (b'{"x": 4242424242424242}', 422, "card_data_not_allowed"),
    "card as a name": (b'{"4242424242424242": 1}', 422, "card_data_not_allowed"),
}

FIELDS: list[tuple[str, object, str]] = [
    ("amount", ..., "validation_failed"),
    ("amount", None, "validation_failed"),
    ("amount", True, "amount_format"),
    ("amount", [], "amount_format"),
    ("amount", {}, "amount_format"),
    ("amount", "", "amount_format"),
    ("amount", "1_000", "amount_format"),
    ("amount", " 5 ", "amount_format"),
    ("amount", "\u0661\u0662", "amount_format"),
    ("amount", "1e2", "amount_format"),
    ("amount", "1e400", "amount_format"),
    ("amount", "1e-400", "amount_format"),
    ("amount", "NaN", "amount_format"),
    ("amount", "+5", "amount_format"),
    ("amount", "5.", "amount_format"),
    ("amount", "5\n", "amount_format"),
    ("amount", "99999999999999999999999999999.99", "amount_format"),
    ("amount", 0.30000000000000004, "amount_format"),
    ("amount", "0", "amount_not_positive"),
    ("amount", 0, "amount_not_positive"),
    ("amount", "-1", "amount_not_positive"),
    ("amount", "-0", "amount_not_positive"),
    ("amount", "1.005", "amount_precision"),
    ("amount", 1.005, "amount_precision"),
    ("amount", "9999999999999999", "amount_too_large"),
    ("amount", "1000000.00", "amount_not_supported"),
    ("currency", ..., "validation_failed"),
    ("currency", "eur", "currency_invalid"),
    ("currency", "EURO", "currency_invalid"),
    ("currency", "E\u20acR", "currency_invalid"),
    ("currency", "", "currency_invalid"),
    ("currency", "EU", "currency_invalid"),
    ("currency", "XXX", "currency_invalid"),
    ("currency", "XTS", "currency_invalid"),
    ("currency", "ZZZ", "currency_invalid"),
    ("currency", "E\u0000R", "currency_invalid"),
    ("currency", 978, "currency_invalid"),
    ("currency", ["EUR"], "currency_invalid"),
    ("orderId", ..., "validation_failed"),
    ("orderId", f"{{{ORDER}}}", "validation_failed"),
    ("orderId", f"urn:uuid:{ORDER}", "validation_failed"),
    ("orderId", ORDER.replace("-", ""), "validation_failed"),
    ("orderId", f"{ORDER}\n", "validation_failed"),
    ("orderId", "00000000-0000-0000-0000-000000000000", "validation_failed"),
    ("orderId", 5, "validation_failed"),
    ("status", "Succeeded", "unknown_field"),
    ("captured", "10.00", "unknown_field"),
    ("id", ORDER, "unknown_field"),
    ("provider_payment_id", "pi_1", "unknown_field"),
    ("order_id", ORDER, "unknown_field"),
    ("customerId", "bob", "unknown_field"),
    ("paymentMethodId", "4242 4242 4242 4242", "card_data_not_allowed"),
    ("paymentMethodId", "4242424242424242", "card_data_not_allowed"),
    ("paymentMethodId", "pm_1\r\nX: y", "validation_failed"),
    ("paymentMethodId", "pm\x1b[31m", "validation_failed"),
    ("paymentMethodId", "pm\u2028", "validation_failed"),
    ("paymentMethodId", "p" * 256, "validation_failed"),
    ("paymentMethodId", "pm\u202e", "validation_failed"),
    ("paymentMethodId", "", "validation_failed"),
    ("paymentMethodId", 5, "validation_failed"),
    ("cvc", "123", "card_data_not_allowed"),
    ("card", {"number": "x"}, "card_data_not_allowed"),
    ("exp_month", 12, "card_data_not_allowed"),
    ("metadata", {"deep": [{"cvv": "1"}]}, "card_data_not_allowed"),
    ("captureMethod", "Manual", "validation_failed"),
    ("captureMethod", 1, "validation_failed"),
    ("provider", "unknown", "provider_unknown"),
    ("provider", "../x", "validation_failed"),
    ("returnUrl", "http://169.254.169.254/", "return_url_not_allowed"),
    ("returnUrl", "file:///etc/passwd", "return_url_not_allowed"),
    ("returnUrl", "javascript:alert(1)", "return_url_not_allowed"),
    ("returnUrl", "//shop.example/", "return_url_not_allowed"),
    ("returnUrl", "https://shop.example.evil.example/", "return_url_not_allowed"),
    ("returnUrl", "https://shop.example@evil.example/", "return_url_not_allowed"),
    ("returnUrl", "https://evil.example\\@shop.example/", "return_url_not_allowed"),
    ("returnUrl", "https://shop.example:444/", "return_url_not_allowed"),
    ("returnUrl", "https://[", "return_url_not_allowed"),
    ("returnUrl", "https://shop.example/\r\n", "validation_failed"),
    ("returnUrl", "https://shop.example/" + "x" * 2048, "validation_failed"),
]


def _check(answer: Any, status: int, code: str) -> None:
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert answer.content_type == "application/problem+json"
    assert body["status"] == status
    assert {"type", "title", "detail", "requestId"} <= set(body)


@pytest.fixture
def untouched(database: InMemoryDatabase, provider: FakePaymentProvider) -> Callable[[], bool]:
    """
    Tell whether nothing was stored and nobody was called.
    """
    before = database.tables
    return lambda: database.tables == before and not provider.calls


@pytest.mark.parametrize("name", RAW)
def test_body(alice: Api, untouched: Callable[[], bool], name: str) -> None:
    """
    A body that is no plain JSON object is refused before anything is looked at.
    """
    data, status, code = RAW[name]
    answer = alice.post("/api/payments", data=data, content_type=JSON_TYPE)

    _check(answer, status, code)
    assert untouched()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("currency", "eur", "in capitals, such as EUR"),
        ("returnUrl", "https://other.example/", "HTTP__ALLOWED_RETURN_URLS"),
        ("provider", "unknown", "No provider of this name"),
    ],
)
def test_refusal_says_what_helps(alice: Api, field: str, value: str, words: str) -> None:
    """
    What a first user gets wrong is answered with what to write or to set.
    """
    answer = alice.post("/api/payments", data=_raw(**{field: value}), content_type=JSON_TYPE)

    assert answer.status_code in {400, 422}
    assert words in answer.text


@pytest.mark.parametrize(("field", "value", "code"), FIELDS)
def test_field(
    alice: Api, untouched: Callable[[], bool], field: str, value: object, code: str
) -> None:
    """
    A field that is missing, wrong or not ours is refused with its own code.
    """
    answer = alice.post("/api/payments", data=_raw(**{field: value}), content_type=JSON_TYPE)

    _check(answer, 422, code)
    assert untouched()


def test_three_decimals(alice: Api) -> None:
    """
    A currency with three decimals takes three, and not four.
    """
    for amount, status in (("1.2345", 422), ("1.230", 201)):
        data = _raw(amount=amount, currency="BHD")
        answer = alice.post("/api/payments", data=data, content_type=JSON_TYPE)

        assert answer.status_code == status


def test_all_fields_are_named(alice: Api) -> None:
    """
    Each field at fault is named, with its code; no value is repeated.
    """
    data = _raw(amount="geheim", currency="geheim", orderId="geheim")
    answer = alice.post("/api/payments", data=data, content_type=JSON_TYPE)

    assert {e["field"] for e in answer.get_json()["errors"]} == {"currency", "orderId"}
    assert "geheim" not in answer.text


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "",
        "application/jsonp",
        "application/json; charset=utf-16",
        "application/json;;;",
        "application/json; charset",
        "multipart/form-data; boundary=x",
        "text/json",
    ],
)
def test_type(alice: Api, untouched: Callable[[], bool], content_type: str) -> None:
    """
    Only JSON in UTF-8 is read.
    """
    answer = alice.post("/api/payments", data=_raw(), content_type=content_type)

    _check(answer, 415, "unsupported_media_type")
    assert untouched()


@pytest.mark.parametrize("content_type", [JSON_TYPE, "application/json; charset=utf-8"])
def test_good_type(alice: Api, content_type: str) -> None:
    """
    JSON may say that it is UTF-8, as .NET's always does.
    """
    answer = alice.post("/api/payments", data=_raw(), content_type=content_type)

    assert answer.status_code == 201


def test_return_url(alice: Api) -> None:
    """
    The shop's own addresses are allowed.
    """
    data = _raw(returnUrl="https://shop.example/done?x=1")

    assert alice.post("/api/payments", data=data, content_type=JSON_TYPE).status_code == 201


@pytest.mark.parametrize(
    "path",
    [
        "not-a-uuid",
        "0199f3c5-1c9a-7d44-a5e2-0f8a4d9f2c12",
        "..%2f..%2f",
        ORDER.replace("-", ""),
        f"{{{ORDER}}}",
        "00000000-0000-0000-0000-000000000000",
        "%00",
        "x/y/z",
    ],
)
def test_path(alice: Api, path: str) -> None:
    """
    What is not there, or could not be, is not found.
    """
    _check(alice.get(f"/api/payments/{path}"), 404, "not_found")


QUERIES: list[tuple[str, str]] = [
    ("limit=0", "validation_failed"),
    ("limit=-1", "validation_failed"),
    ("limit=1000000000", "validation_failed"),
    ("limit=abc", "validation_failed"),
    ("limit=101", "validation_failed"),
    ("limit=1.5", "validation_failed"),
    ("limit=", "validation_failed"),
    ("status=Nope", "validation_failed"),
    ("status=pending", "validation_failed"),
    ("cursor=x", "cursor_invalid"),
    ("cursor=%FF", "cursor_invalid"),
    ("orderId=x", "validation_failed"),
    ("provider=%00", "validation_failed"),
    ("from=9999-99-99", "validation_failed"),
    ("from=1e10", "validation_failed"),
    ("from=2026-01-01T00:00:00", "validation_failed"),
    ("from=now", "validation_failed"),
    ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "window_invalid"),
    ("customerId=", "validation_failed"),
    ("customerId=%20", "validation_failed"),
    ("customerId=%E3%80%80", "validation_failed"),
    ("customerId=%E2%80%8B", "validation_failed"),
    ("customerId=bob%E2%80%AE", "validation_failed"),
    ("customerId=%E2%81%A6bob%E2%81%A9", "validation_failed"),
    ("customerId=4242%204242%204242%204242", "card_data_not_allowed"),
    ("from=0001-01-01T00:00:00%2B23:59", "validation_failed"),
    ("to=9999-12-31T23:59:59-23:59", "validation_failed"),
    (f"cursor={_cursor('0001-01-01T00:00:00+23:59')}", "cursor_invalid"),
    (f"cursor={_cursor('9999-12-31T23:59:59-23:59')}", "cursor_invalid"),
]


@pytest.mark.parametrize(("query", "code"), QUERIES)
def test_query(admin: Api, query: str, code: str) -> None:
    """
    A query that cannot be meant is refused.
    """
    _check(admin.get(f"/api/payments?{query}"), 422, code)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("x=1", "unknown_parameter"),
        ("&".join(f"x{n}=1" for n in range(500)), "query_invalid"),
        ("limit=1&limit=2", "query_invalid"),
    ],
)
def test_odd_query(admin: Api, query: str, code: str) -> None:
    """
    Parameters that nobody knows, or that come twice, are refused.
    """
    _check(admin.get(f"/api/payments?{query}"), 400, code)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/payments", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PUT", "/api/payments", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("TRACE", "/api/payments", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PATCH", f"/api/payments/{ORDER}", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/api/payments/webhooks/stripe", {"OPTIONS", "POST"}),
        ("POST", "/health/live", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_method(admin: Api, method: str, path: str, allowed: set[str]) -> None:
    """
    Another method is refused, with those that work.
    """
    answer = admin.call(method, path)

    _check(answer, 405, "method_not_allowed")
    assert "Allow" in answer.text
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_no_cross_origin(api: Api) -> None:
    """
    No browser page of another origin is let in.
    """
    answer = api.call("OPTIONS", "/api/payments", headers={"Origin": "https://evil.example"})

    assert not [h for h, _ in answer.headers if h.startswith("Access-Control")]


def test_html_is_asked_for(api: Api) -> None:
    """
    Errors are JSON, whatever is asked for.
    """
    answer = api.get("/api/payments", headers={"Accept": "text/html"})

    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("action", ["confirm", "capture", "cancel", "refund"])
@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        (b"null", 422),
        (b'{"x": 1}', 422),
        (b'{"amount": "x"}', 422),
        (b" " * 65_537, 413),
    ],
)
def test_actions(
    admin: Api, payment_in: MakePayment, action: str, data: bytes, status: int
) -> None:
    """
    The bodies of the other requests are read as strictly.
    """
    path = f"/api/payments/{payment_in('Authorized')}/{action}"
    answer = admin.post(path, data=data, content_type=JSON_TYPE, key="k")

    assert answer.status_code == status


@pytest.mark.parametrize("action", ["capture", "refund"])
@pytest.mark.parametrize(
    ("amount", "code"),
    [("0", "amount_not_positive"), ("-1", "amount_not_positive"), ("1.005", "amount_precision")],
)
def test_amounts_of_actions(
    admin: Api, payment_in: MakePayment, action: str, amount: str, code: str
) -> None:
    """
    Amounts are checked in the payment's currency.
    """
    path = f"/api/payments/{payment_in('Succeeded')}/{action}"

    _check(admin.post(path, {"amount": amount}, key="k"), 422, code)
