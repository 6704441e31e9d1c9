"""
What a run compares of this service's own records: events received, operations, messages.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final
from uuid import UUID

from payments_core.application.receive_webhook import event_of
from payments_core.application.reconciliation.desk import Desk, Finding
from payments_core.application.reconciliation.legs import Sources, Step, Suspect
from payments_core.application.reconciliation.merge import batches, pages
from payments_core.domain.comparison import (
    TELLS,
    TRUE_IN,
    Difference,
    HeldPayment,
    HeldRefund,
)
from payments_core.domain.discrepancy import Discrepancy, DiscrepancyKind, Repair
from payments_core.domain.ids import child_id
from payments_core.domain.payment import Payment
from payments_core.domain.refund import RefundStatus
from payments_core.domain.status import CLOSED
from payments_core.ports.outbox import OutboxStatus
from payments_core.ports.provider import NoticeTopic, WebhookNotice, Window
from payments_core.ports.reconciliation import (
    LocalMessage,
    LocalOperation,
)

K = DiscrepancyKind
_NEVER_TOLD: Final = frozenset({OutboxStatus.SUPERSEDED, OutboxStatus.RELEASED})


# ---------------------------------------------------------------- webhooks


def webhooks(sources: Sources, window: Window) -> Iterator[Step]:
    """
    Look for events of known payments that never arrived, and store them.
    """
    name, queries = sources.provider.name, sources.queries
    for batch in batches(sources.provider.list_events(window), sources.policy.batch):
        known = queries.known_events(name, batch)
        horizons = queries.horizons()
        kept = (n for n in batch if not horizons.may_lack_webhook(n.created_at))
        missed = [n for n in kept if n.id not in known and n.topic is not NoticeTopic.OTHER]
        objects = {n.provider_payment_id for n in missed if n.provider_payment_id}
        owners = queries.by_object(name, objects) if objects else {}
        about = ((n, owners.get(n.provider_payment_id or "")) for n in missed)
        suspects = [_missed(notice, owner) for notice, owner in about if owner]
        yield Step(batch[-1].created_at, len(batch), suspects)


def _missed(notice: WebhookNotice, owner: HeldPayment) -> Suspect:
    def examine(desk: Desk) -> Sequence[Finding]:
        found = Difference(K.WEBHOOK_GAP, notice.id, "not received", notice.type)
        with desk.operations.unit_of_work() as uow:
            payment = uow.payments.get(owner.id)
            assert payment is not None
            now = desk.operations.clock.now()
            event = event_of(desk.run.provider, notice, now, due=now)
            if not desk.run.dry_run and not uow.webhooks.add(event):
                return ()
            gap = desk.discrepancy(payment.id, found, Repair.STORED)
            return desk.record(uow, gap, payment)

    return examine


# ---------------------------------------------------------------- operations


def operations(sources: Sources, window: Window) -> Iterator[Step]:
    """
    Look for operations without an outcome, and at what the provider's object shows of it.
    """
    end = min(window.end, sources.now - sources.policy.stuck_after)
    if end <= window.start:
        return
    name, size = sources.provider.name, sources.policy.batch
    for page in pages(
        lambda after: sources.queries.unresolved(name, Window(window.start, end), after, size)
    ):
        yield Step(page[-1].created_at, len(page), [_stuck(o) for o in page])


def _stuck(found: LocalOperation) -> Suspect:
    def examine(desk: Desk) -> Sequence[Finding]:
        if found.provider_payment_id:
            more = partial(_stuck_in, desk, found.id, applied=True)
            return desk.examine(found.provider_payment_id, found.payment_id, more)
        with desk.operations.unit_of_work() as uow:
            payment = uow.payments.get(found.payment_id)
            assert payment is not None
            noted = _stuck_in(desk, found.id, payment)
            return desk.record(uow, noted[0], payment) if noted else ()

    return examine


def _stuck_in(
    desk: Desk, operation_id: UUID, payment: Payment, *, applied: bool = False
) -> Sequence[Discrepancy]:
    """
    Return the difference that an operation without an outcome is; none if it has one again.

    Args:
        applied: Whether the provider's object was applied just now: then that it has an
            outcome now is the repair.
    """
    operation = payment.operation(operation_id)
    if not operation.unresolved and not applied:
        return ()
    repair = None if operation.unresolved else Repair.SETTLED
    ours = f"{operation.kind} without an outcome"
    found = Difference(K.STUCK_OPERATION, str(operation.id), ours, "outcome unknown")
    return [desk.discrepancy(payment.id, found, repair)]


# ---------------------------------------------------------------- messages


def messages(sources: Sources, window: Window) -> Iterator[Step]:
    """
    Look for messages that were never written, have not left, or are no longer true.
    """
    name, queries, size = sources.provider.name, sources.queries, sources.policy.batch
    for page in pages(lambda after: queries.payments(name, window, after, size)):
        yield Step(page[-1].created_at, len(page), _untold(sources, page))
    for late in pages(lambda after: queries.unsent(window, after, size)):
        owners = queries.by_id(name, {m.payment_id for m in late})
        suspects = [
            _note(owners[m.payment_id], _not_left(owners[m.payment_id], m))
            for m in late
            if m.name in _JUDGED and m.payment_id in owners
        ]
        yield Step(window.start, len(late), suspects)


_JUDGED: Final = frozenset({*TELLS.values(), "IRefundIssued", "IRefundFailed"})
"""
Messages about payments. One about a difference is none: it would make differences for ever.
"""


def _untold(sources: Sources, page: Sequence[HeldPayment]) -> list[Suspect]:
    told: dict[UUID, list[LocalMessage]] = {}
    for message in sources.queries.messages_of([p.id for p in page]):
        told.setdefault(message.payment_id, []).append(message)
    returned: dict[UUID, list[HeldRefund]] = {}
    for refund in sources.queries.refunds_of([p.id for p in page if p.refunded]):
        returned.setdefault(refund.payment_id, []).append(refund)
    found: list[Suspect] = []
    # Read after the messages: what is gone from them is older than this.
    horizons = sources.queries.horizons()
    for payment in page:
        mine = told.get(payment.id, [])
        if not horizons.may_lack_messages(payment.created_at):
            unwritten = _unwritten(payment, mine, returned.get(payment.id, ()))
            found += [_note(payment, difference) for difference in unwritten]
        if any(_untrue(payment, m) for m in mine):
            found.append(_drifted(sources, payment.id))
    return found


def _unwritten(
    payment: HeldPayment, told: Sequence[LocalMessage], refunds: Sequence[HeldRefund]
) -> Iterator[Difference]:
    """
    Yield what should have been written with a change and was not: that cannot happen.
    """
    name = TELLS.get(payment.status)
    if name and all(m.name != name for m in told):
        yield Difference(K.EVENT_NOT_PUBLISHED, name, payment.status, "never written")
    ids = {m.id for m in told}
    for refund in refunds if payment.status not in CLOSED else ():
        issued = child_id(payment.id, "RefundIssued", refund.id)
        if refund.status is RefundStatus.SUCCEEDED and issued not in ids:
            yield Difference(K.EVENT_NOT_PUBLISHED, str(issued), refund.status, "never written")


def _not_left(payment: HeldPayment, message: LocalMessage) -> Difference:
    theirs = f"{message.name} has not left"
    return Difference(K.EVENT_NOT_PUBLISHED, str(message.id), payment.status, theirs)


def _untrue(payment: HeldPayment, message: LocalMessage) -> bool:
    true_in = TRUE_IN.get(message.name)
    told = message.status not in _NEVER_TOLD
    return told and true_in is not None and payment.status not in true_in


def _drifted(sources: Sources, payment_id: UUID) -> Suspect:
    """
    Look again, the messages first: a payment may have moved on after its row was read.
    """

    def examine(desk: Desk) -> Sequence[Finding]:
        told = sources.queries.messages_of([payment_id])
        payment = sources.queries.by_id(sources.provider.name, [payment_id])[payment_id]
        found: list[Finding] = []
        for message in told:
            if _untrue(payment, message):
                theirs = f"{message.name} was told"
                drift = Difference(K.EVENT_STATE_DRIFT, str(message.id), payment.status, theirs)
                found += _note(payment, drift)(desk)
        return found

    return examine


def _note(owner: HeldPayment, found: Difference) -> Suspect:
    def examine(desk: Desk) -> Sequence[Finding]:
        with desk.operations.unit_of_work() as uow:
            payment = uow.payments.get(owner.id)
            return desk.note(uow, found, payment)

    return examine
