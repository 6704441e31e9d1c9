"""
Charges: what an attempt leaves behind, captured, released, refunded or failed.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator import balance, disputes, payment_methods
from stripe_simulator.api import Call, Operation
from stripe_simulator.cards import Decline
from stripe_simulator.charge_object import authentication, new_charge, outcome
from stripe_simulator.listing import list_parameters, page
from stripe_simulator.params import Parameters, anything, identifier, merge_metadata, metadata, text
from stripe_simulator.work import Work, public

Json = dict[str, Any]

AUTHORISATION_SECONDS = 7 * 24 * 60 * 60
"""How long most cards hold an amount."""

UPDATABLE = ("description", "receipt_email", "shipping", "transfer_group", "customer")


def authorise(work: Work, intent: Json, method: Json, *, authenticated: bool = False) -> Json:
    """
    A charge that succeeded: held, and captured at once unless capture is manual.
    """
    charge = new_charge(work, intent, method)
    behaviour = payment_methods.behaviour_of(method)
    charge.update(paid=True, status="succeeded", outcome=outcome(behaviour, None))
    if authenticated and method["type"] == "card":
        charge["payment_method_details"]["card"]["three_d_secure"] = authentication("challenge")
    intent["latest_charge"] = charge["id"]
    if intent["capture_method"] != "manual":
        capture(work, intent, charge, charge["amount"])
    else:
        _hold(work, intent, charge)
    return work.save(charge)


def _hold(work: Work, intent: Json, charge: Json) -> None:
    details = charge["payment_method_details"]["card"]
    details["capture_before"] = work.now + AUTHORISATION_SECONDS
    work.schedule("authorisation_expired", intent["id"], AUTHORISATION_SECONDS)


def fail(work: Work, intent: Json, method: Json, decline: Decline) -> Json:
    """
    A charge that the bank refused.
    """
    charge = new_charge(work, intent, method)
    behaviour = payment_methods.behaviour_of(method)
    charge.update(
        failure_code=decline.code,
        failure_message=decline.message,
        outcome=outcome(behaviour, decline),
    )
    intent["latest_charge"] = charge["id"]
    work.save(charge)
    work.emit("charge.failed", charge)
    return charge


def pend(work: Work, intent: Json, method: Json) -> Json:
    """
    A charge whose outcome the bank reports later.
    """
    charge = new_charge(work, intent, method)
    charge.update(status="pending", outcome=outcome(payment_methods.behaviour_of(method), None))
    intent["latest_charge"] = charge["id"]
    work.save(charge)
    work.emit("charge.pending", charge)
    return charge


def stop(work: Work, charge: Json) -> None:
    """
    Ends a pending charge whose PaymentIntent was cancelled.
    """
    charge.update(status="failed", failure_message="The payment was canceled.")
    work.save(charge)
    work.emit("charge.failed", charge)


def capture(work: Work, intent: Json, charge: Json, amount: int) -> None:
    """
    Takes an amount of what is held; with `automatic_async` it is booked a little later.
    """
    charge.update(captured=True, amount_captured=amount)
    intent.update(amount_received=amount, amount_capturable=0)
    if intent["capture_method"] == "automatic_async":
        work.schedule("charge_booked", charge["id"])
    else:
        book(work, charge)
    work.save(charge)


def book(work: Work, charge: Json) -> None:
    """
    Books a captured charge in the balance.
    """
    method = work.get("payment_method", charge["payment_method"])
    kind = "charge" if method["type"] == "card" else "payment"
    at_once = payment_methods.behaviour_of(method).available_at_once
    charge["balance_transaction"] = balance.book(
        work, kind, charge, charge["amount_captured"], at_once=at_once
    )
    work.save(charge)


def book_later(work: Work, charge_id: str) -> None:
    """
    The timer after an asynchronous capture.
    """
    charge = work.get("charge", charge_id)
    if charge["balance_transaction"] is None:
        book(work, charge)
        work.emit("charge.updated", charge, {"balance_transaction": None, "receipt_url": None})


def announce_success(work: Work, charge: Json) -> None:
    """
    Sends `charge.succeeded`, and what follows from it.
    """
    work.emit("charge.succeeded", charge)
    open_dispute_of(work, charge)


def open_dispute_of(work: Work, charge: Json) -> None:
    """
    Opens the dispute that some test cards bring, once the money is taken.
    """
    behaviour = payment_methods.behaviour_of(work.get("payment_method", charge["payment_method"]))
    if behaviour.dispute is not None and charge["captured"]:
        disputes.open_dispute(work, charge, behaviour.dispute, inquiry=behaviour.inquiry)


def _retrieve(work: Work, call: Call) -> Json:
    return public(work.get("charge", call.id))


def _update(work: Work, call: Call) -> Json:
    charge = work.get("charge", call.id)
    parameters = call.parameters
    charge["metadata"] = merge_metadata(charge["metadata"], parameters.get("metadata", {}))
    charge.update({name: parameters[name] for name in UPDATABLE if name in parameters})
    work.save(charge)
    work.emit("charge.updated", charge)
    return public(charge)


def _list(work: Work, call: Call) -> Json:
    parameters = call.parameters
    intent, customer = parameters.get("payment_intent"), parameters.get("customer")
    return page(work, call, "charge", "/v1/charges", payment_intent=intent, customer=customer)


OPERATIONS = (
    Operation("charges.retrieve", "GET", "/v1/charges/<id>", Parameters(), _retrieve),
    Operation(
        "charges.update", "POST", "/v1/charges/<id>",
        Parameters({"metadata": metadata, "description": text, "receipt_email": text, "shipping": anything, "transfer_group": text, "customer": text}, unsimulated=("fraud_details",)),
        _update,
    ),
    Operation(
        "charges.list", "GET", "/v1/charges",
        list_parameters(payment_intent=identifier, customer=identifier), _list,
    ),
)  # fmt: skip
