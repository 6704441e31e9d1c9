"""
Taking a payment over HTTP, at several numbers of clients.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from uuid import UUID

from benchmarks import flows
from benchmarks.instant import APPROVED
from benchmarks.load import load, post
from benchmarks.pgbench import pgbench
from benchmarks.place import BARE, INSTANT, SHIPPED, Place
from benchmarks.recording import STRIDE
from benchmarks.rounds import Effort, Found, Side, in_turn, rate_ratio

CLIENTS: Final = (1, 4, 16, 64)
_JUDGED: Final = 16
"""
At so many clients it is judged, and so measured more often.
"""


def orders(place: Place, flow: flows.Flow) -> Callable[[], bytes]:
    """
    Return what makes the request that takes a payment for a fresh order.
    """
    first = flow.recording.ids.index(flow.named) * STRIDE
    head = post("/api/payments", {"Authorization": f"Bearer {place.token()}"})
    head = head.replace(b"Content-Length", b"Idempotency-Key: %d\r\nContent-Length")
    fields = {"amount": "10.00", "currency": "EUR", "paymentMethodId": APPROVED}

    def request() -> bytes:
        number = next(place.numbers)
        order = {"orderId": str(UUID(int=first + number)), "customerId": f"customer-{number}"}
        body = json.dumps({**order, **fields}).encode()
        return head % (number, len(body)) + body

    return request


def measure(place: Place, effort: Effort) -> Found:
    """
    Compare the service with a bare route and with pgbench, without and with the SDK's call.
    """
    found = Found()
    with place.provider() as provider:
        flow, _ = flows.create(place.container(provider))
        request = orders(place, flow)
        with place.served(INSTANT, provider) as ours, place.served(BARE, provider) as bare:
            ports = {"service": ours, "bare route": bare}
            for clients in CLIENTS:
                floor = partial(pgbench, place, flow.recording, clients, effort.seconds)
                sides = _over_http(ports, request, clients, effort)
                _compare(found, "instant provider", clients, {**sides, "pgbench": floor}, effort)
        sdk = {"BENCH_SDK": "1"}
        with place.served(SHIPPED, provider) as ours, place.served(BARE, provider, **sdk) as bare:
            ports = {"service": ours, "bare route with SDK": bare}
            for clients in CLIENTS:
                sides = _over_http(ports, request, clients, effort)
                _compare(found, "SDK", clients, sides, effort)
    return found


def _over_http(
    ports: Mapping[str, int], request: Callable[[], bytes], clients: int, effort: Effort
) -> dict[str, Side]:
    return {
        name: partial(load, port, request, clients, effort.seconds) for name, port in ports.items()
    }


def _compare(
    found: Found, provider: str, clients: int, sides: Mapping[str, Side], effort: Effort
) -> None:
    judged = clients == _JUDGED
    samples = in_turn(sides, 3 * effort.rounds if judged else max(2, effort.rounds // 2))
    case = f"{clients} clients, {provider}"
    for floor in list(sides)[1:]:
        wanted = ">= 0.6" if judged and floor != "pgbench" else ""
        words = {"figure": "create", "case": case, "floor": floor, "wanted": wanted}
        found.lines.append(rate_ratio(samples["service"], samples[floor], **words))
    if judged:
        found.curve(f"create, {case}", samples)
