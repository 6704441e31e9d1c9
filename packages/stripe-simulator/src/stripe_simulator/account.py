"""
The account itself, so that a client can ask whether its key is good.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Call, Operation
from stripe_simulator.params import Parameters
from stripe_simulator.work import Work

Json = dict[str, Any]


def _retrieve(work: Work, _call: Call) -> Json:
    none: list[str] = []
    requirements = {
        "alternatives": none,
        "current_deadline": None,
        "currently_due": none,
        "disabled_reason": None,
        "errors": none,
        "eventually_due": none,
        "past_due": none,
        "pending_verification": none,
    }
    return {
        "id": "acct_simulated",
        "object": "account",
        "business_profile": {"name": work.settings.merchant, "mcc": None, "url": None},
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
            "data": none,
            "has_more": False,
            "url": "/v1/accounts/acct_simulated/external_accounts",
        },
        "future_requirements": requirements,
        "metadata": {},
        "payouts_enabled": True,
        "requirements": requirements,
        "settings": {"dashboard": {"display_name": work.settings.merchant, "timezone": "Etc/UTC"}},
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "standard",
    }


OPERATIONS = (Operation("account.retrieve", "GET", "/v1/account", Parameters(), _retrieve),)
