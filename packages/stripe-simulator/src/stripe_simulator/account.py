"""
The account itself, so that a client can ask whether its key is good.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Call, Operation
from stripe_simulator.params import Parameters
from stripe_simulator.work import Work

Json = dict[str, Any]

PROFILE = (
    "annual_revenue", "estimated_worker_count", "mcc", "minority_owned_business_designation",
    "name", "product_description", "support_address", "support_email", "support_phone",
    "support_url", "url",
)  # fmt: skip
SETTINGS: Json = {
    "bacs_debit_payments": ("display_name",),
    "branding": ("icon", "logo", "primary_color", "secondary_color"),
    "card_issuing": ("tos_acceptance",),
    "card_payments": ("decline_on", "statement_descriptor_prefix"),
    "dashboard": ("display_name", "timezone"),
    "invoices": ("default_account_tax_ids", "hosted_payment_method_save"),
    "payments": ("statement_descriptor",),
    "payouts": ("debit_negative_balances", "schedule", "statement_descriptor"),
    "sepa_debit_payments": (),
}


def _retrieve(work: Work, _call: Call) -> Json:
    merchant = work.settings.merchant
    sections: dict[str, Json] = {name: dict.fromkeys(keys) for name, keys in SETTINGS.items()}
    return {
        "id": "acct_simulated",
        "object": "account",
        "business_profile": {**dict.fromkeys(PROFILE), "name": merchant},
        "business_type": None,
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": "US",
        "created": 0,
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "external_accounts": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": "/v1/accounts/acct_simulated/external_accounts",
        },
        "future_requirements": _requirements(),
        "metadata": {},
        "payouts_enabled": True,
        "requirements": _requirements(),
        "settings": {**sections, "dashboard": {"display_name": merchant, "timezone": "Etc/UTC"}},
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "standard",
    }


def _requirements() -> Json:
    lists = ("alternatives", "currently_due", "errors", "eventually_due", "past_due")
    return {
        **{name: [] for name in (*lists, "pending_verification")},
        "current_deadline": None,
        "disabled_reason": None,
    }


OPERATIONS = (Operation("account.retrieve", "GET", "/v1/account", Parameters(), _retrieve),)
