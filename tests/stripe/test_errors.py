"""
Every error of Stripe is one of the core's, and nothing else leaves the adapter.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from payments_core.domain.money import Money
from payments_core.domain.requests import CaptureMethod, ConfirmIntent, CreateIntent
from payments_core.ports.errors import (
    ProviderConflict,
    ProviderDeclined,
    ProviderError,
    ProviderFailed,
    ProviderKeyMismatch,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderUnavailable,
)
from payments_stripe import StripePaymentProvider
from payments_stripe.errors import kind_of
from payments_stripe.transport import Transport
from tests.stripe.peers import settings_for
from tests.stripe.shapes import OPERATION_ID, ORDER_ID, PAYMENT_ID, an_error, an_intent

CREATE = CreateIntent(
    PAYMENT_ID,
    OPERATION_ID,
    ORDER_ID,
    Money.parse("10.00", "EUR"),
    CaptureMethod.AUTOMATIC,
    "pm_1",
    "https://shop.example/back",
)
CONFIRM = ConfirmIntent("pi_1", "pm_1")

REQUEST, CARD, API, KEY = (
    "invalid_request_error",
    "card_error",
    "api_error",
    "idempotency_error",
)

ROWS: list[tuple[int, str | None, str | None, type[ProviderError]]] = [
    # Declines: the attempt was made.
    (402, CARD, "card_declined", ProviderDeclined),
    (402, CARD, "expired_card", ProviderDeclined),
    (402, CARD, "incorrect_cvc", ProviderDeclined),
    (402, CARD, "processing_error", ProviderDeclined),
    (402, CARD, "authentication_required", ProviderDeclined),
    (402, CARD, "a_code_of_tomorrow", ProviderDeclined),
    (402, REQUEST, "payment_intent_authentication_failure", ProviderDeclined),
    (400, REQUEST, "payment_intent_authentication_failure", ProviderDeclined),
    (400, REQUEST, "payment_intent_payment_attempt_failed", ProviderDeclined),
    (400, REQUEST, "payment_method_provider_decline", ProviderDeclined),
    # The object has moved on.
    (400, REQUEST, "payment_intent_unexpected_state", ProviderConflict),
    (400, REQUEST, "charge_already_refunded", ProviderConflict),
    (400, REQUEST, "charge_already_captured", ProviderConflict),
    (400, REQUEST, "charge_expired_for_capture", ProviderConflict),
    (400, REQUEST, "charge_disputed", ProviderConflict),
    (400, REQUEST, "intent_invalid_state", ProviderConflict),
    # Refused for good.
    (400, REQUEST, None, ProviderRejected),
    (400, REQUEST, "amount_too_small", ProviderRejected),
    (400, REQUEST, "amount_too_large", ProviderRejected),
    (400, REQUEST, "parameter_unknown", ProviderRejected),
    (400, REQUEST, "resource_missing", ProviderRejected),
    (404, REQUEST, "resource_missing", ProviderRejected),
    (405, REQUEST, None, ProviderRejected),
    # Our bug.
    (400, KEY, None, ProviderKeyMismatch),
    # Our configuration.
    (401, REQUEST, None, ProviderMisconfigured),
    (401, REQUEST, "api_key_expired", ProviderMisconfigured),
    (403, REQUEST, "more_permissions_required", ProviderMisconfigured),
    # Nothing is known.
    (409, KEY, "idempotency_key_in_use", ProviderUnavailable),
    (400, KEY, "idempotency_key_in_use", ProviderUnavailable),
    (429, REQUEST, "rate_limit", ProviderUnavailable),
    (429, REQUEST, "lock_timeout", ProviderUnavailable),
    (400, REQUEST, "rate_limit", ProviderUnavailable),
    (424, REQUEST, None, ProviderUnavailable),
    (500, API, None, ProviderFailed),
    (400, API, None, ProviderUnavailable),
    (500, CARD, "card_declined", ProviderUnavailable),
    (503, API, None, ProviderUnavailable),
    # Not Stripe's words: a proxy, a redirect, garbage.
    (200, None, None, ProviderUnavailable),
    (302, None, None, ProviderUnavailable),
    (400, None, None, ProviderUnavailable),
    (401, None, None, ProviderUnavailable),
    (402, None, None, ProviderUnavailable),
    (404, None, None, ProviderUnavailable),
    (413, None, None, ProviderUnavailable),
    (502, None, None, ProviderUnavailable),
]


class CannedTransport(Transport):
    """
    Gives the SDK an answer without a network.
    """

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(settings_for("http://127.0.0.1:9"))
        self.answer = body, status, headers

    @override
    def request(self, *_: Any, **__: Any) -> tuple[Any, int, Mapping[str, str]]:
        return self.answer


def answering(status: int, body: Any, **headers: str) -> StripePaymentProvider:
    """
    Return the adapter with Stripe's answer already there.
    """
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    transport = CannedTransport(status, content, fields)
    return StripePaymentProvider(settings_for("http://127.0.0.1:9"), transport=transport)


def said(status: int, body: Any, **headers: str) -> ProviderError:
    """
    Return the error that the adapter raises at an answer.
    """
    with pytest.raises(ProviderError) as raised:
        answering(status, body, **headers).confirm(CONFIRM, idempotency_key="key-1")
    return raised.value


@pytest.mark.parametrize(("status", "type_", "code", "expected"), ROWS)
def test_table(
    status: int, type_: str | None, code: str | None, expected: type[ProviderError]
) -> None:
    """
    Status, type and code together say which error it is.
    """
    assert kind_of(status, type_, code) is expected


@pytest.mark.parametrize(("status", "type_", "code", "expected"), ROWS)
def test_table_through_the_sdk(
    status: int, type_: str | None, code: str | None, expected: type[ProviderError]
) -> None:
    """
    The SDK's own classes, which mix several of these, change nothing.
    """
    fields = {"type": type_} | ({"code": code} if code else {})
    body: Any = an_error(**fields) if type_ else b"<html>no</html>"

    assert type(said(status, body)) is expected


def test_decline_shows_code_message_and_object() -> None:
    """
    A decline carries Stripe's code, its sentence for customers, and the object after it.
    """
    intent = an_intent(status="requires_payment_method", amount_received=0)
    body = an_error(
        type="card_error",
        code="card_declined",
        decline_code="stolen_card",
        message="Your card was declined.",
        payment_intent=intent,
    )
    declined = said(402, body)

    assert isinstance(declined, ProviderDeclined)
    assert declined.failure.code == "card_declined"
    assert declined.failure.message == "Your card was declined."
    assert "stolen" not in str(declined)
    assert declined.payment is not None
    assert (declined.payment.id, declined.payment.payment_id) == ("pi_1", PAYMENT_ID)


@pytest.mark.parametrize("intent", [None, {}, "pi_1", {"id": "pi_1"}, {"currency": 5}])
def test_decline_stands_without_a_readable_object(intent: Any) -> None:
    """
    An attempt that failed is told, whatever is wrong with the object beside it.
    """
    declined = said(402, an_error(type="card_error", payment_intent=intent))

    assert isinstance(declined, ProviderDeclined)
    assert declined.payment is None


def test_unavailable_says_how_long_to_wait() -> None:
    """
    Stripe's Retry-After reaches the caller.
    """
    busy = said(429, an_error(code="rate_limit"), Retry_After="7")

    assert isinstance(busy, ProviderUnavailable)
    assert busy.retry_after == 7.0


def test_messages_show_no_secret() -> None:
    """
    Stripe repeats a part of a key that it refuses; we do not.
    """
    text = (
        "Invalid API Key provided: sk_test_****1234; pi_1_secret_abcdef; card 4242 4242 4242 4242"
    )
    refused = said(401, an_error(message=text))
    rejected = said(400, an_error(message=text))

    for error in (refused, rejected):
        assert "1234" not in str(error)
        assert "secret_abc" not in str(error)
        assert "4242" not in str(error)


def test_support_finds_the_request() -> None:
    """
    The id that Stripe's support asks for is in the log, not in the customer's message.
    """
    error = said(400, an_error(), request_id="req_42")

    assert "req_42" in "".join(error.__notes__)
    assert "req_42" not in error.failure.message


def test_no_body_in_the_traceback() -> None:
    """
    The SDK's errors hold whole bodies, so none is chained to ours.
    """
    provider = answering(402, an_error(type="card_error"))
    calls: tuple[Callable[[], object], ...] = (
        lambda: provider.confirm(CONFIRM, idempotency_key="key-1"),
        lambda: provider.retrieve("pi_1"),
    )
    for call in calls:
        with pytest.raises(ProviderDeclined) as declined:
            call()

        assert declined.value.__cause__ is None
        assert declined.value.__suppress_context__


UNREADABLE: list[Any] = [
    b"",
    b"null",
    b"[]",
    b"5",
    b'"x"',
    b"{}",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"amount": ' + b"9" * 5000 + b"}",
    an_intent(amount="ten"),
    an_intent(amount=None),
    an_intent(currency="zzz"),
    an_intent(currency=None),
    an_intent(created=10**30),
    an_intent(metadata="x"),
    {"id": "pi_1"},
]


@pytest.mark.parametrize("body", UNREADABLE)
def test_what_cannot_be_read_is_no_usable_answer(body: Any) -> None:
    """
    A 200 that is not a PaymentIntent leaves open what was done.
    """
    assert type(said(200, body)) is ProviderUnavailable


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=10,
)
FIELDS = sorted(an_intent())


@settings(max_examples=200)
@given(
    status=st.sampled_from([200, 201, 204, 301, 400, 401, 402, 403, 404, 409, 418, 429, 500, 503]),
    body=st.one_of(
        st.binary(max_size=50),
        JSON,
        st.builds(lambda name, value: an_intent(**{name: value}), st.sampled_from(FIELDS), JSON),
        st.builds(
            lambda name, value: an_error(**{name: value}),
            st.sampled_from(["type", "code", "message", "payment_intent", "decline_code"]),
            JSON,
        ),
        JSON.map(lambda value: {"error": value}),
    ),
)
def test_only_the_ports_errors_leave(status: int, body: Any) -> None:
    """
    Whatever Stripe, a proxy or an attacker answers: an object, or one of the port's errors.
    """
    provider = answering(status, body)
    calls = [
        lambda: provider.create_intent(CREATE, idempotency_key="key-1"),
        lambda: provider.retrieve("pi_1"),
        lambda: provider.refunds_of("pi_1"),
        provider.ping,
    ]
    for call in calls:
        try:
            call()
        except ProviderError:
            continue
