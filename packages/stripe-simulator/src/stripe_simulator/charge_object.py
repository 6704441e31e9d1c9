"""
A charge as Stripe describes it: its fields, its outcome, and the card that was charged.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator.cards import Decline, TestMethod
from stripe_simulator.work import Work

Json = dict[str, Any]


def new_charge(work: Work, intent: Json, method: Json) -> Json:
    """
    A charge that nothing has happened to.
    """
    copied = (
        "amount",
        "currency",
        "customer",
        "description",
        "on_behalf_of",
        "receipt_email",
        "review",
    )
    more = (
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
        "transfer_group",
    )
    identifier_ = work.new_id("py" if method["type"] != "card" else "ch")
    return {
        "id": identifier_,
        "object": "charge",
        **{name: intent[name] for name in (*copied, *more)},
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": work.settings.merchant[:22].upper(),
        "captured": False,
        "created": work.now,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(method, intent),
        "radar_options": {},
        "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{identifier_}",
        "refunded": False,
        "source": None,
        "source_transfer": None,
        "status": "failed",
    }


def outcome(behaviour: TestMethod, decline: Decline | None) -> Json:
    """
    What the bank, or Stripe's risk check, said.
    """
    blocked = decline is not None and behaviour.risk == "highest"
    approved = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": behaviour.risk,
        "risk_score": {"normal": 20, "elevated": 70, "highest": 95}[behaviour.risk],
        "seller_message": "Payment complete.",
        "type": "authorized",
    }
    if decline is None:
        return approved
    return {
        **approved,
        "advice_code": "try_again_later" if decline.code == "processing_error" else None,
        "network_decline_code": "01" if decline.decline_code else None,
        "network_status": "not_sent_to_network" if blocked else "declined_by_network",
        "reason": "highest_risk_level" if blocked else decline.decline_code or decline.code,
        "seller_message": "Stripe blocked this payment as too risky."
        if blocked
        else "The bank did not return any further details with this decline.",
        "type": "blocked" if blocked else "issuer_declined",
    }


def authentication(flow: str) -> Json:
    """
    A successful 3-D Secure authentication.
    """
    return {
        "authentication_flow": flow,
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": "00000000-0000-4000-8000-000000000000",
        "version": "2.2.0",
    }


def _details(method: Json, intent: Json) -> Json:
    kind = method["type"]
    if kind != "card":
        return {kind: dict(method[kind]), "type": kind}
    shown = (
        "brand",
        "checks",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "regulated_status",
        "wallet",
    )
    card = method["card"]
    return {
        "card": {
            **{name: card[name] for name in shown},
            "amount_authorized": intent["amount"],
            "authorization_code": "123456",
            "extended_authorization": {"status": "disabled"},
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card["brand"],
            "network_token": {"used": False},
            "network_transaction_id": f"{intent['created']:015d}",
            "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
            "three_d_secure": None,
            "transaction_link_id": None,
        },
        "type": "card",
    }
