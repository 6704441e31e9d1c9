"""
What the service adds to the time of a provider that takes 50 ms.
"""

from functools import partial
from typing import Final
from uuid import UUID

from benchmarks import flows
from benchmarks.create import orders
from benchmarks.load import load
from benchmarks.place import SHIPPED, Place
from benchmarks.rounds import Effort, Found, in_turn, line, percentiles

_SECONDS: Final = 0.05


def measure(place: Place, effort: Effort) -> Found:
    """
    Compare a payment through the service with the provider's own answer, one client at a time.
    """
    with place.provider(_SECONDS) as provider:
        flow, _ = flows.create(place.container(provider))
        with place.served(SHIPPED, provider) as port:
            sides = {
                "service": partial(load, port, orders(place, flow), 1, effort.seconds),
                "provider": partial(load, provider, lambda: _asked(place), 1, effort.seconds),
            }
            samples = in_turn(sides, effort.rounds)
    ours, theirs = samples["service"], samples["provider"]
    added = [(a.median - b.median) * 1000 for a, b in zip(ours, theirs, strict=True)]
    words = {"figure": "added latency", "case": "1 client, provider of 50 ms", "floor": "provider"}
    found = Found([line(added, unit="ms", wanted="<= 10", details=percentiles(ours), **words)])
    found.curve("a payment by a provider of 50 ms", samples)
    return found


def _asked(place: Place) -> bytes:
    payment_id = UUID(int=next(place.numbers))
    body = f"amount=1000&metadata[payment_id]={payment_id}".encode()
    return b"POST /v1/payment_intents HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
