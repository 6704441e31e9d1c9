"""
PaymentIntents: created, read, changed and listed.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator import payment_methods
from stripe_simulator.api import Call, Operation
from stripe_simulator.currencies import check_amount, check_currency
from stripe_simulator.errors import ApiError, invalid_parameter, unexpected_state
from stripe_simulator.intents import attach, check_return_url, load, shown
from stripe_simulator.lifecycle import CANCEL, CAPTURE, CONFIRM, CONFIRMATION, confirm
from stripe_simulator.listing import list_parameters, page
from stripe_simulator.params import (
    Parameters,
    anything,
    boolean,
    choice,
    identifier,
    integer,
    list_of,
    merge_metadata,
    metadata,
    struct,
    text,
)
from stripe_simulator.work import Work, public

Json = dict[str, Any]

UNSIMULATED = (
    "allowed_payment_method_types", "amount_details", "application_fee_amount", "confirmation_token",
    "customer_account", "excluded_payment_method_types", "hooks", "mandate", "on_behalf_of",
    "payment_details", "payment_method_configuration", "radar_options", "transfer_data",
)  # fmt: skip
SHARED = {
    "customer": text,
    "description": text,
    "metadata": metadata,
    "payment_method": text,
    "payment_method_data": payment_methods.DATA,
    "payment_method_options": anything,
    "payment_method_types": list_of(identifier),
    "receipt_email": text,
    "setup_future_usage": choice("on_session", "off_session"),
    "shipping": anything,
    "statement_descriptor": text,
    "statement_descriptor_suffix": text,
    "transfer_group": text,
    "capture_method": choice("automatic", "automatic_async", "manual"),
}
COPIED = (
    "customer", "description", "payment_method_options", "receipt_email", "setup_future_usage",
    "shipping", "statement_descriptor", "statement_descriptor_suffix", "transfer_group",
)  # fmt: skip
UNFIXED = ("requires_payment_method", "requires_confirmation", "requires_action")
"""The statuses in which what is to be paid may still change."""


def _new(work: Work, parameters: Json, currency: str) -> Json:
    identifier_ = work.new_id("pi")
    automatic = parameters.get("automatic_payment_methods")
    if automatic is None and "payment_method_types" not in parameters:
        automatic = {"enabled": True}
    chosen: Json | None = None
    if automatic is not None and automatic["enabled"]:
        chosen = {"allow_redirects": "always", **automatic}
    return {
        "id": identifier_,
        "object": "payment_intent",
        "amount": parameters["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": chosen,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": parameters.get("capture_method", "automatic_async"),
        "client_secret": f"{identifier_}_{work.new_id('secret', 25)}",
        "confirmation_method": parameters.get("confirmation_method", "automatic"),
        "created": work.now,
        "currency": currency,
        "customer_account": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": merge_metadata({}, parameters.get("metadata", {})),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": {"id": "pmc_simulated", "parent": None}
        if chosen
        else None,
        "payment_method_types": _types(parameters, currency),
        "processing": None,
        "review": None,
        "source": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        **{name: parameters.get(name) for name in COPIED},
        "payment_method_options": parameters.get("payment_method_options", {}),
        "_return_url": None,
    }


def _types(parameters: Json, currency: str) -> list[str]:
    if "payment_method_types" in parameters:
        return list(parameters["payment_method_types"])
    debit = {"usd": ["us_bank_account"], "eur": ["sepa_debit"]}.get(currency, [])
    return ["card", *debit]


def _create(work: Work, call: Call) -> Json:
    parameters = call.parameters
    currency = check_currency(parameters["currency"])
    check_amount(parameters["amount"], currency)
    _check_combination(parameters)
    intent = _new(work, parameters, currency)
    if parameters.get("confirm"):
        check_return_url(intent, parameters)
    attach(work, intent, parameters)
    work.save(intent)
    work.emit("payment_intent.created", intent)
    if parameters.get("confirm"):
        confirm(work, intent, parameters)
    return shown(intent, call)


def _check_combination(parameters: Json) -> None:
    automatic = parameters.get("automatic_payment_methods")
    if automatic is not None and automatic.get("enabled") and "payment_method_types" in parameters:
        message = "You may only specify one of these parameters: automatic_payment_methods, payment_method_types."
        raise invalid_parameter(message, "payment_method_types", "parameters_exclusive")
    if automatic is not None and "enabled" not in automatic:
        name = "automatic_payment_methods[enabled]"
        raise invalid_parameter(f"Missing required param: {name}.", name, "parameter_missing")
    if "confirm" not in parameters:
        for name in ("return_url", "off_session", "error_on_requires_action", "mandate_data"):
            if name in parameters:
                message = f"The parameter `{name}` can only be used with `confirm` set to true."
                raise invalid_parameter(message, name)


def _retrieve(work: Work, call: Call) -> Json:
    return shown(load(work, call), call)


def _update(work: Work, call: Call) -> Json:
    intent = load(work, call)
    parameters = call.parameters
    for name in (
        "amount",
        "currency",
        "capture_method",
        "payment_method",
        "payment_method_data",
        "payment_method_types",
    ):
        if name in parameters and intent["status"] not in UNFIXED:
            raise _fixed(intent, name)
    asked = {**intent, **parameters}
    currency = check_currency(asked["currency"])
    if "amount" in parameters or "currency" in parameters:
        check_amount(asked["amount"], currency)
        intent.update(amount=asked["amount"], currency=currency)
    plain = (*COPIED, "capture_method", "payment_method_types")
    intent.update({name: parameters[name] for name in plain if name in parameters})
    intent["metadata"] = merge_metadata(intent["metadata"], parameters.get("metadata", {}))
    attach(work, intent, parameters)
    return shown(work.save(intent), call)


def _fixed(intent: Json, name: str) -> ApiError:
    return unexpected_state(
        f"This PaymentIntent's {name} could not be updated because it has a status of"
        f" {intent['status']}. You may only update the {name} of a PaymentIntent with one of the"
        f" following statuses: {', '.join(UNFIXED)}.",
        public(intent),
    )


def _list(work: Work, call: Call) -> Json:
    return page(
        work,
        call,
        "payment_intent",
        "/v1/payment_intents",
        customer=call.parameters.get("customer"),
    )


AUTOMATIC = struct(enabled=boolean, allow_redirects=choice("always", "never"))
PATH = "/v1/payment_intents"
OPERATIONS = (
    Operation(
        "payment_intents.create", "POST", PATH,
        Parameters({"amount": integer, "currency": identifier, "automatic_payment_methods": AUTOMATIC, "confirm": boolean, "confirmation_method": choice("automatic", "manual"), **SHARED, **CONFIRMATION}, required=("amount", "currency"), unsimulated=UNSIMULATED),
        _create,
    ),
    Operation(
        "payment_intents.retrieve", "GET", f"{PATH}/<id>", Parameters({"client_secret": identifier}),
        _retrieve, publishable=True,
    ),
    Operation(
        "payment_intents.update", "POST", f"{PATH}/<id>",
        Parameters({"amount": integer, "currency": identifier, **SHARED}, unsimulated=UNSIMULATED), _update,
    ),
    Operation("payment_intents.list", "GET", PATH, list_parameters(customer=identifier), _list),
    CONFIRM, CAPTURE, CANCEL,
)  # fmt: skip
