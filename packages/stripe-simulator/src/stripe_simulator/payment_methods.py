"""
PaymentMethods: made from test ids, tokens and published test numbers.
"""

from __future__ import annotations

import hashlib
from typing import Any

from stripe_simulator import cards
from stripe_simulator.api import Call, Operation
from stripe_simulator.cards import TestMethod
from stripe_simulator.errors import ApiError, invalid_parameter, resource_missing
from stripe_simulator.params import (
    Parameters,
    anything,
    choice,
    identifier,
    integer,
    merge_metadata,
    metadata,
    struct,
    text,
)
from stripe_simulator.work import Work, public

Json = dict[str, Any]

ADDRESS = struct(city=text, country=text, line1=text, line2=text, postal_code=text, state=text)
BILLING_DETAILS = struct(address=ADDRESS, email=text, name=text, phone=text, tax_id=text)
CARD = struct(number=identifier, exp_month=integer, exp_year=integer, cvc=text, token=identifier)
BANK = struct(
    account_number=identifier, routing_number=text, account_holder_type=text, account_type=text
)
FIELDS = {
    "type": choice("card", "us_bank_account", "sepa_debit"),
    "card": CARD,
    "us_bank_account": BANK,
    "sepa_debit": struct(iban=identifier),
    "billing_details": BILLING_DETAILS,
    "metadata": metadata,
    "allow_redisplay": choice("always", "limited", "unspecified"),
}
DATA = struct(**FIELDS)
"""The parameters of `payment_method_data`."""

EMPTY_BILLING_DETAILS: Json = {
    "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
    "email": None,
    "name": None,
    "phone": None,
    "tax_id": None,
}


def resolve(work: Work, name: str, param: str = "payment_method") -> Json:
    """
    The PaymentMethod of an id; a test id such as `pm_card_visa` makes a new one.

    Raises:
        ApiError: `resource_missing`.
    """
    method = cards.find(name) if name.startswith("pm_") else None
    if method is not None:
        return work.save(_made(work, method))
    found = work.find("payment_method", name)
    if found is None:
        missing = resource_missing("PaymentMethod", name, param, 400 if param != "id" else 404)
        raise missing
    return found


def behaviour_of(payment_method: Json) -> TestMethod:
    """
    What this PaymentMethod does.
    """
    return cards.BY_NAME[payment_method["_test_method"]]


def create_from(work: Work, data: Json) -> Json:
    """
    A PaymentMethod from the parameters of a creation.

    Raises:
        ApiError: The details are missing, or no published test number.
    """
    kind = data["type"]
    if kind not in data:
        raise invalid_parameter(f"Missing required param: {kind}.", kind, "parameter_missing")
    payment_method = _made(work, _test_method_for(kind, data[kind]))
    payment_method["metadata"] = merge_metadata({}, data.get("metadata", {}))
    given = data.get("billing_details", {})
    address = {**EMPTY_BILLING_DETAILS["address"], **given.get("address", {})}
    payment_method["billing_details"] = {**EMPTY_BILLING_DETAILS, **given, "address": address}
    if kind == "card" and "exp_month" in data["card"]:
        payment_method["card"].update(
            exp_month=data["card"]["exp_month"], exp_year=data["card"].get("exp_year")
        )
    return work.save(payment_method)


def _test_method_for(kind: str, details: Json) -> TestMethod:
    if "token" in details:
        method = cards.find(details["token"])
        if method is None:
            raise resource_missing("token", details["token"], "card[token]", 400)
        return method
    field = {"card": "number", "us_bank_account": "account_number", "sepa_debit": "iban"}[kind]
    number = str(details.get(field, "")).replace(" ", "")
    method = cards.BY_NUMBER.get(number)
    if method is None or method.kind != kind:
        raise ApiError(
            "Your card number is incorrect."
            if kind == "card"
            else "This is no published test account.",
            status=402 if kind == "card" else 400,
            type="card_error" if kind == "card" else "invalid_request_error",
            code="incorrect_number" if kind == "card" else "account_number_invalid",
            param=f"{kind}[{field}]",
        )
    return method


def _made(work: Work, method: TestMethod) -> Json:
    return {
        "id": work.new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            **EMPTY_BILLING_DETAILS,
            "address": dict(EMPTY_BILLING_DETAILS["address"]),
        },
        method.kind: _details(method, work),
        "created": work.now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": method.kind,
        "_test_method": method.name,
    }


def fingerprint(method: TestMethod) -> str:
    """
    The same for the same number.
    """
    return hashlib.sha256(method.number.encode()).hexdigest()[:16]


def _details(method: TestMethod, work: Work) -> Json:
    if method.kind == "card":
        return _card(method, work.now)
    common = {"fingerprint": fingerprint(method), "last4": method.last4}
    if method.kind == "sepa_debit":
        return {
            **common,
            "bank_code": "37040044",
            "branch_code": "",
            "country": method.country,
            "generated_from": None,
        }
    return {
        **common,
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": "110000000",
        "status_details": {},
    }


def _card(method: TestMethod, now: int) -> Json:
    line1, postal_code = method.address_check
    return {
        "brand": method.brand,
        "checks": {
            "address_line1_check": line1,
            "address_postal_code_check": postal_code,
            "cvc_check": method.cvc_check,
        },
        "country": method.country,
        "display_brand": method.brand,
        "exp_month": 8,
        "exp_year": 1970 + now // 31_556_952 + 1,
        "fingerprint": fingerprint(method),
        "funding": method.funding,
        "generated_from": None,
        "last4": method.last4,
        "networks": {"available": [method.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": method.three_d_secure != "not_supported"},
        "wallet": None,
    }


def _create(work: Work, call: Call) -> Json:
    return public(create_from(work, call.parameters))


def _retrieve(work: Work, call: Call) -> Json:
    return public(resolve(work, call.id, "id"))


OPERATIONS = (
    Operation(
        "payment_methods.create", "POST", "/v1/payment_methods",
        Parameters({"radar_options": anything, **FIELDS}, required=("type",), unsimulated=("customer", "payment_method")),
        _create, publishable=True,
    ),
    Operation("payment_methods.retrieve", "GET", "/v1/payment_methods/<id>", Parameters(), _retrieve),
)  # fmt: skip
