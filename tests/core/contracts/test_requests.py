"""
What is stored of a request is what is sent again.
"""

from uuid import UUID

import pytest

from payments_core.contracts.requests import request_from_json, request_to_json
from payments_core.domain.operation import KIND_OF
from payments_core.domain.requests import (
    CancelIntent,
    CancelReason,
    CaptureIntent,
    CaptureMethod,
    ConfirmIntent,
    CreateIntent,
    ProviderRequest,
    RefundCapture,
)
from payments_core.testing.builders import eur

ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.mark.parametrize(
    "request_",
    [
        CreateIntent(ONE, TWO, THREE, eur("10.00"), CaptureMethod.MANUAL, "pm", "https://é"),
        CreateIntent(ONE, TWO, THREE, eur("10.00"), CaptureMethod.AUTOMATIC),
        ConfirmIntent("pi_1", None, "https://shop.example"),
        CaptureIntent("pi_1", eur("4.00")),
        CancelIntent("pi_1", CancelReason.DECLINED),
        RefundCapture(ONE, TWO, THREE, "pi_1", eur("4.00"), "broken"),
    ],
)
def test_round_trip(request_: ProviderRequest) -> None:
    """
    Reading what was stored gives the same request, and storing it again the same bytes.
    """
    text = request_to_json(request_)
    again = request_from_json(KIND_OF[type(request_)], text)

    assert again == request_
    assert request_to_json(again) == text


def test_stored_form() -> None:
    """
    The stored form is written down here, since rows outlive the code that wrote them.
    """
    text = request_to_json(CaptureIntent("pi_1", eur("4.00")))

    assert text == '{"provider_payment_id":"pi_1","amount":{"amount":"4.00","currency":"EUR"}}'
