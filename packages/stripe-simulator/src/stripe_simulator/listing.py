"""
Lists as Stripe pages them: newest first, by cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stripe_simulator.api import Call
from stripe_simulator.errors import invalid_parameter, resource_missing
from stripe_simulator.params import Parameters, Parser, Raw, identifier, integer, struct
from stripe_simulator.store import Store
from stripe_simulator.work import Work, public

Json = dict[str, Any]
Condition = tuple[str, Sequence[object]]
"""
SQL that is a constant of this package, and its values.
"""

LARGEST_PAGE = 100
BOUNDS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _limit(raw: Raw, name: str) -> int:
    value = integer(raw, name)
    if not 1 <= value <= LARGEST_PAGE:
        raise invalid_parameter(
            f"This value must be between 1 and {LARGEST_PAGE}.", name, "parameter_invalid_integer"
        )
    return value


def _created(raw: Raw, name: str) -> Json:
    if isinstance(raw, str):
        return {"=": integer(raw, name)}
    bounds: Json = struct(**dict.fromkeys(BOUNDS, integer))(raw, name)
    return {BOUNDS[bound]: value for bound, value in bounds.items()}


def list_parameters(**filters: Parser) -> Parameters:
    """
    The parameters of a list, with the filters of its kind.
    """
    return Parameters(
        {
            "limit": _limit,
            "starting_after": identifier,
            "ending_before": identifier,
            "created": _created,
            **filters,
        }
    )


def page(
    work: Work,
    call: Call,
    kind: str,
    url: str,
    conditions: Sequence[Condition] = (),
    **equal: object,
) -> Json:
    """
    One page of a kind.

    Args:
        conditions: Further ones, each with its values.

        equal: Filters by column; None is no filter, a list means any of it.
    """
    parameters = call.parameters
    where, values = _conditions(work.store, kind, parameters, equal)
    for condition, more in conditions:
        where, values = f"{where} AND {condition}", [*values, *more]
    size = parameters.get("limit", 10)
    backwards = "ending_before" in parameters
    found = work.store.select(where, values, newest=not backwards, limit=size + 1)
    shown = found[:size][::-1] if backwards else found[:size]
    return {
        "object": "list",
        "data": [public(obj) for obj in shown],
        "has_more": len(found) > size,
        "url": url,
    }


def _conditions(store: Store, kind: str, parameters: Json, equal: Json) -> tuple[str, list[object]]:
    conditions = ["kind = ?"]
    values: list[object] = [kind]
    for column, value in equal.items():
        if value is None:
            continue
        options = value if isinstance(value, list) else [value]
        conditions.append(f"{column} IN ({', '.join('?' * len(options))})")
        values += options
    for operator, value in parameters.get("created", {}).items():
        conditions.append(f"created {operator} ?")
        values.append(value)
    for cursor, operator in (("starting_after", "<"), ("ending_before", ">")):
        if cursor in parameters:
            conditions.append(f"(created, seq) {operator} (?, ?)")
            values += _place(store, kind, parameters[cursor], cursor)
    return " AND ".join(conditions), values


def _place(store: Store, kind: str, identifier: str, cursor: str) -> tuple[int, int]:
    place = store.place(kind, identifier)
    if place is None:
        raise resource_missing(kind, identifier, cursor, status=400)
    return place
