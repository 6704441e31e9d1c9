"""
What the store alone tells about the invariants, one payment or webhook event at a time.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product
from typing import Final
from uuid import UUID

import attrs

from payments_core.contracts.requests import request_to_json
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.ids import child_id
from payments_core.domain.invariants import Violation
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation, OperationKind, OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.refund import Refund, RefundStatus
from payments_core.domain.requests import CreateIntent, RefundCapture
from payments_core.domain.status import PaymentStatus, status_of
from payments_core.masking import mask_tree
from payments_core.ports.outbox import BLOCKING
from payments_core.ports.records import PaymentRecord
from payments_core.ports.retention import Horizons
from payments_core.ports.webhooks import WebhookEvent, WebhookStatus


@attrs.frozen
class Terms:
    """
    When it is checked, and how much time everything has.

    Attributes:
        grace: So long after its time something may still be under way.

        horizons: What is older may have been removed: then that it is not there says nothing.

        key_life: As of `Policy`.
    """

    now: datetime
    grace: timedelta = timedelta(minutes=5)
    horizons: Horizons = attrs.field(factory=Horizons)
    key_life: timedelta = Policy().key_life

    def lacks_messages(self, record: PaymentRecord) -> bool:
        """
        Return whether retention may have removed what was told of a payment.
        """
        return self.horizons.may_lack_messages(record.payment.created_at)

    def overdue(self, at: datetime | None) -> bool:
        """
        Return whether something that was due then should be over.
        """
        return at is not None and at < self.now - self.grace


Check = Callable[[PaymentRecord, Terms], Iterator[str]]


def check_payment(record: PaymentRecord, terms: Terms) -> Iterator[Violation]:
    """
    Yield every broken promise that a payment's rows show.
    """
    for name, check in CHECKS.items():
        for found in check(record, terms):
            yield Violation(name, str(record.payment.id), found)


def check_webhook(event: WebhookEvent, terms: Terms) -> Iterator[Violation]:
    """
    Yield every broken promise that a webhook event's row shows.
    """
    waits = event.status in {WebhookStatus.RECEIVED, WebhookStatus.PARKED}
    due = event.next_at or event.received_at
    if waits and terms.overdue(due):
        yield Violation("I12", event.event_id, f"{event.status}, and was due at {due:%F %T}")
    if event.status is WebhookStatus.DEAD:
        yield Violation("I12", event.event_id, f"given up: {event.error}")
    if _holds_secret(event.payload):
        yield Violation("I22", event.event_id, "the payload holds a secret or a card number")


# ---------------------------------------------------------------- money


def _money(record: PaymentRecord, _: Terms) -> Iterator[str]:
    payment = record.payment
    if record.discrepancies:
        return
    if payment.refunded > payment.captured:
        yield f"refunded {payment.refunded} of {payment.captured} captured"
    elif _held(payment) > payment.captured:
        yield f"refunds of {_held(payment)} are under way or done of {payment.captured} captured"
    if payment.captured > payment.amount:
        yield f"captured {payment.captured} of {payment.amount}"


def _held(payment: Payment) -> Money:
    """
    Return what our refunds took; one that was made elsewhere may meet one of ours under way.
    """
    ours = {o.request.refund_id for o in payment.operations if isinstance(o.request, RefundCapture)}
    elsewhere = any(r.id not in ours and _takes(r) for r in payment.refunds)
    return payment.refunded if elsewhere else payment.refunded + payment.reserved


def _takes(refund: Refund) -> bool:
    return refund.status in {RefundStatus.PENDING, RefundStatus.SUCCEEDED}


# ---------------------------------------------------------------- what is told

_PAID: Final = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED})
_ENDS: Final = ("IPaymentSucceeded", "IPaymentFailed")


def _end_is_told(record: PaymentRecord, terms: Terms) -> Iterator[str]:
    payment = record.payment
    told = Counter(m.name for m in record.messages if m.name in _ENDS)
    should: Counter[str] = Counter()
    if payment.status in _PAID:
        should["IPaymentSucceeded"] = 1
    elif payment.closed:
        should["IPaymentFailed"] = 1
    if terms.lacks_messages(record):
        should &= told
    if told != should:
        yield f"{payment.status}, and told as {_names(told)} instead of {_names(should)}"


def _names(told: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(told.items())) or "nothing"


def _refunds_are_told(record: PaymentRecord, terms: Terms) -> Iterator[str]:
    payment = record.payment
    told = {m.id for m in record.messages}
    for refund in payment.refunds:
        issued = child_id(payment.id, "RefundIssued", refund.id) in told
        failed = child_id(payment.id, "RefundFailed", refund.id) in told
        allowed = _TELLING[payment.closed][refund.status]
        if terms.lacks_messages(record):
            allowed = frozenset(_without(allowed))
        if (issued, failed) not in allowed:
            yield (
                f"refund {refund.id} is {refund.status};"
                f" told as issued: {issued}, as failed: {failed}"
            )


def _without(allowed: Collection[tuple[bool, bool]]) -> Iterator[tuple[bool, bool]]:
    """
    Yield what may be left of each after some of it was removed.
    """
    for issued, failed in allowed:
        yield from product({issued, False}, {failed, False})


_NEITHER: Final = (False, False)
_FAILURE: Final = frozenset({(False, True), (True, True)})
_SILENT: Final = dict.fromkeys(RefundStatus, frozenset({_NEITHER}))
_TELLING: Final[Mapping[bool, Mapping[RefundStatus, frozenset[tuple[bool, bool]]]]] = {
    # What a closed payment took late is told as a discrepancy alone.
    True: _SILENT,
    False: {
        RefundStatus.PENDING: frozenset({_NEITHER}),
        RefundStatus.SUCCEEDED: frozenset({(True, False)}),
        RefundStatus.FAILED: _FAILURE,
        RefundStatus.CANCELED: frozenset({(False, True)}),
    },
}
"""
By whether the payment is closed: how each refund may have been told, as issued and as failed.
"""


def _told_is_true(record: PaymentRecord, terms: Terms) -> Iterator[str]:
    yield from _untrue(record)
    if not terms.lacks_messages(record):
        yield from _untold(record)


def _untrue(record: PaymentRecord) -> Iterator[str]:
    possible = _possible(record)
    amounts = _amounts(record.payment)
    for message in record.messages:
        refused = message.name == "IRefundFailed"
        if message.id not in possible and not refused:
            yield f"message {message.sequence}, {message.name}, tells what never happened"
        amount = amounts.get(message.id)
        if amount and _told_amount(message.body) != str(amount):
            said = _told_amount(message.body)
            yield f"message {message.sequence}, {message.name}, tells {said}; it was {amount}"


def _untold(record: PaymentRecord) -> Iterator[str]:
    told = {m.id for m in record.messages}
    for discrepancy in record.discrepancies:
        if discrepancy.id not in told:
            yield f"discrepancy {discrepancy.kind} was not told"
    held = record.payment.status is PaymentStatus.AUTHORIZED
    if held and child_id(record.payment.id, "PaymentAuthorized", "") not in told:
        yield "Authorized, and that was not told"


def _amounts(payment: Payment) -> Mapping[UUID, Money]:
    """
    Return what was taken and given back, by the id of the message that tells it.
    """
    taken = {child_id(payment.id, "PaymentSucceeded", ""): payment.captured}
    return taken | {child_id(payment.id, "RefundIssued", r.id): r.amount for r in payment.refunds}


def _told_amount(body: str) -> str:
    """
    Return the amount that a message tells, with or without an envelope.
    """
    try:
        document = json.loads(body)
        fields = document.get("message", document)
        return f"{fields['amount']} {fields['currency']}"
    except (ValueError, TypeError, LookupError, AttributeError):
        return "no amount"


def _possible(record: PaymentRecord) -> set[UUID]:
    """
    Return the ids of the messages that the payment's state allows.
    """
    payment = record.payment
    kinds = [("PaymentAuthorized", bool(payment.authorized)), ("PaymentFailed", payment.closed)]
    kinds.append(("PaymentSucceeded", bool(payment.captured)))
    ids = {child_id(payment.id, kind, "") for kind, so in kinds if so}
    for refund in payment.refunds:
        ids |= {child_id(payment.id, kind, refund.id) for kind in ("RefundIssued", "RefundFailed")}
    return ids | {d.id for d in record.discrepancies}


def _numbers(record: PaymentRecord, terms: Terms) -> Iterator[str]:
    order = record.order
    if order is None:
        if record.messages:
            yield f"order {record.payment.order_id} has messages and no row"
        return
    gaps = terms.horizons.may_lack_messages(order.began_at)
    if order.count and not gaps and (order.first, order.last) != (1, order.count):
        yield f"order {order.order_id}: {order.count} messages from {order.first} to {order.last}"
    if order.handed_out != order.last and not (gaps and not order.count):
        yield f"order {order.order_id}: {order.handed_out} numbers given, the last is {order.last}"


def _left(record: PaymentRecord, terms: Terms) -> Iterator[str]:
    for message in record.messages:
        if message.status in BLOCKING and terms.overdue(message.created_at):
            waits = f"{message.name} has not left since {message.created_at:%F %T}"
            yield f"{waits} ({message.status}, {message.error or 'no error'})"


# ---------------------------------------------------------------- states


def _keys(record: PaymentRecord, _: Terms) -> Iterator[str]:
    used = Counter(o.request_key for o in record.payment.operations if o.request_key)
    for key, times in used.items():
        if times > 1:
            yield f"{times} operations under the key {key!r}"


_STEPS: Final = {"IPaymentAuthorized": 1, "IPaymentSucceeded": 2, "IPaymentFailed": 2}


def _status(record: PaymentRecord, _: Terms) -> Iterator[str]:
    payment = record.payment
    follows = {
        status_of(
            closed=payment.status if payment.closed else None,
            action_required=waits,
            authorized=payment.authorized,
            captured=payment.captured,
            refunded=payment.refunded,
        )
        for waits in (False, True)
    }
    if payment.status not in follows:
        yield f"{payment.status}, and its amounts say {' or '.join(sorted(follows))}"
    steps = [_STEPS[m.name] for m in record.messages if m.name in _STEPS]
    if steps != sorted(steps):
        yield "its steps were told in an order that the table does not have"


def _attended(record: PaymentRecord, terms: Terms) -> Iterator[str]:
    for operation in record.payment.operations:
        if operation.state is OperationState.SENT and terms.overdue(operation.lease_until):
            yield f"{_words(operation)} is unanswered, and its lease ended long ago"
        if operation.state is OperationState.UNKNOWN and terms.overdue(operation.next_at):
            yield f"{_words(operation)} is unknown, and was to be looked at long ago"
        if operation.state is OperationState.SUCCEEDED and not _applied(record.payment, operation):
            yield f"{_words(operation)} is done, and the payment does not show it"


def _applied(payment: Payment, operation: Operation) -> bool:
    request = operation.request
    if isinstance(request, RefundCapture):
        found = (r for r in payment.refunds if r.id == request.refund_id)
        return any(r.provider_refund_id for r in found)
    if operation.kind is OperationKind.CAPTURE:
        return bool(payment.captured)
    if operation.kind is OperationKind.CANCEL:
        return payment.provider_status is ProviderPaymentStatus.CANCELED
    return payment.provider_payment_id is not None


def _key_age(record: PaymentRecord, terms: Terms) -> Iterator[str]:
    for operation in record.payment.operations:
        last = operation.last_sent_at or operation.first_sent_at
        if last - operation.first_sent_at >= terms.key_life:
            yield f"{_words(operation)} was sent again after {last - operation.first_sent_at}"


def _proven(record: PaymentRecord, _: Terms) -> Iterator[str]:
    payment = record.payment
    if not payment.closed or payment.open_operation(OperationKind.CANCEL):
        return
    if payment.provider_payment_id is None:
        first = payment.operations[0].state
        if first not in {OperationState.DECLINED, OperationState.ABSENT}:
            yield f"{payment.status} without an object, and its creation is {first}"
    elif payment.provider_status is not ProviderPaymentStatus.CANCELED and not record.discrepancies:
        yield f"{payment.status}, and its object is {payment.provider_status}"


def _unchanged(record: PaymentRecord, _: Terms) -> Iterator[str]:
    payment = record.payment
    for operation in payment.operations:
        request = operation.request
        if isinstance(request, CreateIntent):
            for name in ("amount", "order_id", "capture_method", "payment_method_id"):
                if getattr(request, name) != getattr(payment, name):
                    yield f"{name} is not what was first asked for"
        elif request.provider_payment_id != payment.provider_payment_id:
            yield f"{_words(operation)} names another object"


def _no_secrets(record: PaymentRecord, _: Terms) -> Iterator[str]:
    for where, text in _texts(record):
        if _holds_secret(text):
            yield f"{where} holds a secret or a card number"


def _holds_secret(text: str) -> bool:
    """
    Return whether masking would change a text; documents are read by the names of their fields.
    """
    try:
        document = json.loads(text)
    except ValueError:
        document = text
    return bool(mask_tree(document) != document)


def _texts(record: PaymentRecord) -> Iterator[tuple[str, str]]:
    payment = record.payment
    for failure in (payment.failure, *(o.failure for o in payment.operations)):
        if failure:
            yield "a failure", failure.message
    for refund in payment.refunds:
        yield "a refund's reason", refund.reason or ""
    for operation in payment.operations:
        yield "a request", request_to_json(operation.request)
    for message in record.messages:
        yield f"message {message.sequence}", message.body


def _versions(record: PaymentRecord, _: Terms) -> Iterator[str]:
    payment = record.payment
    if payment.version < 1:
        yield f"version {payment.version}"
    latest = max([payment.created_at, *(o.first_sent_at for o in payment.operations)])
    if payment.updated_at < latest:
        yield f"changed last at {payment.updated_at:%F %T}, before {latest:%F %T}"


def _words(operation: Operation) -> str:
    return f"{operation.kind} {operation.number}"


CHECKS: Final[Mapping[str, Check]] = {
    "I1": _money,
    "I5": _end_is_told,
    "I6": _refunds_are_told,
    "I7": _told_is_true,
    "I8": _numbers,
    "I9": _left,
    "I13": _keys,
    "I15": _status,
    "I17": _attended,
    "I19": _key_age,
    "I20": _proven,
    "I21": _unchanged,
    "I22": _no_secrets,
    "I26": _versions,
}
"""
The check of each invariant that a payment's rows show.
"""
