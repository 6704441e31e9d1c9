"""
Attempts to pay: what confirming a PaymentIntent with a test method leads to.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator import cards, charges, payment_methods
from stripe_simulator.cards import Decline
from stripe_simulator.errors import DOCUMENTATION
from stripe_simulator.work import Work, public

Json = dict[str, Any]

AUTHENTICATION_FAILURE = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or"
    " a new PaymentMethod to attempt to fulfill this PaymentIntent again."
)


def attempt(work: Work, intent: Json, method: Json, *, off_session: bool, may_ask: bool) -> None:
    """
    Tries to pay with a method.

    Args:
        off_session: Whether the customer is absent.

        may_ask: Whether the customer can be sent to authenticate; when not, a card that requires
            it is declined.
    """
    intent.update(last_payment_error=None, next_action=None, payment_method=method["id"])
    behaviour = payment_methods.behaviour_of(method)
    required = {"required": True, "on_session": not off_session}
    if not required.get(behaviour.three_d_secure, False):
        conclude(work, intent, method)
    elif may_ask:
        _ask_to_authenticate(work, intent)
    else:
        _decline(work, intent, method, cards.AUTHENTICATION_REQUIRED)


def conclude(work: Work, intent: Json, method: Json, *, authenticated: bool = False) -> None:
    """
    Lets the bank decide, with the customer authenticated if that was needed.
    """
    behaviour = payment_methods.behaviour_of(method)
    intent["next_action"] = None
    if behaviour.settles != "now":
        _process(work, intent, method)
    elif behaviour.decline is not None:
        _decline(work, intent, method, behaviour.decline)
    else:
        _succeed(work, intent, charges.authorise(work, intent, method, authenticated=authenticated))


def _succeed(work: Work, intent: Json, charge: Json) -> None:
    if charge["captured"]:
        intent["status"] = "succeeded"
        work.emit("payment_intent.succeeded", intent)
    else:
        intent.update(status="requires_capture", amount_capturable=charge["amount"])
        work.emit("payment_intent.amount_capturable_updated", intent)
    work.save(intent)
    charges.announce_success(work, charge)


def _decline(work: Work, intent: Json, method: Json, decline: Decline) -> None:
    charge = charges.fail(work, intent, method, decline)
    failure = {
        "advice_code": charge["outcome"]["advice_code"],
        "charge": charge["id"],
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": DOCUMENTATION + decline.code.replace("_", "-"),
        "message": decline.message,
        "network_decline_code": charge["outcome"]["network_decline_code"],
        "param": "cvc" if decline.code == "incorrect_cvc" else None,
        "payment_method": public(method),
        "type": "card_error" if method["type"] == "card" else "invalid_request_error",
    }
    _fail(work, intent, failure)


def _fail(work: Work, intent: Json, failure: Json) -> None:
    error = {name: value for name, value in failure.items() if value is not None}
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        processing=None,
        last_payment_error=error,
    )
    work.save(intent)
    work.emit("payment_intent.payment_failed", intent)


def _process(work: Work, intent: Json, method: Json) -> None:
    charges.pend(work, intent, method)
    intent.update(status="processing")
    work.save(intent)
    work.emit("payment_intent.processing", intent)
    if payment_methods.behaviour_of(method).settles == "later":
        work.schedule("payment_settled", intent["id"])


def settle(work: Work, intent_id: str) -> None:
    """
    The timer after `processing`: the debit succeeds or comes back.
    """
    intent = work.get("payment_intent", intent_id)
    if intent["status"] != "processing":
        return
    charge = work.get("charge", intent["latest_charge"])
    method = work.get("payment_method", intent["payment_method"])
    decline = payment_methods.behaviour_of(method).decline
    if decline is None:
        charge.update(status="succeeded", paid=True)
        charges.capture(work, intent, charge, charge["amount"])
        _succeed(work, intent, charge)
    else:
        charge.update(status="failed", failure_code=decline.code, failure_message=decline.message)
        work.save(charge)
        work.emit("charge.failed", charge)
        _return_debit(work, intent, method, charge, decline)


def _return_debit(work: Work, intent: Json, method: Json, charge: Json, decline: Decline) -> None:
    failure = {
        "charge": charge["id"],
        "code": "payment_method_provider_decline"
        if method["type"] == "sepa_debit"
        else decline.code,
        "decline_code": decline.code,
        "message": decline.message,
        "payment_method": public(method),
        "type": "invalid_request_error",
    }
    _fail(work, intent, failure)


def _ask_to_authenticate(work: Work, intent: Json) -> None:
    url = f"{work.simulation.url}/authenticate/{intent['id']}?attempt={work.new_id('payatt')}"
    return_url = intent["_return_url"]
    redirect = {"return_url": return_url, "url": url}
    in_page = {"type": "three_d_secure_redirect", "stripe_js": url, "source": work.new_id("src")}
    intent["next_action"] = (
        {"type": "redirect_to_url", "redirect_to_url": redirect}
        if return_url
        else {"type": "use_stripe_sdk", "use_stripe_sdk": in_page}
    )
    intent["status"] = "requires_action"
    work.save(intent)
    work.emit("payment_intent.requires_action", intent)


def approve(work: Work, intent: Json) -> None:
    """
    The customer authenticated: the attempt goes on.
    """
    method = work.get("payment_method", intent["payment_method"])
    conclude(work, intent, method, authenticated=True)


def refuse(work: Work, intent: Json) -> None:
    """
    The customer failed to authenticate.
    """
    method = work.get("payment_method", intent["payment_method"])
    code = "payment_intent_authentication_failure"
    failure = {
        "code": code,
        "doc_url": DOCUMENTATION + code.replace("_", "-"),
        "message": AUTHENTICATION_FAILURE,
        "payment_method": public(method),
        "type": "invalid_request_error",
    }
    _fail(work, intent, failure)
