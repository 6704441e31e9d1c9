"""
What Stripe's objects mean in the core's words; pure functions over JSON.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from payments_core.domain.facts import (
    ProviderDispute,
    ProviderPayment,
    ProviderPaymentStatus,
    ProviderRefund,
    ProviderRefundStatus,
)
from payments_core.domain.failure import Failure
from payments_core.domain.money import Money, exponents
from payments_core.masking import mask
from payments_stripe.money import from_stripe

Json = Mapping[str, Any]

_LONGEST_MESSAGE: Final = 500

_PAYMENT_STATUS: Final[Mapping[str, ProviderPaymentStatus]] = {
    "requires_payment_method": ProviderPaymentStatus.REQUIRES_PAYMENT_METHOD,
    "requires_confirmation": ProviderPaymentStatus.REQUIRES_CONFIRMATION,
    "requires_action": ProviderPaymentStatus.REQUIRES_ACTION,
    "processing": ProviderPaymentStatus.PROCESSING,
    "requires_capture": ProviderPaymentStatus.REQUIRES_CAPTURE,
    "succeeded": ProviderPaymentStatus.SUCCEEDED,
    "canceled": ProviderPaymentStatus.CANCELED,
}
"""
https://docs.stripe.com/api/payment_intents/object#payment_intent_object-status
"""

_REFUND_STATUS: Final[Mapping[str, ProviderRefundStatus]] = {
    "pending": ProviderRefundStatus.PENDING,
    "requires_action": ProviderRefundStatus.PENDING,
    "succeeded": ProviderRefundStatus.SUCCEEDED,
    "failed": ProviderRefundStatus.FAILED,
    "canceled": ProviderRefundStatus.CANCELED,
}
"""
https://docs.stripe.com/api/refunds/object#refund_object-status
"""

_RAN_OUT: Final = frozenset({"automatic", "expired"})
"""
Reasons that Stripe gives itself when it cancels a hold that ran out.
"""


def payment_of(intent: Json) -> ProviderPayment:
    """
    Return what a PaymentIntent says.

    A status that is not known is PROCESSING: it says nothing final, and is asked for again.
    """
    currency = intent["currency"]
    captured = from_stripe(intent["amount_received"], currency)
    metadata = intent.get("metadata") or {}
    return ProviderPayment(
        id=intent["id"],
        status=_PAYMENT_STATUS.get(intent["status"], ProviderPaymentStatus.PROCESSING),
        amount=from_stripe(intent["amount"], currency),
        authorized=from_stripe(intent["amount_capturable"], currency) + captured,
        captured=captured,
        created_at=_moment(intent["created"]),
        client_secret=intent.get("client_secret"),
        redirect_url=_redirect_url(intent.get("next_action")),
        failure=failure_of(intent.get("last_payment_error")),
        expired=intent.get("cancellation_reason") in _RAN_OUT,
        payment_id=_uuid(metadata.get("payment_id")),
        operation_id=_uuid(metadata.get("operation_id")),
    )


def refund_of(refund: Json) -> ProviderRefund:
    """
    Return what a Refund says; its charge should be expanded.

    A status that is not known, or that waits for the customer, is PENDING.
    """
    metadata = refund.get("metadata") or {}
    amount = from_stripe(refund["amount"], refund["currency"])
    return ProviderRefund(
        id=refund["id"],
        provider_payment_id=_id_of(refund["payment_intent"]),
        status=_REFUND_STATUS.get(refund["status"], ProviderRefundStatus.PENDING),
        amount=amount,
        created_at=_moment(refund["created"]),
        failure=_refund_failure(refund.get("failure_reason")),
        releases_only=_releases_only(refund, amount),
        refund_id=_uuid(metadata.get("refund_id")),
    )


def dispute_of(dispute: Json) -> ProviderDispute:
    """
    Return what a Dispute says.
    """
    return ProviderDispute(
        id=dispute["id"],
        provider_payment_id=_id_of(dispute["payment_intent"]),
        amount=from_stripe(dispute["amount"], dispute["currency"]),
        reason=str(dispute["reason"]),
        status=str(dispute["status"]),
        created_at=_moment(dispute["created"]),
    )


def page_of(listing: Json) -> tuple[list[Json], bool]:
    """
    Return what a page holds, and whether there are more.

    Raises:
        ValueError: It is no page. A broken answer must not pass for an empty listing,
            which would prove that something is absent.
    """
    items, more = listing["data"], listing["has_more"]
    if not isinstance(items, list) or not isinstance(more, bool):
        raise ValueError("this is no page of a listing")  # noqa: TRY004 - what is wrong is an answer
    return items, more


def is_foreign(listed: Json) -> bool:
    """
    Return whether a listed object is none of ours and beyond the core's words.

    Such are objects in a currency that is no longer in use, and refunds and disputes of
    charges that have no PaymentIntent. One that bears our metadata is never foreign.
    """
    ours = "payment_id" in (listed.get("metadata") or {})
    worded = listed["currency"].upper() in exponents()
    return not ours and not (worded and listed.get("payment_intent", "") is not None)


def failure_of(error: Json | None) -> Failure | None:
    """
    Return why an attempt failed, in words that may be shown.

    The code is Stripe's ``code``. The finer ``decline_code`` is left out: it tells a thief
    that a card is reported lost or stolen, and Stripe asks not to show it.
    https://docs.stripe.com/declines/codes
    """
    if not error:
        return None
    code = str(error.get("code") or error.get("type") or "provider_error")
    message = mask(str(error.get("message") or "Stripe gave no reason."))
    return Failure(code[:_LONGEST_MESSAGE], message[:_LONGEST_MESSAGE])


def _refund_failure(reason: str | None) -> Failure | None:
    if not reason:
        return None
    return Failure(reason, f"The refund did not reach the customer: {reason.replace('_', ' ')}.")


def _releases_only(refund: Json, amount: Money) -> bool:
    """
    Return whether a Refund only let go of money that was held and never taken.

    Stripe makes such refunds by itself, for cancelled and expired holds and for the rest of
    a partial capture. No field says so. They never bear our metadata and never touch the
    balance, and their amount is what the charge did not capture: all of it, or the rest.
    https://docs.stripe.com/api/refunds/object (reason, balance_transaction),
    https://docs.stripe.com/api/payment_intents/cancel,
    https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
    """
    if (refund.get("metadata") or {}).get("refund_id") or refund["status"] != "succeeded":
        return False
    if refund.get("reason") == "expired_uncaptured_charge":
        return True
    charge = refund.get("charge")
    if refund.get("balance_transaction") or not isinstance(charge, Mapping):
        return False
    rest = charge["amount"] - charge["amount_captured"]
    return not charge["captured"] or amount == from_stripe(rest, charge["currency"])


def _redirect_url(action: Json | None) -> str | None:
    redirect = (action or {}).get("redirect_to_url") or {}
    url = redirect.get("url")
    return str(url) if url else None


def _id_of(reference: str | Json) -> str:
    return reference if isinstance(reference, str) else str(reference["id"])


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _uuid(text: object) -> UUID | None:
    """
    Return the id; None for metadata that others wrote.
    """
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
