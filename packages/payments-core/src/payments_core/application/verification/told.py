"""
Whether the other services were told what happened, all of it, once, and nothing else.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import product
from typing import Final
from uuid import UUID

from payments_core.application.verification.terms import Check, Terms
from payments_core.domain.ids import child_id
from payments_core.domain.money import Money
from payments_core.domain.payment import Payment
from payments_core.domain.refund import RefundStatus
from payments_core.domain.status import PaymentStatus
from payments_core.ports.outbox import BLOCKING
from payments_core.ports.records import PaymentRecord

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
        yield f"order {order.order_id}: messages {order.first} to {order.last}, counted {order.count}"
    if order.handed_out != order.last and not (gaps and not order.count):
        yield f"order {order.order_id}: numbers given {order.handed_out}, the last is {order.last}"


def _left(record: PaymentRecord, terms: Terms) -> Iterator[str]:
    for message in record.messages:
        if message.status in BLOCKING and terms.overdue(message.created_at):
            waits = f"{message.name} has not left since {message.created_at:%F %T}"
            yield f"{waits} ({message.status}, {message.error or 'no error'})"


CHECKS: Final[Mapping[str, Check]] = {
    "I5": _end_is_told,
    "I6": _refunds_are_told,
    "I7": _told_is_true,
    "I8": _numbers,
    "I9": _left,
}
