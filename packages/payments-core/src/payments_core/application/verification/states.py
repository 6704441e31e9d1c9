"""
Whether a payment's amounts, operations and status fit together.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from payments_core.application.verification.terms import Check, Terms
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation, OperationKind, OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.refund import Refund, RefundStatus
from payments_core.domain.requests import CreateIntent, RefundCapture
from payments_core.domain.status import status_of
from payments_core.ports.records import PaymentRecord


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
    "I13": _keys,
    "I15": _status,
    "I17": _attended,
    "I19": _key_age,
    "I20": _proven,
    "I21": _unchanged,
    "I26": _versions,
}
