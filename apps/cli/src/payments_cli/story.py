"""
A payment's history in plain words: what happened, what it means, and what comes next.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs

from payments_cli.output import short_time
from payments_core.contracts.converter import timestamp
from payments_core.domain.operation import OperationKind, OperationState
from payments_core.domain.refund import RefundStatus
from payments_core.domain.status import PaymentStatus
from payments_core.ports.audit import AuditRecord
from payments_core.ports.outbox import BLOCKING, OutboxStatus
from payments_core.ports.queries import PaymentView, TimelineEntry
from payments_core.ports.webhooks import WebhookStatus

S, K, R, W, M = PaymentStatus, OperationState, RefundStatus, WebhookStatus, OutboxStatus


@attrs.frozen(kw_only=True)
class Line:
    """
    One thing that happened.

    Attributes:
        text: What it was and what became of it, in a sentence or two.

        open: What is not over about it and what happens next; None if it is over.
    """

    at: datetime
    kind: str
    id: str
    text: str
    open: str | None = None


STATUS: Final[Mapping[PaymentStatus, str]] = {
    S.PENDING: "The provider has not said yet whether the money is taken.",
    S.REQUIRES_ACTION: "The customer has to act: approve it, or choose another way to pay.",
    S.AUTHORIZED: "{authorized} is reserved and not taken: capture or cancel it.",
    S.SUCCEEDED: "{captured} was taken, and {refunded} of it went back.",
    S.REFUNDED: "{captured} was taken, and all of it went back.",
    S.FAILED: "It is over and no money was taken: {failure}",
    S.CANCELED: "It was called off before its money was taken.",
}

ASKED: Final[Mapping[OperationKind, str]] = {
    OperationKind.CREATE: "for a payment of {amount}",
    OperationKind.CONFIRM: "to charge the customer",
    OperationKind.CAPTURE: "to take {amount} of what is reserved",
    OperationKind.CANCEL: "to call the payment off",
    OperationKind.REFUND: "to give {amount} back",
}

ANSWERED: Final[Mapping[OperationState, str]] = {
    K.SENT: "No answer is on record.",
    K.UNKNOWN: "The answer was lost.",
    K.PENDING: "It was accepted and is being worked on.",
    K.ACTION_REQUIRED: "It waits for the customer.",
    K.SUCCEEDED: "It was done.",
    K.DECLINED: "It was refused: {failure_message} ({failure_code})",
    K.ABSENT: "It had no effect, which is proven.",
    K.REVIEW: "Looking could not settle what became of it.",
}

UNRESOLVED: Final[Mapping[OperationState, str]] = {
    K.SENT: "Nobody knows yet whether it was done. {next}",
    K.UNKNOWN: "Nobody knows yet whether it was done. {next}",
    K.PENDING: "Its outcome comes by webhook. {next}",
    K.ACTION_REQUIRED: "The customer's answer comes by webhook. {next}",
    K.REVIEW: (
        "A person must look at it, here and at the provider; nothing is sent again."
        " Once it is mended: payments operations look-again {payment} {id}"
    ),
}
"""
Of each state that is not final: what is open.
"""

RETURNED: Final[Mapping[RefundStatus, str]] = {
    R.PENDING: "It is on its way; its amount is kept aside.",
    R.SUCCEEDED: "It went back to the customer.",
    R.FAILED: "It failed, and its amount can be refunded again: {failure_message}",
    R.CANCELED: "It was called off, and its amount can be refunded again.",
}

TOLD_US: Final[Mapping[WebhookStatus, str]] = {
    W.RECEIVED: "It is stored and not processed yet.",
    W.PROCESSED: "The object was read afresh and taken over.",
    W.PARKED: "It is about a payment that was not here yet.",
    W.IGNORED: "It is about nothing of ours.",
    W.DEAD: "It could not be processed for a day and was given up.",
}

UNPROCESSED: Final[Mapping[WebhookStatus, str]] = {
    W.RECEIVED: "It is tried again at {next_at}.",
    W.PARKED: "It is tried again at {next_at}.",
    W.DEAD: "Process it again: payments webhooks replay {id}",
}

TOLD: Final[Mapping[OutboxStatus, str]] = {
    M.PENDING: "It has not left yet.",
    M.PUBLISHED: "It left at {published_at}.",
    M.UNROUTED: "It left, and nobody listens to it.",
    M.SUPERSEDED: "It is not told: a later payment of the order made it untrue.",
    M.PARKED: "It could not be sent: {error}",
    M.RELEASED: "A person gave it up: it is never told.",
}

LEFT: Final = frozenset({M.PUBLISHED, M.UNROUTED})

UNTOLD: Final[Mapping[OutboxStatus, str]] = {
    M.PENDING: "The relay sends it next, at {next_at}.",
    M.PARKED: "It and later ones of its order wait: payments outbox requeue {id}",
}

STANDING: Final = (
    "It was reported and not believed; a person must look."
    " Once it is dealt with: payments discrepancies close {id} --note …"
)

BEHIND: Final = "It leaves after the message before it."

WANTED: Final[Mapping[str, str]] = {
    "create": "asked for a payment{amount}",
    "confirm": "confirmed the payment",
    "capture": "asked to capture it{amount}",
    "cancel": "asked to cancel it",
    "refund": "asked for a refund{amount}",
    "outbox.requeue": "let the relay try {about} again",
    "outbox.release": "gave {about} up",
    "webhook.replay": "let {about} be processed again",
    "operation.look_again": "let recovery look at it again",
    "discrepancy.close": "closed {about}",
}
"""
What people and services do, by the audit log's words; others are told by those words.
"""

CHANNELS: Final[Mapping[str, str]] = {
    "api": "by the API",
    "cli": "at the command line of {issuer}",
    "queue": "by a message",
    "library": "by the embedding program",
}


def story_of(
    payment: PaymentView, entries: Iterable[TimelineEntry], audit: Iterable[AuditRecord]
) -> Sequence[Line]:
    """
    Return everything that happened, oldest first.
    """
    entries = list(entries)
    behind = _behind(entries)
    lines = [_SENTENCES[entry.kind](payment, entry) for entry in entries]
    lines = [attrs.evolve(line, open=BEHIND) if line.id in behind else line for line in lines]
    lines += [_asked(record) for record in audit]
    # Who asked comes before what was asked of the provider at that moment.
    return sorted(lines, key=lambda line: (line.at, line.kind != "audit"))


def _behind(entries: Iterable[TimelineEntry]) -> frozenset[str]:
    """
    Return the messages that wait for one before them: those of an order leave in their order.
    """
    waiting = [e for e in entries if e.kind == "event" and OutboxStatus(e.state) in BLOCKING]
    waiting.sort(key=lambda e: int(e.details.get("sequence", 0)))
    return frozenset(e.id for e in waiting[1:])


def summary_of(payment: PaymentView, lines: Sequence[Line]) -> str:
    """
    Return the state of a payment and of its story in a few words.
    """
    failure = f"{payment.failure.message} ({payment.failure.code})" if payment.failure else "."
    amounts = {n: getattr(payment, n) for n in ("authorized", "captured", "refunded")}
    state = STATUS[payment.status].format(**amounts, failure=failure)
    if not payment.refunded and payment.status is S.SUCCEEDED:
        state = f"{payment.captured} was taken."
    waiting = sum(line.open is not None for line in lines)
    things = f"{waiting} thing{'s are' if waiting > 1 else ' is'} open."
    things = things if waiting else "Nothing is open."
    return f"{payment.status}. {state} {things}"


def _operation(payment: PaymentView, entry: TimelineEntry) -> Line:
    facts = _facts(entry)
    state = OperationState(entry.state)
    what = ASKED[OperationKind(entry.name)].format(**facts)
    again = int(facts.get("attempts", "1"))
    times = f" It was sent {again} times." if again > 1 else ""
    proof = " A first look found nothing of it." if "first_pass_at" in facts else ""
    text = f"Asked {payment.provider} {what}. {ANSWERED[state].format(**facts)}{times}{proof}"
    more = {"next": _next(facts), "payment": str(payment.id)}
    return _line(entry, text, UNRESOLVED.get(state), {**facts, **more})


def _next(facts: Mapping[str, str]) -> str:
    when = facts.get("next_at") or facts.get("lease_until")
    return f"Recovery asks the provider at {when}." if when else ""


def _refund(_: PaymentView, entry: TimelineEntry) -> Line:
    facts = _facts(entry)
    state = RefundStatus(entry.state)
    why = f", {entry.name}" if entry.name else ""
    text = f"A refund of {facts['amount']}{why}. {RETURNED[state].format(**facts)}"
    waits = "The provider says when it is there, by webhook." if state is R.PENDING else None
    return _line(entry, text, waits, facts)


def _webhook(payment: PaymentView, entry: TimelineEntry) -> Line:
    facts = _facts(entry)
    state = WebhookStatus(entry.state)
    never = " It never arrived, and was found in the provider's list." * ("backfilled" in facts)
    text = f"{payment.provider.capitalize()} told {entry.name}.{never} {TOLD_US[state]}"
    return _line(entry, text, UNPROCESSED.get(state), facts)


def _event(_: PaymentView, entry: TimelineEntry) -> Line:
    facts = _facts(entry)
    state = OutboxStatus(entry.state)
    begin = "Told other services" if state in LEFT else "For other services:"
    why = f" {facts['error']}." if state is M.PENDING and "error" in facts else ""
    text = f"{begin} {entry.name}. {TOLD[state].format(**facts)}{why}"
    return _line(entry, text, UNTOLD.get(state), facts)


def _discrepancy(payment: PaymentView, entry: TimelineEntry) -> Line:
    facts = _facts(entry)
    what = entry.name.replace("_", " ")
    text = (
        f"A difference was found: {what} of {facts['provider_object_id']}."
        f" Here {facts['local_value']}, at {payment.provider} {facts['provider_value']}."
    )
    if entry.state == "repaired":
        return _line(entry, f"{text} It is repaired.", None, facts)
    if entry.state == "closed":
        closed = f"It was closed by {facts['closed_by']} at {facts['closed_at']}: {facts['note']}"
        return _line(entry, f"{text} {closed}", None, facts)
    return _line(entry, text, STANDING, facts)


_SENTENCES: Final[Mapping[str, Callable[[PaymentView, TimelineEntry], Line]]] = {
    "operation": _operation,
    "refund": _refund,
    "webhook": _webhook,
    "event": _event,
    "discrepancy": _discrepancy,
}


def _asked(record: AuditRecord) -> Line:
    entry = record.entry
    way = CHANNELS[entry.actor.channel].format(issuer=entry.actor.issuer)
    amount = f" of {entry.amount}" if entry.amount else ""
    wanted = WANTED.get(entry.action, f"did {entry.action} to {{about}}")
    did = wanted.format(amount=amount, about=entry.about or "it")
    reason = f": {entry.reason}" if entry.reason else ""
    text = f"{entry.actor.subject or 'Somebody'} {did}, {way}{reason}."
    return Line(at=entry.at, kind="audit", id=str(entry.id), text=text)


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def _facts(entry: TimelineEntry) -> _Facts:
    """
    Return the details of an entry with moments as people read them.
    """
    times = {n: _time(entry.at, v) for n, v in entry.details.items() if n.endswith(_TIMES)}
    return _Facts({**entry.details, **times, "id": entry.id})


_TIMES: Final = ("_at", "_until")


def _time(beside: datetime, text: str) -> str:
    """
    Return a moment without its day where that is the entry's.
    """
    moment = short_time(datetime.fromisoformat(text))
    same = moment[:10] == timestamp(beside)[:10]
    return f"{moment[11:]} UTC" if same else f"{moment} UTC"


def _line(entry: TimelineEntry, text: str, waits: str | None, facts: Mapping[str, str]) -> Line:
    words = waits.format_map(facts).strip() if waits else None
    return Line(at=entry.at, kind=entry.kind, id=entry.id, text=text, open=words)
