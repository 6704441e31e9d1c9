"""
Every point with every fault that it can meet: the table that `make prove` goes through.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from tests.faults.process import Blow

BLOWS: Final = ("kill", "raise", "hang", "drop", "stop")
PLACES: Final = (
    *("begin", "intent.precommit", "intent.commit", "call.before", "call.after"),
    *("apply.precommit", "apply.commit"),
)
CALLED: Final = PLACES[3:]
SENT: Final = PLACES[2:6]
"""
Places at which nobody knows what the provider did.
"""

WEBHOOK: Final = (
    *("read", "verified", "store.precommit", "store.commit", "ask.before", "ask.after"),
    *("settled", "apply.precommit", "apply.commit", "reply"),
)
STORED_WEBHOOK: Final = ("claim.precommit", "claim.commit", "ask.before", "ask.after")
RELAY: Final = (
    *("claim.precommit", "claim.commit", "publish.before", "publish.after"),
    *("mark.precommit", "mark.commit"),
)
SWEEPER: Final = (
    *("claim.precommit", "claim.commit", "ask.before", "ask.after"),
    *("apply.precommit", "apply.commit"),
)
RECONCILE: Final = (
    *("begin", "page", "read.before", "read.after", "apply.precommit", "apply.commit"),
    *("save.precommit", "save.commit", "finish"),
)
CALLS: Final = {
    "create": "payment_intents.create",
    "decline": "payment_intents.create",
    "confirm": "payment_intents.confirm",
    "capture": "payment_intents.capture",
    "cancel": "payment_intents.cancel",
    "refund": "refunds.create",
}
LOSSES: Final = {
    "lostreq": "reset",
    "lostresp": "effect_then_reset",
    "500eff": "error_500_effect",
    "500no": "error_500",
}
"""
By what became of a request: the simulator's word for it.
"""

DAY: Final = 25 * 3600.0


@attrs.frozen
class Case:
    """
    One fault in one process.

    Attributes:
        loss: What becomes of the flow's request to the provider, by a word of `LOSSES`.

        pause: Seconds until anybody comes to it; after a day provider keys have expired.
    """

    flow: str
    blow: Blow = attrs.field(factory=lambda: Blow("none", ""))
    loss: str | None = None
    pause: float = 0.0

    @property
    def id(self) -> str:
        """
        The name by which it is run again.
        """
        what = self.loss or f"{self.blow.point}-{self.blow.kind}"
        return f"{self.flow}-{what}" + ("-expired" if self.pause else "")


def _every(flow: str, kind: str, places: Sequence[str]) -> Iterator[Case]:
    for place in places:
        for blow in BLOWS:
            yield Case(flow, Blow(blow, f"{kind}.{place}"))


def cases() -> Iterator[Case]:
    """
    Yield every case.
    """
    for flow in ("create", "confirm", "capture", "cancel", "refund"):
        yield from _every(flow, flow, PLACES)
        for place in SENT:
            yield Case(flow, Blow("kill", f"{flow}.{place}"), pause=DAY)
    yield from _every("decline", "cancel", CALLED)
    for flow in CALLS:
        for loss in LOSSES:
            yield Case(flow, loss=loss)
            yield Case(flow, loss=loss, pause=DAY)
    yield from _every("webhook", "webhook", WEBHOOK)
    yield from _every("stored-webhook", "webhook", STORED_WEBHOOK)
    yield from _every("message", "message", ("received", "handled"))
    yield from _every("early-message", "message", ("defer.precommit", "defer.commit"))
    yield from _every("relay", "relay", RELAY)
    yield from _every("sweep", "sweeper", SWEEPER)
    yield from _every("reconcile", "reconcile", RECONCILE)
    yield Case("relay", Blow("unconfirmed", "relay.publish.before"))


CASES: Final = {case.id: case for case in cases()}
