"""
The account's balance and the transactions that make it up.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Call, Operation
from stripe_simulator.listing import list_parameters, page
from stripe_simulator.params import Parameters, identifier
from stripe_simulator.work import Work, public

Json = dict[str, Any]

FEE_PER_MILLE, FIXED_FEE = 29, 30
AVAILABLE_AFTER = 2 * 24 * 60 * 60


def book(work: Work, kind: str, source: Json, amount: int, *, at_once: bool = False) -> str:
    """
    Books an amount and returns the transaction's id.

    Args:
        kind: Stripe's type: `charge`, `payment`, `refund`, `refund_failure`, `adjustment`.

        source: The object that moved the money.

        amount: In minor units; negative when the account pays.
    """
    fee = amount * FEE_PER_MILLE // 1000 + FIXED_FEE if kind in {"charge", "payment"} else 0
    transaction = work.save(
        {
            "id": work.new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": work.now + (0 if at_once else AVAILABLE_AFTER),
            "balance_type": "payments",
            "created": work.now,
            "currency": source["currency"],
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": fee,
            "fee_details": _fee_details(fee, source["currency"]),
            "net": amount - fee,
            "reporting_category": {"payment": "charge", "adjustment": "dispute"}.get(kind, kind),
            "source": source["id"],
            "status": "available" if at_once else "pending",
            "type": kind,
        }
    )
    work.store.execute(
        "INSERT INTO balances VALUES (?, ?) ON CONFLICT (currency)"
        " DO UPDATE SET amount = amount + excluded.amount",
        (source["currency"], transaction["net"]),
    )
    return str(transaction["id"])


def _fee_details(fee: int, currency: str) -> list[Json]:
    if not fee:
        return []
    detail = {"amount": fee, "application": None, "currency": currency}
    return [{**detail, "description": "Stripe processing fees", "type": "stripe_fee"}]


def _balance(work: Work, _call: Call) -> Json:
    rows = work.store.execute("SELECT currency, amount FROM balances ORDER BY currency")
    sums = dict(rows) or {"usd": 0}
    funds = [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in sums.items()
    ]
    none = [{**fund, "amount": 0, "source_types": {"card": 0}} for fund in funds]
    reserved = [{"amount": 0, "currency": currency} for currency in sums]
    return {
        "object": "balance",
        "available": none,
        "connect_reserved": reserved,
        "livemode": False,
        "pending": funds,
    }


def _retrieve(work: Work, call: Call) -> Json:
    return public(work.get("balance_transaction", call.id))


def _list(work: Work, call: Call) -> Json:
    return page(
        work,
        call,
        "balance_transaction",
        "/v1/balance_transactions",
        type=call.parameters.get("type"),
    )


OPERATIONS = (
    Operation("balance.retrieve", "GET", "/v1/balance", Parameters(), _balance),
    Operation("balance_transactions.retrieve", "GET", "/v1/balance_transactions/<id>", Parameters(), _retrieve),
    Operation("balance_transactions.list", "GET", "/v1/balance_transactions", list_parameters(type=identifier), _list),
)  # fmt: skip
