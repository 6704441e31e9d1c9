"""
Expanding ids into objects, as `expand[]` asks.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator.errors import invalid_parameter
from stripe_simulator.work import Work, public, snapshot

Json = dict[str, Any]

DEEPEST = 4
KINDS = {
    "latest_charge": "charge",
    "charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
    "balance_transaction": "balance_transaction",
    "failure_balance_transaction": "balance_transaction",
}
EMPTY = ("customer", "review", "on_behalf_of", "application", "transfer_data", "source_transfer")
"""Expandable at Stripe, always null or an id here."""


def expand(work: Work, body: Json, paths: list[str]) -> Json:
    """
    An answer with objects in the place of ids; a copy, as the stored objects keep their ids.

    Raises:
        ApiError: A path names what cannot be expanded.
    """
    expanded = snapshot(body) if paths else body
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            message = (
                f"You cannot expand more than {DEEPEST} levels of a property. Property: {path}"
            )
            raise invalid_parameter(message, "expand")
        _expand(work, expanded, steps, path)
    return expanded


def _expand(work: Work, node: Json, steps: list[str], path: str) -> None:
    step, *rest = steps
    if step == "data" and node.get("object") == "list":
        for item in node["data"]:
            _expand(work, item, rest or [""], path)
        return
    if step == "refunds" and node.get("object") == "charge":
        node["refunds"] = _refunds(work, node["id"])
    elif step in KINDS and step in node:
        if isinstance(node[step], str):
            found = work.find(KINDS[step], node[step])
            node[step] = node[step] if found is None else snapshot(found)
    elif not (step in EMPTY and step in node):
        raise invalid_parameter(f"This property cannot be expanded ({path}).", "expand")
    if rest and isinstance(node.get(step), dict):
        _expand(work, node[step], rest, path)


def _refunds(work: Work, charge_id: str) -> Json:
    found = work.store.select("kind = ? AND charge = ?", ("refund", charge_id), limit=11)
    return {
        "object": "list",
        "data": [public(work.find("refund", refund["id"]) or refund) for refund in found[:10]],
        "has_more": len(found) > 10,  # noqa: PLR2004 - Stripe shows the latest ten
        "url": f"/v1/charges/{charge_id}/refunds",
    }
