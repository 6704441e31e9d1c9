"""
Disputes: opened by the test cards that bring them.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator import balance
from stripe_simulator.api import Call, Operation
from stripe_simulator.errors import ApiError
from stripe_simulator.listing import list_parameters, page
from stripe_simulator.params import Parameters, identifier
from stripe_simulator.work import Work, public

Json = dict[str, Any]

EVIDENCE_DAYS = 7
DISPUTE_FEE = 1500
EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy",
    "cancellation_policy_disclosure", "cancellation_rebuttal", "customer_communication",
    "customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature",
    "duplicate_charge_documentation", "duplicate_charge_explanation", "duplicate_charge_id",
    "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address",
    "shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number",
    "uncategorized_file", "uncategorized_text",
)  # fmt: skip


def open_dispute(work: Work, charge: Json, reason: str, *, inquiry: bool) -> Json:
    """
    A dispute over the whole charge; unless it is an inquiry, its funds are withdrawn at once.
    """
    dispute = work.save(_new(work, charge, reason, inquiry=inquiry))
    charge.update(disputed=True, _charged_back=not inquiry)
    work.save(charge)
    work.emit("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(work, dispute)
    return dispute


def _withdraw(work: Work, dispute: Json) -> None:
    transaction = balance.book(work, "adjustment", dispute, -dispute["amount"])
    dispute["balance_transactions"] = [public(work.get("balance_transaction", transaction))]
    work.save(dispute)
    work.emit("charge.dispute.funds_withdrawn", dispute)


def _new(work: Work, charge: Json, reason: str, *, inquiry: bool) -> Json:
    brand = charge["payment_method_details"].get("card", {}).get("brand")
    card = {
        "brand": brand,
        "case_type": "inquiry" if inquiry else "chargeback",
        "network": brand,
        "network_reason_code": "10.4",
    }
    details = (
        {"card": card, "type": "card"}
        if brand
        else {"type": charge["payment_method_details"]["type"]}
    )
    return {
        "id": work.new_id("dp" if not inquiry else "du"),
        "object": "dispute",
        "amount": charge["amount_captured"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": work.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": work.now + EVIDENCE_DAYS * 24 * 60 * 60,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": details,
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def _retrieve(work: Work, call: Call) -> Json:
    return public(work.get("dispute", call.id))


def _list(work: Work, call: Call) -> Json:
    parameters = call.parameters
    intent, charge = parameters.get("payment_intent"), parameters.get("charge")
    return page(work, call, "dispute", "/v1/disputes", payment_intent=intent, charge=charge)


def _close(work: Work, call: Call) -> Json:
    dispute = work.get("dispute", call.id)
    if dispute["status"] not in {"needs_response", "warning_needs_response"}:
        raise ApiError("This dispute is already closed")
    dispute["status"] = "warning_closed" if dispute["status"].startswith("warning") else "lost"
    work.save(dispute)
    work.emit("charge.dispute.closed", dispute)
    return public(dispute)


OPERATIONS = (
    Operation("disputes.retrieve", "GET", "/v1/disputes/<id>", Parameters(), _retrieve),
    Operation("disputes.close", "POST", "/v1/disputes/<id>/close", Parameters(), _close),
    Operation(
        "disputes.list", "GET", "/v1/disputes",
        list_parameters(payment_intent=identifier, charge=identifier), _list,
    ),
)  # fmt: skip
