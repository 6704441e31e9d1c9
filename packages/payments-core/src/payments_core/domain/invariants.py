"""
What must be true of every payment at every moment, whatever died before.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import attrs


class Sight(StrEnum):
    """
    Where one can see whether an invariant holds.

    STORED: in the database. PROVIDER: only beside the provider's objects. PROOF: only while it
    happens, so by the proofs alone, which record each step, call, reply and delivery.
    """

    STORED = "stored"
    PROVIDER = "provider"
    PROOF = "proof"


@attrs.frozen
class Invariant:
    """
    A promise, and what to do when it was broken.

    Attributes:
        seen: Where its violations show; the checker of a live installation looks at the first two.
    """

    id: str
    promise: str
    seen: frozenset[Sight]
    advice: str


@attrs.frozen
class Violation:
    """
    One broken promise.

    Attributes:
        about: The payment, order, message or object that it is about.

        found: What is, and what should be.
    """

    invariant: str
    about: str
    found: str


_BUG: Final = "report it with `payments explain` of the payment; a rule of the program failed"
_MONEY: Final = "compare `payments explain` with the provider's pages before anything is refunded"
_RECONCILE: Final = "run `payments reconcile` for that time; it repairs what can be repaired"
_RELAY: Final = "see `payments outbox list`; is a worker running, and does the broker answer?"
_WORKER: Final = "is a worker running, and does the provider answer? see `payments health`"
_STORED: Final = frozenset({Sight.STORED})
_PROVIDER: Final = frozenset({Sight.PROVIDER})
_BOTH: Final = _STORED | _PROVIDER
_PROOF: Final = frozenset({Sight.PROOF})


def _table(rows: Iterable[tuple[str, frozenset[Sight], str, str]]) -> dict[str, Invariant]:
    return {id_: Invariant(id_, promise, seen, advice) for id_, seen, promise, advice in rows}


INVARIANTS: Final = _table(
    (
        (
            "I1",
            _STORED,
            "refunds stay within what was captured, and that within the amount",
            _MONEY,
        ),
        ("I2", _PROVIDER, "a payment is charged once at most", _MONEY),
        ("I3", _PROVIDER, "a payment has one object that is not canceled at most", _RECONCILE),
        ("I4", _PROVIDER, "amounts here and at the provider are the same", _RECONCILE),
        ("I5", _STORED, "each end of a payment is told once, and nothing else as one", _BUG),
        ("I6", _STORED, "each refund that succeeded or failed is told once", _BUG),
        ("I7", _STORED, "what is told happened, and what happened is told", _BUG),
        ("I8", _STORED | _PROOF, "an order's messages are numbered without gap, and so sent", _BUG),
        ("I9", _STORED | _PROOF, "every message leaves; copies of one are equal", _RELAY),
        ("I10", _PROOF, "nothing leaves that was not committed", _BUG),
        ("I11", _PROOF, "an accepted webhook is stored, and has one effect at most", _BUG),
        ("I12", _STORED, "no stored webhook waits longer than it should", _WORKER),
        ("I13", _STORED | _PROOF, "one request key makes one thing, and one final answer", _BUG),
        ("I14", _PROOF, "a key with another request is refused and writes nothing", _BUG),
        ("I15", _STORED | _PROOF, "a status follows from amounts, by allowed steps alone", _BUG),
        ("I16", _PROOF, "facts in any order and number end in the same state", _BUG),
        ("I17", _STORED, "no operation waits unattended, and none is done without effect", _WORKER),
        ("I18", _PROVIDER | _PROOF, "whatever the provider was asked was committed before", _BUG),
        ("I19", _STORED | _PROOF, "no request goes out under a key that is too old", _BUG),
        ("I20", _BOTH, "Failed and Canceled are proven: no object is left that could pay", _MONEY),
        ("I21", _BOTH | _PROOF, "amount, currency, order, customer and object never change", _BUG),
        (
            "I22",
            _STORED | _PROOF,
            "no card number, key, token or client secret is kept or told",
            _BUG,
        ),
        ("I23", _PROOF, "a request that is refused at the door leaves no trace", _BUG),
        (
            "I24",
            _PROOF,
            "the API answers 5xx only as 503 with Retry-After, and never by itself",
            _BUG,
        ),
        ("I25", _PROVIDER, "captured less refunded is the same sum here and there", _RECONCILE),
        (
            "I26",
            _STORED | _PROOF,
            "versions grow by one with each change, times never go back",
            _BUG,
        ),
        ("I27", _PROOF, "nobody sees a payment of somebody else's", _BUG),
        ("I28", _PROOF, "reconciling twice changes nothing the second time", _BUG),
    )
)
"""
Every invariant by its name.
"""
