"""
What a run compares, one leg after the other: each goes back through the window in steps.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import attrs

from payments_core.application.reconciliation.desk import Desk, Finding
from payments_core.application.reconciliation.merge import Merge, Met, batches
from payments_core.domain.comparison import (
    Difference,
    HeldPayment,
    HeldRefund,
    compare_payment,
    compare_refund,
    matching,
)
from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.facts import ProviderDispute, ProviderPayment, ProviderRefund
from payments_core.domain.reconciliation import ReconciliationPolicy
from payments_core.ports.provider import IPaymentProvider, Window
from payments_core.ports.reconciliation import IReconciliationQueries

Suspect = Callable[[Desk], Sequence[Finding]]
"""
Something that may differ: looked at afresh before anybody calls it a difference.
"""


def suspected(object_id: str, payment_id: UUID | None) -> Suspect:
    """
    Return an object and the payment that it may differ from.
    """
    return lambda desk: desk.examine(object_id, payment_id)


@attrs.frozen
class Step:
    """
    A part of a leg.

    Attributes:
        moment: Everything that is newer is done.

        unseen: Payments whose object, or refund, the listing should have shown by now.
    """

    moment: datetime
    checked: int
    suspects: Sequence[Suspect] = ()
    unseen: Sequence[UUID] = ()


@attrs.frozen
class Sources:
    """
    Where the two sides of a run are read.
    """

    provider: IPaymentProvider
    queries: IReconciliationQueries
    policy: ReconciliationPolicy
    now: datetime


class Leg(Protocol):
    """
    One of the things that are compared.
    """

    @abstractmethod
    def __call__(self, sources: Sources, window: Window) -> Iterator[Step]:
        """
        Yield the steps, newest first; a `ProviderError` breaks it off.
        """


def payments(sources: Sources, window: Window) -> Iterator[Step]:
    """
    Compare payment objects with payments.
    """
    queries, name, size = sources.queries, sources.provider.name, sources.policy.batch

    def match(
        batch: Sequence[ProviderPayment], near: Mapping[UUID, HeldPayment]
    ) -> Mapping[int, HeldPayment]:
        ours: dict[int, HeldPayment] = {}
        others: dict[int, ProviderPayment] = {}
        for place, fact in enumerate(batch):
            held = _named(near, fact)
            if held and held.provider_payment_id == fact.id:
                ours[place] = held
            else:
                others[place] = fact
        return {**ours, **_looked_up(queries, name, others)} if others else ours

    merge = Merge(
        sources.provider.list_payments(window),
        match,
        lambda after: queries.payments(name, window, after, size),
        window.start,
        size,
    )
    for met in merge:
        suspects = [
            suspected(fact.id, held.id if held else None)
            for fact, held in met.pairs
            if held is None or compare_payment(held, fact)
        ]
        unseen = [p.id for p in met.passed if p.provider_payment_id]
        yield Step(met.moment, len(met.pairs), suspects, unseen)


def _looked_up(
    queries: IReconciliationQueries, provider: str, facts: Mapping[int, ProviderPayment]
) -> Mapping[int, HeldPayment]:
    linked = queries.by_object(provider, [fact.id for fact in facts.values()])
    claimed = {f.payment_id for f in facts.values() if f.id not in linked and f.payment_id}
    named = queries.by_id(provider, claimed) if claimed else {}
    ours = ((n, linked.get(f.id) or _named(named, f)) for n, f in facts.items())
    return {n: payment for n, payment in ours if payment}


def _named(named: Mapping[UUID, HeldPayment], fact: ProviderPayment) -> HeldPayment | None:
    return named.get(fact.payment_id) if fact.payment_id else None


def refunds(sources: Sources, window: Window) -> Iterator[Step]:
    """
    Compare refund objects with refunds, of the payments that are known here.
    """
    queries, name, size = sources.queries, sources.provider.name, sources.policy.batch
    owners: dict[str, HeldPayment] = {}

    def match(
        batch: Sequence[ProviderRefund], _near: Mapping[UUID, HeldRefund]
    ) -> Mapping[int, HeldRefund]:
        owners.clear()
        owners.update(queries.by_object(name, {fact.provider_payment_id for fact in batch}))
        held: dict[UUID, list[HeldRefund]] = {}
        for refund in queries.refunds_of({p.id for p in owners.values()}):
            held.setdefault(refund.payment_id, []).append(refund)
        return _matched(batch, owners, held)

    merge = Merge(
        sources.provider.list_refunds(window),
        match,
        lambda after: queries.refunds(name, window, after, size),
        window.start,
        size,
    )
    for met in merge:
        yield _refund_step(met, owners)


def _matched(
    batch: Sequence[ProviderRefund],
    owners: Mapping[str, HeldPayment],
    held: Mapping[UUID, Sequence[HeldRefund]],
) -> Mapping[int, HeldRefund]:
    found: dict[int, HeldRefund] = {}
    for number, fact in enumerate(batch):
        owner = owners.get(fact.provider_payment_id)
        refund = matching(held.get(owner.id, ()), fact) if owner else None
        if refund:
            found[number] = refund
    return found


def _refund_step(met: Met[ProviderRefund, HeldRefund], owners: Mapping[str, HeldPayment]) -> Step:
    suspects: list[Suspect] = []
    for fact, held in met.pairs:
        owner = owners.get(fact.provider_payment_id)
        if owner and compare_refund(held, fact):
            suspects.append(suspected(fact.provider_payment_id, owner.id))
    unseen = [r.payment_id for r in met.passed if r.provider_refund_id]
    return Step(met.moment, len(met.pairs), suspects, unseen)


def disputes(sources: Sources, window: Window) -> Iterator[Step]:
    """
    Note each dispute of a payment that is known here.
    """
    for batch in batches(sources.provider.list_disputes(window), sources.policy.batch):
        ids = {dispute.provider_payment_id for dispute in batch}
        owners = sources.queries.by_object(sources.provider.name, ids)
        suspects = [
            _disputed(dispute, owners[dispute.provider_payment_id].id)
            for dispute in batch
            if dispute.provider_payment_id in owners
        ]
        yield Step(batch[-1].created_at, len(batch), suspects)


def _disputed(dispute: ProviderDispute, payment_id: UUID) -> Suspect:
    def examine(desk: Desk) -> Sequence[Finding]:
        with desk.operations.unit_of_work() as uow:
            payment = uow.payments.get(payment_id)
            assert payment is not None
            theirs = f"{dispute.amount} {dispute.reason}"
            kind = DiscrepancyKind.DISPUTE_OPENED
            return desk.note(uow, Difference(kind, dispute.id, payment.status, theirs), payment)

    return examine
