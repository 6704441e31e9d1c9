"""
What is asked of Stripe, parameter by parameter.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from payments_core.domain.money import Money
from payments_core.domain.requests import (
    CancelIntent,
    CancelReason,
    CaptureIntent,
    CaptureMethod,
    ConfirmIntent,
    CreateIntent,
    RefundCapture,
)
from payments_core.ports.provider import Window
from payments_stripe.parameters import (
    cancel_params,
    capture_params,
    confirm_params,
    create_params,
    payments_page,
    refund_params,
    refunds_page,
)
from tests.stripe.shapes import OPERATION_ID, ORDER_ID, PAYMENT_ID, REFUND_ID

TEN = Money.parse("10.00", "EUR")
BACK = "https://shop.example/back"


def a_creation(**changes: Any) -> CreateIntent:
    """
    Return a request for 10.00 EUR that the browser confirms.
    """
    fields: dict[str, Any] = {
        "payment_id": PAYMENT_ID,
        "operation_id": OPERATION_ID,
        "order_id": ORDER_ID,
        "amount": TEN,
        "capture_method": CaptureMethod.AUTOMATIC,
    }
    return CreateIntent(**fields | changes)


def a_repayment(**changes: Any) -> RefundCapture:
    """
    Return a request to give 10.00 EUR back.
    """
    fields: dict[str, Any] = {
        "payment_id": PAYMENT_ID,
        "operation_id": OPERATION_ID,
        "refund_id": REFUND_ID,
        "provider_payment_id": "pi_1",
        "amount": TEN,
    }
    return RefundCapture(**fields | changes)


def test_create_for_the_browser() -> None:
    """
    Without a payment method nothing is confirmed, and no page is left for another.
    """
    assert create_params(a_creation()) == {
        "amount": 1000,
        "currency": "eur",
        "capture_method": "automatic",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": {
            "payment_id": str(PAYMENT_ID),
            "operation_id": str(OPERATION_ID),
            "order_id": str(ORDER_ID),
        },
    }


def test_create_and_confirm_in_one_call() -> None:
    """
    With a payment method the same call confirms; with a return URL redirects are allowed.
    """
    params = create_params(
        a_creation(payment_method_id="pm_1", return_url=BACK, capture_method=CaptureMethod.MANUAL)
    )

    assert params["confirm"] is True
    assert (params["payment_method"], params["return_url"]) == ("pm_1", BACK)
    assert params["automatic_payment_methods"] == {"enabled": True, "allow_redirects": "always"}
    assert params["capture_method"] == "manual"


@pytest.mark.parametrize("method", CaptureMethod)
def test_every_capture_method_has_a_word(method: CaptureMethod) -> None:
    """
    Whatever the core may ask for, Stripe is asked in one of the two words that it is to hear.
    """
    assert create_params(a_creation(capture_method=method))["capture_method"] in {
        "automatic",
        "manual",
    }


@pytest.mark.parametrize("reason", CancelReason)
def test_every_cancel_reason_has_a_word(reason: CancelReason) -> None:
    """
    Whatever the core may cancel for, Stripe is told one of its own words.
    """
    word = cancel_params(CancelIntent("pi_1", reason)).get("cancellation_reason")

    assert word in {"requested_by_customer", "abandoned"}


def test_return_url_is_sent_only_when_confirming() -> None:
    """
    Stripe refuses a return URL without a confirmation.
    """
    assert "return_url" not in create_params(a_creation(return_url=BACK))


def test_confirm() -> None:
    """
    What is not given is not sent.
    """
    whole = ConfirmIntent("pi_1", "pm_1", BACK)

    assert confirm_params(whole) == {"payment_method": "pm_1", "return_url": BACK}
    assert confirm_params(ConfirmIntent("pi_1")) == {"use_stripe_sdk": True}


def test_capture() -> None:
    """
    The amount is always named, also when it is all.
    """
    assert capture_params(CaptureIntent("pi_1", TEN)) == {"amount_to_capture": 1000}


@pytest.mark.parametrize(
    ("reason", "sent"),
    [
        (CancelReason.REQUESTED, "requested_by_customer"),
        (CancelReason.DECLINED, "abandoned"),
        (CancelReason.EXPIRED, "abandoned"),
        (CancelReason.LATE, "abandoned"),
    ],
)
def test_cancel(reason: CancelReason, sent: str) -> None:
    """
    Every reason of ours has one of Stripe's.
    """
    assert cancel_params(CancelIntent("pi_1", reason)) == {"cancellation_reason": sent}


@pytest.mark.parametrize(
    ("reason", "own", "noted"),
    [
        (None, None, None),
        ("duplicate", "duplicate", None),
        ("fraudulent", "fraudulent", None),
        ("requested_by_customer", "requested_by_customer", None),
        ("late payment", None, "late payment"),
        ("x" * 600, None, "x" * 500),
    ],
)
def test_refund_reason(reason: str | None, own: str | None, noted: str | None) -> None:
    """
    Stripe's three reasons are its parameter; any other is metadata, as long as fits.
    """
    params = refund_params(a_repayment(reason=reason))
    metadata = params["metadata"]

    assert params.get("reason") == own
    assert isinstance(metadata, dict)
    assert metadata.get("reason") == noted
    assert metadata["refund_id"] == str(REFUND_ID)


def test_same_request_same_parameters() -> None:
    """
    What is sent again under a key is the same to the byte.
    """
    assert create_params(a_creation()) == create_params(a_creation())
    assert refund_params(a_repayment(reason="x")) == refund_params(a_repayment(reason="x"))


def test_window_is_widened_to_whole_seconds() -> None:
    """
    Stripe cuts fractions off, so an object made in the first instant would be missed else.
    """
    start = datetime(2027, 1, 15, 8, 0, 0, 900_000, UTC)
    end = datetime(2027, 1, 15, 8, 0, 10, 100_000, UTC)
    whole = {"gte": 1_800_000_000, "lt": 1_800_000_011}

    assert payments_page(Window(start, end), None)["created"] == whole
    assert refunds_page(None, window=Window(start, end))["created"] == whole


def test_pages_go_on_after_the_last() -> None:
    """
    A page says where it begins, is as large as Stripe allows, and shows charges of refunds.
    """
    page = refunds_page("re_9", payment_intent="pi_1")

    assert page == {
        "limit": 100,
        "expand": ["data.charge"],
        "payment_intent": "pi_1",
        "starting_after": "re_9",
    }
