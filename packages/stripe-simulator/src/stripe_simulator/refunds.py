"""
Refunds: asked for by the caller, or made by Stripe when held money is released.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator import balance, payment_methods
from stripe_simulator.api import Call, Operation
from stripe_simulator.currencies import check_granularity, display
from stripe_simulator.errors import ApiError, invalid_parameter, unexpected_state
from stripe_simulator.listing import list_parameters, page
from stripe_simulator.params import (
    Parameters,
    choice,
    identifier,
    merge_metadata,
    metadata,
    positive,
)
from stripe_simulator.work import Work, public

Json = dict[str, Any]

FAILURE_REASON = "expired_or_canceled_card"


def _create(work: Work, call: Call) -> Json:
    parameters = call.parameters
    charge = _refundable_charge(work, parameters)
    amount = _checked_amount(charge, parameters)
    refund = _new(work, charge, amount)
    refund["reason"] = parameters.get("reason")
    refund["metadata"] = merge_metadata({}, parameters.get("metadata", {}))
    _send(work, refund, charge)
    return public(refund)


def _refundable_charge(work: Work, parameters: Json) -> Json:
    if "payment_intent" not in parameters and "charge" not in parameters:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise invalid_parameter(message, None, "parameter_missing")
    intent, charge = _named(work, parameters)
    if intent["status"] == "requires_capture":
        message = (
            "This PaymentIntent could not be refunded because it has a status of requires_capture."
            " You can cancel it instead with the PaymentIntents API."
        )
        raise unexpected_state(message, public(intent))
    if charge is None or charge["status"] != "succeeded" or not charge["captured"]:
        raise ApiError(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            param="payment_intent" if "payment_intent" in parameters else "charge",
        )
    return charge


def _named(work: Work, parameters: Json) -> tuple[Json, Json | None]:
    if "payment_intent" in parameters:
        intent = work.get("payment_intent", parameters["payment_intent"], "payment_intent")
        return intent, work.find("charge", intent["latest_charge"] or "")
    charge = work.get("charge", parameters["charge"], "charge")
    return work.get("payment_intent", charge["payment_intent"]), charge


def _checked_amount(charge: Json, parameters: Json) -> int:
    left = charge["amount"] - charge["amount_refunded"]
    if charge.get("_charged_back"):
        raise ApiError(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if charge["refunded"]:
        message = f"Charge {charge['id']} has already been refunded."
        raise ApiError(message, code="charge_already_refunded")
    amount = parameters.get("amount", left)
    if amount > left:
        currency = charge["currency"]
        message = (
            f"Refund amount ({display(amount, currency)}) is greater than unrefunded amount on"
            f" charge ({display(left, currency)})"
        )
        raise ApiError(message, param="amount")
    check_granularity(amount, charge["currency"])
    return int(amount)


def _new(work: Work, charge: Json, amount: int) -> Json:
    card = charge["payment_method_details"]["type"] == "card"
    return {
        "id": work.new_id("re" if card else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": work.now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": _destination(charge),
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def _destination(charge: Json) -> Json:
    kind = charge["payment_method_details"]["type"]
    if kind != "card":
        return {kind: {}, "type": kind}
    card = {
        "reference_status": "pending",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    return {"card": card, "type": "card"}


def _send(work: Work, refund: Json, charge: Json) -> None:
    method = payment_methods.behaviour_of(work.get("payment_method", charge["payment_method"]))
    if method.refund == "late" or method.kind != "card":
        refund.update(status="pending", pending_reason="processing")
        work.schedule("refund_settled", refund["id"])
    elif method.refund == "fails":
        work.schedule("refund_failed", refund["id"])
    refund["balance_transaction"] = balance.book(work, "refund", refund, -refund["amount"])
    _count(charge, refund["amount"])
    work.save(charge)
    work.save(refund)
    work.emit("refund.created", refund)
    work.emit("charge.refunded", charge)


def _count(charge: Json, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def release(work: Work, charge: Json, amount: int, reason: str | None = None) -> None:
    """
    The refund that Stripe makes for money that was held and never taken: nothing is booked.
    """
    refund = _new(work, charge, amount)
    refund["reason"] = reason
    if refund["destination_details"]["type"] == "card":
        refund["destination_details"] = {"card": {"type": "reversal"}, "type": "card"}
    _count(charge, amount)
    work.save(charge)
    work.save(refund)
    work.emit("refund.created", refund)


def settle(work: Work, refund_id: str) -> None:
    """
    The timer of a pending refund: it reaches the customer.
    """
    refund = work.get("refund", refund_id)
    if refund["status"] != "pending":
        return
    refund["status"] = "succeeded"
    del refund["pending_reason"]
    work.save(refund)
    _announce(work, refund, {"status": "pending"})


def fail(work: Work, refund_id: str) -> None:
    """
    The timer of a refund that the bank returns: the money is back in the balance.
    """
    refund = work.get("refund", refund_id)
    if refund["status"] not in {"pending", "succeeded"}:
        return
    previous = {"status": refund["status"]}
    charge = work.get("charge", refund["charge"])
    refund.update(status="failed", failure_reason=FAILURE_REASON)
    refund.pop("pending_reason", None)
    booked = balance.book(work, "refund_failure", refund, refund["amount"])
    refund["failure_balance_transaction"] = booked
    _count(charge, -refund["amount"])
    work.save(charge)
    work.save(refund)
    work.emit("refund.failed", refund, previous)
    _announce(work, refund, previous)


def _announce(work: Work, refund: Json, previous: Json) -> None:
    work.emit("refund.updated", refund, previous)
    work.emit("charge.refund.updated", refund, previous)


def _retrieve(work: Work, call: Call) -> Json:
    return public(work.get("refund", call.id))


def _update(work: Work, call: Call) -> Json:
    refund = work.get("refund", call.id)
    previous = {"metadata": dict(refund["metadata"])}
    refund["metadata"] = merge_metadata(refund["metadata"], call.parameters.get("metadata", {}))
    work.save(refund)
    _announce(work, refund, previous)
    return public(refund)


def _cancel(work: Work, call: Call) -> Json:
    refund = work.get("refund", call.id)
    raise ApiError(
        f"Refund {refund['id']} cannot be canceled because it has a status of {refund['status']}."
        " Only refunds with a status of requires_action can be canceled.",
    )


def _list(work: Work, call: Call) -> Json:
    parameters = call.parameters
    intent, charge = parameters.get("payment_intent"), parameters.get("charge")
    return page(work, call, "refund", "/v1/refunds", payment_intent=intent, charge=charge)


_UNSIMULATED = (
    "currency",
    "customer",
    "instructions_email",
    "origin",
    "refund_application_fee",
    "reverse_transfer",
)
PATH = "/v1/refunds"
OPERATIONS = (
    Operation(
        "refunds.create",
        "POST",
        PATH,
        Parameters(
            {
                "payment_intent": identifier,
                "charge": identifier,
                "amount": positive,
                "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
                "metadata": metadata,
            },
            unsimulated=_UNSIMULATED,
        ),
        _create,
    ),
    Operation("refunds.retrieve", "GET", f"{PATH}/<id>", Parameters(), _retrieve),
    Operation(
        "refunds.update", "POST", f"{PATH}/<id>", Parameters({"metadata": metadata}), _update
    ),
    Operation("refunds.cancel", "POST", f"{PATH}/<id>/cancel", Parameters(), _cancel),
    Operation(
        "refunds.list",
        "GET",
        PATH,
        list_parameters(payment_intent=identifier, charge=identifier),
        _list,
    ),
)
