"""
Checking on a live installation that no promise was broken.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import attrs

from payments_core.application.reconciliation.merge import batches
from payments_core.application.verification.objects import CLOCKS, check_object, check_refund
from payments_core.application.verification.stored import check_payment, check_webhook
from payments_core.application.verification.terms import Terms
from payments_core.domain.facts import ProviderPayment, ProviderRefund, ProviderRefundStatus
from payments_core.domain.invariants import Violation
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.ports.clock import IClock
from payments_core.ports.provider import IPaymentProvider, Window
from payments_core.ports.queries import Cursor
from payments_core.ports.records import IRecordQueries, PaymentRecord, WebhookPlace
from payments_core.ports.webhooks import WebhookEvent

Progress = Callable[[int], None]

PAGE: Final = 200
EXAMPLES: Final = 5
"""
How many violations of each invariant are named; all are counted.
"""


@attrs.frozen(kw_only=True)
class VerifyPaymentsCommand:
    """
    What to check.

    Attributes:
        since: Payments made and webhooks received since then; None for all.

        provider: Also list the provider's objects of that time, and compare.

        grace: How old something must be before it counts as forgotten.
    """

    since: datetime | None = None
    provider: bool = False
    grace: timedelta = timedelta(minutes=5)


@attrs.define
class Report:
    """
    What was checked, and which promises were found broken.

    Attributes:
        counts: How many violations of each invariant were found; examples: the first few.
    """

    payments: int = 0
    webhooks: int = 0
    provider_objects: int = 0
    counts: dict[str, int] = attrs.field(factory=dict)
    examples: dict[str, list[Violation]] = attrs.field(factory=dict)

    @property
    def clean(self) -> bool:
        """
        Whether no promise was found broken.
        """
        return not self.counts

    def add(self, violations: Iterator[Violation]) -> None:
        """
        Count violations.
        """
        for violation in violations:
            name = violation.invariant
            self.counts[name] = self.counts.get(name, 0) + 1
            named = self.examples.setdefault(name, [])
            if len(named) < EXAMPLES:
                named.append(violation)


@attrs.frozen
class VerifyPayments:
    """
    Checks every invariant that a live installation can show; it changes nothing.

    It reads in pages, so memory does not grow with what is stored.
    """

    records: IRecordQueries
    providers: Mapping[str, IPaymentProvider]
    clock: IClock
    policy: Policy = attrs.field(factory=Policy)

    def total(self, command: VerifyPaymentsCommand) -> int:
        """
        Return how many payments there are to check.
        """
        return self.records.count(command.since)

    def execute(
        self, command: VerifyPaymentsCommand, progress: Progress = lambda _: None
    ) -> Report:
        """
        Check, and return what was found.

        Args:
            progress: Is told how many payments were checked since it was told last.

        Raises:
            ProviderError: The provider did not list all of its objects.
            StorageUnavailable: The database is gone.
        """
        report = Report()
        for page in self._payments(command.since):
            terms = self._terms(command)
            for record in page:
                report.add(check_payment(record, terms))
            report.payments += len(page)
            progress(len(page))
        for events in self._webhooks(command.since):
            terms = self._terms(command)
            for event in events:
                report.add(check_webhook(event, terms))
            report.webhooks += len(events)
        if command.provider:
            for name, provider in self.providers.items():
                _Comparison(self.records, name, provider, self._terms(command), report).run(command)
        return report

    def _terms(self, command: VerifyPaymentsCommand) -> Terms:
        # Read after the page: what is gone from it is older than this.
        now, horizons = self.clock.now(), self.records.horizons()
        return Terms(now, command.grace, horizons, self.policy.key_life)

    def _payments(self, since: datetime | None) -> Iterator[Sequence[PaymentRecord]]:
        after: Cursor | None = None
        while page := self.records.payments(since, after, PAGE):
            yield page
            last = page[-1].payment
            after = Cursor(last.created_at, last.id)

    def _webhooks(self, since: datetime | None) -> Iterator[Sequence[WebhookEvent]]:
        after: WebhookPlace | None = None
        while page := self.records.webhooks(since, after, PAGE):
            yield page
            after = WebhookPlace(page[-1].provider, page[-1].event_id)


_BEGINNING: Final = timedelta(days=3650)


@attrs.define
class _Comparison:
    """
    One provider's objects beside what is stored.

    Attributes:
        balance: Minor units by currency: what was kept there, less what was kept here.
    """

    records: IRecordQueries
    name: str
    provider: IPaymentProvider
    terms: Terms
    report: Report
    balance: dict[str, int] = attrs.field(factory=dict)

    def run(self, command: VerifyPaymentsCommand) -> None:
        """
        List both kinds of objects, then compare the sums.
        """
        since = command.since or self.terms.now - _BEGINNING
        window = Window(since - CLOCKS, self.terms.now + CLOCKS)
        for page in batches(self.provider.list_payments(window), PAGE):
            self._objects(page, command.since)
        for refunds in batches(self.provider.list_refunds(window), PAGE):
            self._refunds(refunds, command.since)
        self._here(command)
        for currency, apart in self.balance.items():
            if apart:
                found = f"{apart} minor units of {currency} more there than here"
                self.report.add(iter([Violation("I25", self.name, found)]))

    def _objects(self, page: Sequence[ProviderPayment], since: datetime | None) -> None:
        known = self._known([f.payment_id for f in page if f.payment_id])
        for fact in page:
            if fact.payment_id is None:
                continue
            record = known.get(fact.payment_id)
            self.report.add(check_object(fact, record, self.terms))
            self.report.provider_objects += 1
            if record and self._counts(record.payment, since):
                self._add(fact.captured.currency, fact.captured.minor_units)

    def _refunds(self, page: Sequence[ProviderRefund], since: datetime | None) -> None:
        found = self.records.by_objects(self.name, {f.provider_payment_id for f in page})
        known = {r.payment.provider_payment_id: r for r in found}
        for fact in page:
            record = known.get(fact.provider_payment_id)
            if record is None:
                continue
            self.report.add(check_refund(fact, record, self.terms))
            gone = fact.status is ProviderRefundStatus.SUCCEEDED and not fact.releases_only
            if gone and self._counts(record.payment, since):
                self._add(fact.amount.currency, -fact.amount.minor_units)

    def _here(self, command: VerifyPaymentsCommand) -> None:
        before = self.terms.now - self.terms.grace
        for currency, kept in self.records.kept(self.name, command.since, before).items():
            self._add(currency, -kept)

    def _counts(self, payment: Payment, since: datetime | None) -> bool:
        """
        Return whether `kept` counts it too: what is still on its way is on neither side.
        """
        still = not payment.unresolved_operations and self.terms.overdue(payment.updated_at)
        made = since is None or payment.created_at >= since
        return payment.provider == self.name and still and made

    def _known(self, ids: Sequence[UUID]) -> Mapping[UUID, PaymentRecord]:
        return {r.payment.id: r for r in self.records.by_ids(ids)} if ids else {}

    def _add(self, currency: str, minor_units: int) -> None:
        self.balance[currency] = self.balance.get(currency, 0) + minor_units
