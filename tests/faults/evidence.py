"""
What a proof records while it runs, and what that tells about the invariants.

The store shows how things are; only a record of each step, call, message, delivery and reply
shows how they came to be. So the invariants that nobody can see afterwards are judged here.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import attrs

from payments_core.application.verification.objects import CLOCKS
from payments_core.domain.invariants import Violation
from payments_core.domain.policy import Policy
from payments_core.domain.status import TRANSITIONS, PaymentStatus
from payments_core.masking import mask

FIXED: Final = ("amount", "currency", "order_id", "customer_id")


@attrs.frozen(kw_only=True)
class Version:
    """
    A payment's row as it was once committed.
    """

    payment_id: UUID
    version: int
    status: str
    amount: int
    currency: str
    order_id: UUID
    customer_id: str
    provider_payment_id: str | None
    updated_at: datetime


@attrs.frozen
class Written:
    """
    A message as it was committed.

    Attributes:
        left: Whether it must have been heard; one that a later payment made untrue need not.
    """

    id: str
    order_id: UUID | None
    sequence: int
    body: str
    left: bool = True


@attrs.frozen
class Heard:
    """
    A message as the broker handed it on.
    """

    id: str
    body: str


@attrs.frozen
class Call:
    """
    A write that the provider received.
    """

    key: str
    at: datetime


@attrs.frozen
class Delivery:
    """
    A webhook delivery, and what it was answered with.
    """

    event_id: str
    status: int


@attrs.frozen(kw_only=True)
class Exchange:
    """
    A request to the API and its reply.

    Attributes:
        asked: A digest of the request's content.

        traces: How many rows and provider calls the request left behind.

        down: Whether database or provider were down, or the process was killed meanwhile.

        may_see: Whether the caller owns what was asked for, or has a role for it.
    """

    caller: str
    route: str
    status: int
    body: str
    asked: str = ""
    key: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    traces: int = 0
    down: bool = False
    may_see: bool = True


@attrs.define
class Evidence:
    """
    Everything that was recorded.

    Attributes:
        intents: When each operation was committed to be sent first, by its key.

        stored: The webhook events that are stored.

        effects: How often each webhook event had an effect.

        endings: By a set of facts, the ends that its orders led to.

        second_run: What the second of two reconciliations changed and told.

        log: Lines that were logged.
    """

    history: list[Version] = attrs.field(factory=list)
    written: list[Written] = attrs.field(factory=list)
    heard: list[Heard] = attrs.field(factory=list)
    calls: list[Call] = attrs.field(factory=list)
    intents: dict[str, datetime] = attrs.field(factory=dict)
    deliveries: list[Delivery] = attrs.field(factory=list)
    stored: set[str] = attrs.field(factory=set)
    effects: dict[str, int] = attrs.field(factory=dict)
    exchanges: list[Exchange] = attrs.field(factory=list)
    endings: dict[str, set[str]] = attrs.field(factory=dict)
    second_run: int = 0
    log: list[str] = attrs.field(factory=list)

    def violations(self) -> Iterator[Violation]:
        """
        Yield every broken promise that the record shows.
        """
        for name, check in CHECKS.items():
            for about, found in check(self):
                yield Violation(name, about, found)


Found = Iterator[tuple[str, str]]


def _order(evidence: Evidence) -> Found:
    known = {w.id: w for w in evidence.written}
    last: dict[UUID, int] = defaultdict(int)
    seen: set[str] = set()
    for message in evidence.heard:
        row = known.get(message.id)
        if row is None or row.order_id is None or message.id in seen:
            continue
        seen.add(message.id)
        if row.sequence < last[row.order_id]:
            yield str(row.order_id), f"{row.sequence} was heard after {last[row.order_id]}"
        last[row.order_id] = row.sequence


def _copies(evidence: Evidence) -> Found:
    bodies = {w.id: w.body for w in evidence.written}
    for message in evidence.heard:
        if message.id in bodies and message.body != bodies[message.id]:
            yield message.id, "a copy with another body was heard"
    heard = {m.id for m in evidence.heard}
    for lost in (w.id for w in evidence.written if w.left and w.id not in heard):
        yield lost, "it was written and never heard"


def _invented(evidence: Evidence) -> Found:
    known = {w.id for w in evidence.written}
    for message in evidence.heard:
        if message.id not in known:
            yield message.id, "it was heard and never committed"


def _webhooks(evidence: Evidence) -> Found:
    for delivery in evidence.deliveries:
        if delivery.status < 300 and delivery.event_id not in evidence.stored:
            yield delivery.event_id, "accepted, and not stored"
    for event_id, times in evidence.effects.items():
        if times > 1:
            yield event_id, f"{times} effects"


def _keyed(evidence: Evidence) -> Mapping[tuple[str, str, str], Sequence[Exchange]]:
    keyed: dict[tuple[str, str, str], list[Exchange]] = defaultdict(list)
    for exchange in evidence.exchanges:
        if exchange.key:
            keyed[exchange.caller, exchange.route, exchange.key].append(exchange)
    return keyed


def _answers(evidence: Evidence) -> Found:
    for (_, route, key), exchanges in _keyed(evidence).items():
        final = {e.body for e in exchanges if e.status in {200, 201}}
        if len(final) > 1:
            yield key, f"{len(final)} different answers of {route}"


def _reused(evidence: Evidence) -> Found:
    for (_, route, key), exchanges in _keyed(evidence).items():
        first = exchanges[0].asked
        for exchange in exchanges:
            other = exchange.asked != first
            refused = exchange.status == 422 and not exchange.traces
            if other and not refused and not exchange.down:
                yield key, f"another request under it to {route} was answered {exchange.status}"


def _of_payments(evidence: Evidence) -> Iterator[tuple[str, Sequence[Version]]]:
    versions: dict[UUID, list[Version]] = defaultdict(list)
    for version in evidence.history:
        versions[version.payment_id].append(version)
    for payment_id, found in versions.items():
        yield str(payment_id), found


def _steps(evidence: Evidence) -> Found:
    for payment, versions in _of_payments(evidence):
        before: PaymentStatus | None = None
        for version in versions:
            after = PaymentStatus(version.status)
            paid_and_returned = (before, after) in _TWO_STEPS
            if after is not before and after not in TRANSITIONS[before] and not paid_and_returned:
                yield payment, f"went from {before} to {after}"
            before = after


_TWO_STEPS: Final = {
    (before, PaymentStatus.REFUNDED)
    for before in (PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.AUTHORIZED)
}
"""
One answer may bring the capture and its refund.
"""


def _confluence(evidence: Evidence) -> Found:
    for facts, ends in evidence.endings.items():
        if len(ends) > 1:
            yield facts, f"{len(ends)} different ends"


def _intents(evidence: Evidence) -> Found:
    for call in evidence.calls:
        asked = evidence.intents.get(call.key)
        if asked is None or asked > call.at + CLOCKS:
            yield call.key, "the provider was asked before it was committed"


def _ages(evidence: Evidence) -> Found:
    for call in evidence.calls:
        age = call.at - evidence.intents.get(call.key, call.at)
        if age >= Policy().key_life:
            yield call.key, f"sent under a key of {age}"


def _fixed(evidence: Evidence) -> Found:
    for payment, versions in _of_payments(evidence):
        for name in FIXED:
            if len({getattr(v, name) for v in versions}) > 1:
                yield payment, f"{name} changed"
        if len({v.provider_payment_id for v in versions} - {None}) > 1:
            yield payment, "the provider's object changed"


def _secrets(evidence: Evidence) -> Found:
    for line in evidence.log:
        if mask(line) != line:
            yield "the log", "a line holds a secret"
    for exchange in evidence.exchanges:
        if mask(exchange.body) != exchange.body and not exchange.may_see:
            yield exchange.route, "a reply holds a secret"


_AT_THE_DOOR: Final = frozenset({400, 401, 403, 404, 405, 411, 413, 415})


def _rejected(evidence: Evidence) -> Found:
    for exchange in evidence.exchanges:
        if exchange.status in _AT_THE_DOOR and exchange.traces:
            yield exchange.route, f"{exchange.status}, and {exchange.traces} traces"


def _unavailable(evidence: Evidence) -> Found:
    for exchange in evidence.exchanges:
        honest = exchange.status == 503 and "Retry-After" in exchange.headers and exchange.down
        if exchange.status >= 500 and not honest:
            yield exchange.route, f"answered {exchange.status}"


def _grows(evidence: Evidence) -> Found:
    for payment, versions in _of_payments(evidence):
        numbers = [v.version for v in versions]
        if numbers != list(range(1, len(numbers) + 1)):
            yield payment, f"its versions were {numbers}"
        times = [v.updated_at for v in versions]
        if times != sorted(times):
            yield payment, "its time of change went back"


def _private(evidence: Evidence) -> Found:
    for exchange in evidence.exchanges:
        if exchange.status < 300 and not exchange.may_see:
            yield exchange.route, f"{exchange.caller} saw what is somebody else's"


def _idempotent(evidence: Evidence) -> Found:
    if evidence.second_run:
        yield "reconciliation", f"the second run made {evidence.second_run} changes"


CHECKS: Final[Mapping[str, Callable[[Evidence], Found]]] = {
    "I8": _order,
    "I9": _copies,
    "I10": _invented,
    "I11": _webhooks,
    "I13": _answers,
    "I14": _reused,
    "I15": _steps,
    "I16": _confluence,
    "I18": _intents,
    "I19": _ages,
    "I21": _fixed,
    "I22": _secrets,
    "I23": _rejected,
    "I24": _unavailable,
    "I26": _grows,
    "I27": _private,
    "I28": _idempotent,
}


def names(violations: Collection[Violation]) -> set[str]:
    """
    Return which invariants are broken.
    """
    return {v.invariant for v in violations}
