"""
Ten thousand spoiled deliveries, signed and unsigned, and good ones among them.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Final

import attrs
import pytest

from stripe_simulator.webhooks import sign
from tests.input import mutations
from tests.input.conftest import Json, Shop, raw

COUNT: Final = 10_000
CONTROLS: Final = 20
SEED: Final = 20_261_125
_OF_BODIES: Final = 0.5


@attrs.frozen
class Delivery:
    """
    Something that is delivered.

    Attributes:
        mutation: How it was spoiled; "control" for a good one.

        acceptable: It is an event all the same, and may be stored.
    """

    mutation: str
    body: bytes
    header: str
    acceptable: bool = False


class Deliveries:
    """
    Draws deliveries from a seed; each differs from the good one that it is made of.
    """

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.chance = random.Random(seed)
        self.secret = shop.simulator.webhook_secret

    def control(self) -> Delivery:
        """
        Return a good delivery, of an event that is new.
        """
        body = raw(self.shop.event())
        return Delivery("control", body, self.signed(body), acceptable=True)

    def signed(self, body: bytes) -> str:
        """
        Return the header that Stripe would send with a body now.
        """
        return sign(body, self.secret, int(time.time()))

    def unsigned(self) -> Iterator[Delivery]:
        """
        Yield deliveries whose body or header is not the one that was signed.
        """
        good = self.control()
        while True:
            spoiled = self._body(good) if self.chance.random() < _OF_BODIES else self._header(good)
            meaning = mutations.parts(spoiled.header) != mutations.parts(good.header)
            if spoiled.body != good.body or meaning:
                yield spoiled

    def _body(self, good: Delivery) -> Delivery:
        spoil = self.chance.choice(mutations.BODIES)
        return Delivery(spoil.__name__, spoil(self.chance, good.body), good.header)

    def _header(self, good: Delivery) -> Delivery:
        spoil = self.chance.choice(mutations.HEADERS)
        return Delivery(spoil.__name__, good.body, spoil(self.chance, good.header))

    def hostile(self) -> Iterator[Delivery]:
        """
        Yield deliveries that are signed as they are, with what Stripe never sends.
        """
        good = self.control()
        while True:
            spoil = self.chance.choice((*mutations.NO_EVENTS * 2, *mutations.EVENTS))
            body = spoil(self.chance, good.body)
            if body != good.body:
                harmless = spoil in mutations.EVENTS
                yield Delivery(spoil.__name__, body, self.signed(body), acceptable=harmless)


def _deliver(shop: Shop, delivery: Delivery) -> tuple[int, Json]:
    answer = shop.deliver(delivery.body, delivery.header)
    found: Json = answer.get_json()
    return answer.status_code, found


def _check(delivery: Delivery, status: int, said: Json) -> None:
    if delivery.acceptable:
        assert status == 200, (delivery, said)
    else:
        assert status in {400, 413}, (delivery, status, said)
        assert said["code"].startswith("webhook_") or said["code"] == "body_too_large"
        assert said["detail"] == "The delivery was refused." or status == 413


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["unsigned", "hostile"])
def test_mutated(shop: Shop, kind: str) -> None:
    """
    Of 5,000 spoiled deliveries none is taken for what it is not, and none breaks anything.

    Unsigned ones are refused one and all. Of the signed ones those that are no event are refused,
    and those that are one are stored and change nothing. Good ones before, between and
    after are taken.
    """
    payment = shop.pay()
    deliveries = Deliveries(shop, SEED)
    told, seen, controls = shop.rows()["outbox"], Counter[str](), 0
    before = shop.rows()["webhook_events"]
    for turn in range(CONTROLS + 1):
        control = deliveries.control()
        status, said = _deliver(shop, control)
        assert (status, said["status"], said["duplicate"]) == (200, "processed", False)
        controls += 1
        if turn == CONTROLS:
            break
        # A signature grows old: those of the unsigned ones are of a delivery of this turn.
        drawn = deliveries.unsigned() if kind == "unsigned" else deliveries.hostile()
        for delivery in islice(drawn, COUNT // 2 // CONTROLS):
            _check(delivery, *_deliver(shop, delivery))
            seen[delivery.mutation] += 1
    accepted = sum(seen[spoil.__name__] for spoil in mutations.EVENTS)

    assert seen.total() == COUNT // 2
    assert min(seen.values()) > 50
    assert shop.rows()["webhook_events"] == before + controls + accepted
    assert shop.rows()["outbox"] == told
    assert shop.alice.get(f"/api/payments/{payment['paymentId']}").get_json() == payment
