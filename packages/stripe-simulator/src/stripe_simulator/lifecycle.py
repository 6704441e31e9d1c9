"""
The steps of a PaymentIntent: confirm, capture, cancel.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator import attempts, charges, payment_methods, refunds
from stripe_simulator.api import Call, Operation
from stripe_simulator.currencies import check_granularity
from stripe_simulator.errors import ApiError, card_error, unexpected_state
from stripe_simulator.intents import attach, check_return_url, load, shown
from stripe_simulator.params import (
    Parameters,
    anything,
    boolean,
    choice,
    identifier,
    merge_metadata,
    metadata,
    positive,
    text,
)
from stripe_simulator.work import Work, public

Json = dict[str, Any]

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = (*CONFIRMABLE, "requires_capture")
REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
CONFIRMATION = {
    "return_url": text,
    "off_session": boolean,
    "error_on_requires_action": boolean,
    "use_stripe_sdk": boolean,
    "mandate_data": anything,
}
"""What a confirmation takes, alone or within a creation."""


def confirm(work: Work, intent: Json, parameters: Json) -> None:
    """
    Attempts to pay.

    Raises:
        ApiError: 402 when the attempt was declined; 400 when there is nothing to attempt with.
    """
    if intent["payment_method"] is None:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can"
            " either update the PaymentIntent with a payment method and then confirm it again, or"
            " confirm it again directly with a payment method or ConfirmationToken."
        )
        raise unexpected_state(message, public(intent))
    intent["_return_url"] = parameters.get("return_url")
    method = work.get("payment_method", intent["payment_method"])
    off_session = bool(parameters.get("off_session"))
    may_ask = not off_session and not parameters.get("error_on_requires_action")
    attempts.attempt(work, intent, method, off_session=off_session, may_ask=may_ask)
    if intent["last_payment_error"] is not None:
        raise card_error(intent["last_payment_error"], public(intent))


def _confirm(work: Work, call: Call) -> Json:
    intent = load(work, call)
    _check_confirmable(intent)
    parameters = call.parameters
    if not call.publishable:
        check_return_url(intent, parameters)
    attach(work, intent, parameters)
    changed = ("capture_method", "receipt_email", "setup_future_usage", "shipping")
    intent.update({name: parameters[name] for name in changed if name in parameters})
    try:
        confirm(work, intent, parameters)
    except ApiError as error:
        raise _shown_error(error, intent, call) from None
    return shown(intent, call)


def _shown_error(error: ApiError, intent: Json, call: Call) -> ApiError:
    if call.publishable:
        error.add_detail("payment_intent", shown(intent, call))
    return error


def _check_confirmable(intent: Json) -> None:
    if intent["status"] in CONFIRMABLE:
        return
    why = (
        "it has already succeeded after being previously confirmed."
        if intent["status"] == "succeeded"
        else f"it has a status of {intent['status']}. Only a PaymentIntent with one of the following"
        " statuses may be confirmed: requires_confirmation, requires_action."
    )
    raise unexpected_state(f"You cannot confirm this PaymentIntent because {why}", public(intent))


def _capture(work: Work, call: Call) -> Json:
    intent = load(work, call)
    if intent["status"] != "requires_capture":
        message = (
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}."
            " Only a PaymentIntent with one of the following statuses may be captured:"
            " requires_capture."
        )
        raise unexpected_state(message, public(intent))
    amount = {"amount_to_capture": intent["amount_capturable"], **call.parameters}[
        "amount_to_capture"
    ]
    _check_capture(intent, amount, call.parameters)
    _take(work, intent, amount, call.parameters)
    return shown(intent, call)


def _check_capture(intent: Json, amount: int, parameters: Json) -> None:
    if amount > intent["amount_capturable"]:
        raise ApiError(
            f"You cannot capture payment intent {intent['id']} with an amount of {amount} because"
            f" it has a capturable amount of {intent['amount_capturable']}.",
            code="amount_too_large",
            param="amount_to_capture",
            details={"payment_intent": public(intent)},
        )
    check_granularity(amount, intent["currency"], "amount_to_capture")
    if parameters.get("final_capture") is False:
        message = "This PaymentIntent does not support multicapture: final_capture cannot be false."
        raise ApiError(message, param="final_capture")


def _take(work: Work, intent: Json, amount: int, parameters: Json) -> None:
    charge = work.get("charge", intent["latest_charge"])
    intent["metadata"] = merge_metadata(intent["metadata"], parameters.get("metadata", {}))
    released = intent["amount_capturable"] - amount
    charges.capture(work, intent, charge, amount)
    intent["status"] = "succeeded"
    work.save(intent)
    if released:
        refunds.release(work, charge, released)
    work.emit("charge.captured", charge)
    work.emit("payment_intent.succeeded", intent)
    charges.open_dispute_of(work, charge)


def _cancel(work: Work, call: Call) -> Json:
    intent = load(work, call)
    if not _is_cancelable(work, intent):
        message = (
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}."
            " Only a PaymentIntent with one of the following statuses may be canceled:"
            f" {', '.join(CANCELABLE)}, processing."
        )
        raise unexpected_state(message, public(intent))
    cancel(work, intent, call.parameters.get("cancellation_reason"))
    return shown(intent, call)


def _is_cancelable(work: Work, intent: Json) -> bool:
    if intent["status"] != "processing":
        return intent["status"] in CANCELABLE
    method = work.get("payment_method", intent["payment_method"])
    return bool(method["type"] == "us_bank_account")


def cancel(work: Work, intent: Json, reason: str | None) -> None:
    """
    Ends a PaymentIntent; what it held goes back to the customer.
    """
    held = intent["amount_capturable"]
    if intent["status"] == "processing":
        charges.stop(work, work.get("charge", intent["latest_charge"]))
    _end(work, intent, reason)
    if held:
        charge = work.get("charge", intent["latest_charge"])
        refunds.release(work, charge, held)
        work.emit("charge.refunded", charge)
    work.emit("payment_intent.canceled", intent)


def _end(work: Work, intent: Json, reason: str | None) -> None:
    intent.update(
        status="canceled",
        canceled_at=work.now,
        cancellation_reason=reason,
        amount_capturable=0,
        next_action=None,
    )
    work.save(intent)


def expire(work: Work, intent_id: str) -> None:
    """
    The timer of an authorisation: what was not captured in time is lost.
    """
    intent = work.get("payment_intent", intent_id)
    if intent["status"] != "requires_capture":
        return
    charge = work.get("charge", intent["latest_charge"])
    _end(work, intent, "automatic")
    refunds.release(work, charge, charge["amount"], "expired_uncaptured_charge")
    work.emit("charge.expired", charge)
    work.emit("payment_intent.canceled", intent)


_UNSIMULATED = (
    "amount_details",
    "application_fee_amount",
    "hooks",
    "payment_details",
    "transfer_data",
)

CONFIRM = Operation(
    "payment_intents.confirm",
    "POST",
    "/v1/payment_intents/<id>/confirm",
    Parameters(
        {
            "payment_method": text,
            "payment_method_data": payment_methods.DATA,
            "payment_method_options": anything,
            "client_secret": identifier,
            "capture_method": choice("automatic", "automatic_async", "manual"),
            "receipt_email": text,
            "setup_future_usage": choice("on_session", "off_session"),
            "shipping": anything,
            **CONFIRMATION,
        },
        unsimulated=(
            *_UNSIMULATED,
            "confirmation_token",
            "mandate",
            "amount_to_confirm",
            "radar_options",
        ),
    ),
    _confirm,
    publishable=True,
)
CAPTURE = Operation(
    "payment_intents.capture",
    "POST",
    "/v1/payment_intents/<id>/capture",
    Parameters(
        {"amount_to_capture": positive, "final_capture": boolean, "metadata": metadata},
        unsimulated=(*_UNSIMULATED, "statement_descriptor", "statement_descriptor_suffix"),
    ),
    _capture,
)
CANCEL = Operation(
    "payment_intents.cancel",
    "POST",
    "/v1/payment_intents/<id>/cancel",
    Parameters({"cancellation_reason": choice(*REASONS)}),
    _cancel,
)
