"""
What every step on a PaymentIntent shares: who may see it, and which method it takes.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator import payment_methods
from stripe_simulator.api import Call
from stripe_simulator.errors import ApiError, invalid_parameter
from stripe_simulator.work import Work, public

Json = dict[str, Any]

SHOWN_TO_BROWSERS = (
    "id", "object", "amount", "amount_details", "automatic_payment_methods", "canceled_at",
    "cancellation_reason", "capture_method", "client_secret", "confirmation_method", "created",
    "currency", "description", "last_payment_error", "livemode", "next_action", "payment_method",
    "payment_method_configuration_details", "payment_method_types", "processing", "receipt_email",
    "setup_future_usage", "shipping", "source", "status",
)  # fmt: skip


def shown(intent: Json, call: Call) -> Json:
    """
    A PaymentIntent as its caller may see it.
    """
    visible = public(intent)
    if call.publishable:
        return {name: visible[name] for name in SHOWN_TO_BROWSERS}
    return visible


def load(work: Work, call: Call) -> Json:
    """
    The PaymentIntent of a call; a browser needs its client secret.

    Raises:
        ApiError: There is none, or the client secret is missing or another's.
    """
    intent = work.get("payment_intent", call.id, "intent")
    given = call.parameters.get("client_secret")
    if given is None and call.publishable:
        raise _missing("client_secret")
    if given is not None and given != intent["client_secret"]:
        raise ApiError(
            "The client_secret provided does not match the client_secret associated with the"
            " PaymentIntent.",
            code="payment_intent_invalid_parameter",
            param="client_secret",
        )
    return intent


def attach(work: Work, intent: Json, parameters: Json) -> None:
    """
    Gives the PaymentIntent the method that was sent, if one was.

    Raises:
        ApiError: There is no such method, or it is of a type that the PaymentIntent does not take.
    """
    if "payment_method_data" in parameters:
        data = parameters["payment_method_data"]
        if "type" not in data:
            raise _missing("payment_method_data[type]")
        method = payment_methods.create_from(work, data)
    elif parameters.get("payment_method"):
        method = payment_methods.resolve(work, parameters["payment_method"])
    else:
        return
    _check_type(intent, method)
    intent.update(payment_method=method["id"], status="requires_confirmation", next_action=None)


def _check_type(intent: Json, method: Json) -> None:
    allowed = intent["payment_method_types"]
    if intent["capture_method"] == "manual" and method["type"] != "card":
        message = f"The payment method type {method['type']} does not support manual capture."
        raise invalid_parameter(message, "capture_method")
    if method["type"] not in allowed:
        raise ApiError(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent."
            " Please attach a PaymentMethod of one of the following types:"
            f" {', '.join(allowed)}. Alternatively update the allowed payment_method_types for this"
            f' PaymentIntent to include "{method["type"]}".',
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
        )


def check_return_url(intent: Json, parameters: Json) -> None:
    """
    Wants a return URL where a method might send the customer away.

    Raises:
        ApiError: Dashboard methods with redirects are on, and no `return_url` was given.
    """
    automatic = intent["automatic_payment_methods"]
    may_redirect = automatic is not None and automatic["allow_redirects"] == "always"
    excused = parameters.get("return_url") or parameters.get("use_stripe_sdk")
    if may_redirect and not excused and not parameters.get("error_on_requires_action"):
        raise invalid_parameter(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard."
            " Because some of these payment methods might redirect your customer off of your page,"
            " you must provide a `return_url`. If you don't want to accept redirect-based payment"
            " methods, set `automatic_payment_methods[enabled]` to `true` and"
            " `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents"
            " and Payment Intents.",
            None,
        )


def _missing(name: str) -> ApiError:
    return invalid_parameter(f"Missing required param: {name}.", name, "parameter_missing")
