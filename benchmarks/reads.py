"""
Looking at payments over HTTP, in a small table and in large ones.

The floor is the same request where ten thousand payments are: what does not grow with the
table takes as long in the large one.
"""

import random
import statistics
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Final

from benchmarks.filling import EACH, filled, moment, payment_id
from benchmarks.load import get, load
from benchmarks.place import SHIPPED, Place
from benchmarks.rounds import Effort, Found, Line, Samples, in_turn, line, percentiles
from payments_core.ports.queries import Cursor
from payments_http import fields

_PLACE: Final = fields.Place()


def _get(rows: int) -> str:
    return f"/{payment_id(random.randint(1, rows))}"


def _list(_rows: int) -> str:
    return ""


def _deep(rows: int) -> str:
    number = random.randint(EACH, rows)
    cursor = Cursor(moment(number), payment_id(number))
    return f"?cursor={_PLACE.serialize('place', {'place': cursor})}"


def _of_customer(rows: int) -> str:
    return f"?customerId=customer-{random.randrange(rows // EACH)}"


def _of_status(_rows: int) -> str:
    return "?status=Failed"


KINDS: Final[Mapping[str, Callable[[int], str]]] = {
    "get": _get,
    "first page": _list,
    "page anywhere": _deep,
    "a customer's": _of_customer,
    "by status": _of_status,
}
"""
By name, what makes the end of a path, given how many payments there are.
"""


def measure(place: Place, effort: Effort) -> Found:
    """
    Compare each kind of request in tables of several sizes, with one client.
    """
    found = Found()
    costs: dict[str, Mapping[int, float]] = {}
    with ExitStack() as stack:
        provider = stack.enter_context(place.provider())
        ports: dict[int, int] = {}
        for rows in effort.sizes:
            there = filled(place, rows)
            ports[rows] = stack.enter_context(there.served(SHIPPED, provider))
        for kind, path in KINDS.items():
            sides = {
                _name(rows): partial(load, port, _requests(place, path, rows), 1, effort.seconds)
                for rows, port in ports.items()
            }
            samples = in_turn(sides, effort.rounds)
            found.lines += _lines(kind, samples)
            costs[kind] = {rows: _middle(samples[_name(rows)]) for rows in ports}
    found.costs["a request by the number of payments"] = costs
    return found


def _name(rows: int) -> str:
    return f"{rows:,} payments"


def _requests(place: Place, path: Callable[[int], str], rows: int) -> Callable[[], bytes]:
    headers = {"Authorization": f"Bearer {place.token('Ops')}"}
    return lambda: get(f"/api/payments{path(rows)}", headers)


def _lines(kind: str, samples: Mapping[str, Samples]) -> list[Line]:
    floor, *larger = samples
    return [
        line(
            [a.median / b.median for a, b in zip(samples[name], samples[floor], strict=True)],
            figure=f"read: {kind}",
            case=name,
            floor=floor,
            wanted="<= 1.2",
            details=percentiles(samples[name]),
        )
        for name in larger
    ]


def _middle(samples: Samples) -> float:
    return statistics.median(sample.median for sample in samples)
