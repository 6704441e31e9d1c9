"""
A comparison of this service with its provider, and what becomes of each difference.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import attrs

from payments_core.domain.comparison import (
    Difference,
    HeldPayment,
    HeldRefund,
    compare_payment,
    compare_refunds,
)
from payments_core.domain.discrepancy import Discrepancy, DiscrepancyKind, Repair, difference
from payments_core.domain.errors import WindowInvalid
from payments_core.domain.operation import Operation
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.settlement import Answer, apply

K = DiscrepancyKind


class RunStatus(StrEnum):
    """
    Where a run stands.

    PARTIAL: something could not be read, so nothing is said to be absent.
    FAILED: a mistake of ours ended it; what was repaired by then stays so.
    """

    REQUESTED = "requested"
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"


ACTIVE: Final = frozenset({RunStatus.REQUESTED, RunStatus.RUNNING})
"""
At most one run of a provider is in these states.
"""


@attrs.frozen
class ReconciliationPolicy:
    """
    The settings of runs.

    Attributes:
        grace: What is younger is left out: its webhook may be on its way.

        longest: Of a window.

        stuck_after: When an operation without an outcome is reported.

        lease: How long a run belongs to a process that gives no sign of life.

        save_every: The pause between two signs of life.

        most_missing: If more is not at the provider, it is the wrong account: nothing is said.

        batch: How many rows are compared at once.
    """

    grace: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(days=31)
    stuck_after: timedelta = timedelta(minutes=15)
    lease: timedelta = timedelta(seconds=60)
    save_every: timedelta = timedelta(seconds=1)
    most_missing: int = 10_000
    batch: int = 500


@attrs.frozen(kw_only=True)
class ReconciliationRun:
    """
    One comparison of a window of time.

    Attributes:
        window_start: Of what is compared; window_end: its end, not in it.

        dry_run: Only look: nothing is repaired, and no difference is kept.

        requested_by: Who asked for it, for the record.

        leg: What is being compared; cursor: how far, going back in time.

        unseen: Payments of ours that the listing has not shown so far. Once it is complete
            the provider is asked about each.

        checked: How many things were compared. found: How many differences there are; fresh:
            so many of them were not known before; repaired: so many are gone.

        kinds: How many differences there are of each kind.

        findings: What a dry run found, the first of it.

        lease_until: Until when it is its process's; lease_token: whose it is.
    """

    id: UUID
    provider: str
    window_start: datetime
    window_end: datetime
    dry_run: bool = False
    requested_by: str
    requested_at: datetime
    status: RunStatus = RunStatus.REQUESTED
    leg: str | None = None
    cursor: datetime | None = None
    unseen: tuple[UUID, ...] = ()
    checked: int = 0
    found: int = 0
    fresh: int = 0
    repaired: int = 0
    kinds: Mapping[str, int] = attrs.field(factory=dict)
    findings: tuple[Discrepancy, ...] = ()
    lease_until: datetime | None = None
    lease_token: UUID | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: str | None = None

    @classmethod
    def of(
        cls,
        *,
        run_id: UUID,
        provider: str,
        window_start: datetime,
        window_end: datetime,
        requested_by: str,
        now: datetime,
        policy: ReconciliationPolicy,
        dry_run: bool = False,
    ) -> "ReconciliationRun":
        """
        Return a run that was asked for; what is too young is left out of its window.

        Raises:
            WindowInvalid: There is no such window, or it is too long.
        """
        check_window(window_start, window_end, now, policy)
        return cls(
            id=run_id,
            provider=provider,
            window_start=window_start,
            window_end=min(window_end, now - policy.grace),
            dry_run=dry_run,
            requested_by=requested_by,
            requested_at=now,
        )

    def count(self, found: Discrepancy, *, fresh: bool) -> "ReconciliationRun":
        """
        Return the run with one more difference.
        """
        return attrs.evolve(
            self,
            found=self.found + 1,
            fresh=self.fresh + fresh,
            repaired=self.repaired + (found.repair is not None and not self.dry_run),
            kinds={**self.kinds, found.kind.value: self.kinds.get(found.kind, 0) + 1},
            findings=(*self.findings, found)[:MOST_FINDINGS] if self.dry_run else (),
        )


MOST_FINDINGS: Final = 100
"""
How many differences a dry run shows one by one.
"""


def check_window(
    start: datetime, end: datetime, now: datetime, policy: ReconciliationPolicy
) -> None:
    """
    Accept a window that can be compared.

    Raises:
        WindowInvalid: It ends before it begins, holds only what is too young, or is too long.
    """
    if start >= end:
        raise WindowInvalid("The window must begin before it ends")
    if start >= now - policy.grace:
        seconds = policy.grace.total_seconds()
        raise WindowInvalid(f"The window must begin at least {seconds:g} s ago")
    if end - start > policy.longest:
        raise WindowInvalid(
            f"A window is at most {policy.longest.days} days long; reconcile one after the other"
        )


def differences(payment: Payment, answer: Answer) -> Sequence[Difference]:
    """
    Return how a payment differs from its object and all of its refund objects.
    """
    assert answer.payment is not None
    found = compare_payment(HeldPayment.of(payment), answer.payment)
    if found and found.kind in {K.DUPLICATE_CHARGE, K.CURRENCY_MISMATCH}:
        return [found]
    own = payment.provider_payment_id in {None, answer.payment.id}
    refunds = compare_refunds(HeldRefund.all_of(payment), answer.refunds) if own else ()
    return [*([found] if found else ()), *refunds]


def reconcile(
    payment: Payment, answer: Answer, now: datetime, policy: Policy, run_id: UUID
) -> list[Operation]:
    """
    Apply what was read, and note each difference that was there with how it ended.

    Returns:
        Operations that follow, as of `settlement.apply`.

    Raises:
        InvalidTransition: The payment cannot become what the provider says; do not save it.
    """
    before = differences(payment, answer)
    following = apply(payment, answer, now, policy)
    left = {(d.kind, d.object_id) for d in differences(payment, answer)}
    noted = [
        attrs.evolve(
            as_discrepancy(payment.id, d, now, run_id),
            repair=_repair(d, left, begun=bool(following)),
        )
        for d in before
    ]
    known = {d.id for d in noted}
    told = (attrs.evolve(d, run_id=run_id) for d in payment.discrepancies if d.id not in known)
    payment.discrepancies[:] = [_dated(d, now) for d in (*noted, *told)]
    return following


def note_only(payment: Payment, answer: Answer, now: datetime, run_id: UUID) -> None:
    """
    Note each difference and change nothing.
    """
    found = (as_discrepancy(payment.id, d, now, run_id) for d in differences(payment, answer))
    payment.discrepancies.extend(found)


def as_discrepancy(
    payment_id: UUID | None, found: Difference, now: datetime, run_id: UUID
) -> Discrepancy:
    """
    Return a difference as it is kept.
    """
    made = difference(
        payment_id,
        found.kind,
        now,
        provider_object_id=found.object_id,
        local_value=found.ours,
        provider_value=found.theirs,
    )
    return attrs.evolve(made, run_id=run_id)


def _repair(
    found: Difference, left: set[tuple[DiscrepancyKind, str]], *, begun: bool
) -> Repair | None:
    if begun and found.kind in {K.LATE_SUCCESS, K.STATUS_MISMATCH}:
        return Repair.BEGUN
    gone = (found.kind, found.object_id) not in left and found.kind is not K.LATE_SUCCESS
    return Repair.SETTLED if gone else None


def _dated(found: Discrepancy, now: datetime) -> Discrepancy:
    return attrs.evolve(found, repaired_at=now if found.repair else None)
