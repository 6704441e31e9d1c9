"""
Named places at which a proof may let the process fail; nothing happens at them otherwise.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

Hook = Callable[[str], None]

_hooks: Final[list[Hook]] = []

_WRITES: Final = ("create", "confirm", "capture", "cancel", "refund")
_OF_A_WRITE: Final[Mapping[str, str]] = {
    "begin": "it is asked for, and nothing is written",
    "intent.precommit": "its operation is written and not committed",
    "intent.commit": "its operation is committed",
    "call.before": "the provider is about to be asked",
    "call.after": "the answer is read and not applied",
    "apply.precommit": "the answer is applied and not committed",
    "apply.commit": "the answer is committed, and nobody was told",
}
_OTHERS: Final[Mapping[str, str]] = {
    "webhook.read": "a delivery has come, and is not verified",
    "webhook.verified": "a delivery is verified, and nothing is written",
    "webhook.store.precommit": "the event is written and not committed",
    "webhook.store.commit": "the event is committed and not processed",
    "webhook.claim.precommit": "the worker has claimed events, and not committed that",
    "webhook.claim.commit": "the worker has claimed events",
    "webhook.ask.before": "the provider is about to be asked for the object",
    "webhook.ask.after": "the object is read and not applied",
    "webhook.settled": "the object is applied, and the event is not marked",
    "webhook.apply.precommit": "object and event are written and not committed",
    "webhook.apply.commit": "object and event are committed",
    "webhook.reply": "everything is done but the answer to the provider",
    "message.received": "a message is read, and nothing is done about it",
    "message.handled": "the message had its effect, and the broker does not know",
    "message.defer.precommit": "the message is kept for later and not committed",
    "message.defer.commit": "the message is kept for later, and the broker does not know",
    "sweeper.claim.precommit": "the sweeper has claimed operations, and not committed that",
    "sweeper.claim.commit": "the sweeper has claimed operations",
    "sweeper.ask.before": "the provider is about to be asked what became of one, or for it again",
    "sweeper.ask.after": "the answer is read and not applied",
    "sweeper.apply.precommit": "the answer is applied and not committed",
    "sweeper.apply.commit": "the answer is committed",
    "relay.claim.precommit": "the relay has claimed messages, and not committed that",
    "relay.claim.commit": "the relay has claimed messages",
    "relay.publish.before": "the claimed messages are about to be sent",
    "relay.publish.after": "the broker has confirmed them, and nothing is marked",
    "relay.mark.precommit": "they are marked and not committed",
    "relay.mark.commit": "they are marked as gone",
    "reconcile.begin": "a run is claimed, and nothing is listed",
    "reconcile.page": "a page is compared, and what differed is settled",
    "reconcile.read.before": "the provider is about to be asked for an object that may differ",
    "reconcile.read.after": "the object is read and not applied",
    "reconcile.apply.precommit": "the object and the difference are written and not committed",
    "reconcile.apply.commit": "the object and the difference are committed",
    "reconcile.save.precommit": "where the run stands is written and not committed",
    "reconcile.save.commit": "where the run stands is committed",
    "reconcile.finish": "everything is compared, and the run is not marked as ended",
}

FAULT_POINTS: Final[Mapping[str, str]] = {
    **{f"{kind}.{place}": why for kind in _WRITES for place, why in _OF_A_WRITE.items()},
    **_OTHERS,
}
"""
Every point, with what is true at it. What ends in ``commit`` comes right after a commit.
"""


def faultpoint(name: str) -> None:
    """
    Let whoever listens make the process fail here; it costs a tenth of a microsecond otherwise.
    """
    for hook in _hooks:
        hook(name)


@contextmanager
def hooked(hook: Hook) -> Iterator[None]:
    """
    Call a function with the name of each point that is reached in the block, in any thread.
    """
    _hooks.append(hook)
    try:
        yield
    finally:
        _hooks.remove(hook)
