"""
What is asked of Stripe: the core's requests as parameters of its API.

The same request always gives the same parameters: Stripe refuses another body under a
used key. So a change here is noticed by operations that are sent again across a release.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

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
from payments_stripe.money import to_stripe

if TYPE_CHECKING:
    from stripe.params import (
        DisputeListParams,
        EventListParams,
        PaymentIntentCancelParams,
        PaymentIntentCaptureParams,
        PaymentIntentConfirmParams,
        PaymentIntentCreateParams,
        PaymentIntentListParams,
        RefundCreateParams,
        RefundListParams,
    )

PAGE: Final = 100

_LONGEST_VALUE: Final = 500
_CAPTURE_METHOD: Final[Mapping[CaptureMethod, Literal["automatic", "manual"]]] = {
    CaptureMethod.AUTOMATIC: "automatic",
    CaptureMethod.MANUAL: "manual",
}
_CANCELLATION: Final[Mapping[CancelReason, Literal["requested_by_customer", "abandoned"]]] = {
    CancelReason.REQUESTED: "requested_by_customer",
    CancelReason.DECLINED: "abandoned",
    CancelReason.EXPIRED: "abandoned",
    CancelReason.LATE: "abandoned",
}
_REFUND_REASONS: Final = frozenset({"duplicate", "fraudulent", "requested_by_customer"})


def create_params(request: CreateIntent) -> "PaymentIntentCreateParams":
    """
    Return what creates a PaymentIntent; with a payment method it is confirmed as well.

    The Dashboard decides which payment methods are offered, but without a return URL none
    that sends the customer away: there would be no way back.
    """
    params: PaymentIntentCreateParams = {
        "amount": to_stripe(request.amount),
        "currency": request.amount.currency.lower(),
        "capture_method": _CAPTURE_METHOD[request.capture_method],
        "automatic_payment_methods": {
            "enabled": True,
            "allow_redirects": "always" if request.return_url else "never",
        },
        "metadata": _metadata(
            payment_id=request.payment_id,
            operation_id=request.operation_id,
            order_id=request.order_id,
        ),
    }
    if request.payment_method_id:
        params["payment_method"] = request.payment_method_id
        params["confirm"] = True
        if request.return_url:
            params["return_url"] = request.return_url
        else:
            params["use_stripe_sdk"] = True
    return params


def confirm_params(request: ConfirmIntent) -> "PaymentIntentConfirmParams":
    """
    Return what confirms a PaymentIntent.

    Without a return URL it is Stripe's script in the customer's browser that asks for
    what is missing, with the client secret.
    """
    params: PaymentIntentConfirmParams = {}
    if request.payment_method_id:
        params["payment_method"] = request.payment_method_id
    if request.return_url:
        params["return_url"] = request.return_url
    else:
        params["use_stripe_sdk"] = True
    return params


def capture_params(request: CaptureIntent) -> "PaymentIntentCaptureParams":
    """
    Return what captures a PaymentIntent; Stripe releases the rest.
    """
    return {"amount_to_capture": to_stripe(request.amount)}


def cancel_params(request: CancelIntent) -> "PaymentIntentCancelParams":
    """
    Return what cancels a PaymentIntent.
    """
    return {"cancellation_reason": _CANCELLATION[request.reason]}


def refund_params(request: RefundCapture) -> "RefundCreateParams":
    """
    Return what refunds a PaymentIntent.

    Stripe knows three reasons, and ``fraudulent`` blocks the card; any other is kept as
    metadata.
    """
    words = request.reason or ""
    params: RefundCreateParams = {
        "payment_intent": request.provider_payment_id,
        "amount": to_stripe(request.amount),
        "expand": ["charge"],
        "metadata": _metadata(
            payment_id=request.payment_id,
            operation_id=request.operation_id,
            refund_id=request.refund_id,
            reason="" if words in _REFUND_REASONS else words,
        ),
    }
    if words in _REFUND_REASONS:
        params["reason"] = words
    return params


def payments_page(window: Window, after: str | None) -> "PaymentIntentListParams":
    """
    Return what lists the next page of the PaymentIntents of a window.
    """
    first, end = _seconds(window)
    params: PaymentIntentListParams = {"limit": PAGE, "created": {"gte": first, "lt": end}}
    if after:
        params["starting_after"] = after
    return params


def events_page(window: Window, types: Sequence[str], after: str | None) -> "EventListParams":
    """
    Return what lists the next page of the events of these types of a window.
    """
    first, end = _seconds(window)
    params: EventListParams = {"limit": PAGE, "types": list(types)}
    params["created"] = {"gte": first, "lt": end}
    if after:
        params["starting_after"] = after
    return params


def disputes_page(window: Window, after: str | None) -> "DisputeListParams":
    """
    Return what lists the next page of the Disputes of a window.
    """
    first, end = _seconds(window)
    params: DisputeListParams = {"limit": PAGE, "created": {"gte": first, "lt": end}}
    if after:
        params["starting_after"] = after
    return params


def refunds_page(
    after: str | None, *, window: Window | None = None, payment_intent: str | None = None
) -> "RefundListParams":
    """
    Return what lists the next page of the Refunds of a window, or of a PaymentIntent.
    """
    params: RefundListParams = {"limit": PAGE, "expand": ["data.charge"]}
    if window:
        first, end = _seconds(window)
        params["created"] = {"gte": first, "lt": end}
    if payment_intent:
        params["payment_intent"] = payment_intent
    if after:
        params["starting_after"] = after
    return params


def _seconds(window: Window) -> tuple[int, int]:
    """
    Return the first second of a window, and the first one after it.

    Stripe keeps whole seconds and cuts the rest off, so the window is widened to whole
    seconds: an object made in its first instant must not be missed.
    """
    return math.floor(window.start.timestamp()), math.ceil(window.end.timestamp())


def _metadata(**values: UUID | str) -> dict[str, str]:
    return {name: str(value)[:_LONGEST_VALUE] for name, value in values.items() if value}
