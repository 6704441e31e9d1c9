"""
What retention removed is never taken for lost, and what is lost is still found.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import attrs
import pytest
from sqlalchemy import Engine, text

from payments_core.application.apply_retention import ApplyRetention, RetentionPolicy
from payments_core.application.backfill_webhooks import BackfillWebhooks
from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.application.operations import Operations
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.application.receive_webhook import ReceiveWebhook
from payments_core.application.reconcile_payments import ReconcileCommand, ReconcilePayments
from payments_core.application.refund_payment import RefundPayment, RefundPaymentCommand
from payments_core.application.relay_outbox import RelayOutbox
from payments_core.application.results import CreatedPayment
from payments_core.application.verify_payments import VerifyPayments, VerifyPaymentsCommand
from payments_core.domain.policy import Policy
from payments_core.domain.requests import CaptureMethod
from payments_core.ports.provider import Window
from payments_core.testing.builders import NOW, eur
from payments_core.testing.clock import ManualClock
from payments_core.testing.conformance.retention import LONG_AGO
from payments_core.testing.fake_provider import (
    APPROVED_METHOD,
    DECLINED_METHOD,
    FakePaymentProvider,
)
from payments_core.testing.recording_publisher import RecordingPublisher
from payments_postgres import (
    SqlAlchemyReconciliationQueries,
    SqlAlchemyRecordQueries,
    SqlAlchemyRetention,
    SqlAlchemyUnitOfWork,
)
from tests.postgres.months import months_back_to

DAY = timedelta(days=1)
SHORT = RetentionPolicy(messages=100 * DAY, webhooks=100 * DAY, audit=400 * DAY)


@attrs.frozen
class Installation:
    """
    A service and its provider, living through the days.
    """

    engine: Engine
    clock: ManualClock
    provider: FakePaymentProvider
    operations: Operations

    @classmethod
    def on(cls, engine: Engine) -> "Installation":
        """
        Return one that begins long ago.
        """
        if engine.dialect.name == "postgresql":
            months_back_to(engine, LONG_AGO, NOW)
        clock = ManualClock(LONG_AGO)
        provider = FakePaymentProvider(clock=clock)
        make_uow = partial(SqlAlchemyUnitOfWork, engine)
        known = {provider.name: provider}
        return cls(engine, clock, provider, Operations(make_uow, known, clock, Policy()))

    @property
    def queries(self) -> SqlAlchemyReconciliationQueries:
        """
        What reconciliation reads.
        """
        return SqlAlchemyReconciliationQueries(self.engine)

    def day(self) -> None:
        """
        An order is refused, paid and partly refunded; what follows arrives, and leaves.
        """
        order = uuid4()
        self._pay(order, DECLINED_METHOD)
        paid = self._pay(order, APPROVED_METHOD)
        refund = RefundPaymentCommand(
            payment_id=paid.payment.id, amount=eur("4.00"), request_key=str(uuid4())
        )
        RefundPayment(self.operations).execute(refund)
        self.clock.advance(seconds=5)
        assert self.missed(dry_run=False)
        publisher = RecordingPublisher()
        relay = RelayOutbox(self.operations.unit_of_work, publisher, self.clock)
        while relay.execute():
            pass

    def _pay(self, order: UUID, method: str) -> CreatedPayment:
        return CreatePayment(self.operations).execute(
            CreatePaymentCommand(
                order_id=order,
                customer_id="alice",
                amount=eur("10.00"),
                provider=self.provider.name,
                capture_method=CaptureMethod.AUTOMATIC,
                payment_method_id=method,
            )
        )

    def missed(self, *, dry_run: bool) -> int:
        """
        Look for webhooks that never arrived since the beginning, and perhaps fill them.
        """
        receive = ReceiveWebhook(self.operations, ProcessWebhooks(self.operations))
        window = Window(LONG_AGO - DAY, self.clock.now())
        backfill = BackfillWebhooks(receive, self.queries)
        return len(list(backfill.execute(self.provider.name, window, dry_run=dry_run)))

    def complaints(self) -> Sequence[str]:
        """
        Return what the checks find in all the time: broken promises, differences, missed webhooks.
        """
        records = SqlAlchemyRecordQueries(self.engine)
        verify = VerifyPayments(records, self.operations.providers, self.clock)
        report = verify.execute(VerifyPaymentsCommand(provider=True))
        found = [f"{v.invariant}: {v.found}" for vs in report.examples.values() for v in vs]
        reconcile = ReconcilePayments(self.operations, self.queries)
        start = LONG_AGO - DAY
        while start < self.clock.now() - DAY:
            end = min(start + 31 * DAY, self.clock.now())
            command = ReconcileCommand(
                provider=self.provider.name, window_start=start, window_end=end, dry_run=True
            )
            found += [f"{f.kind}: {f.provider_value}" for f in reconcile.execute(command).findings]
            start = end
        return found + ["missed"] * self.missed(dry_run=True)

    def retain(self) -> None:
        """
        Apply retention now.
        """
        ApplyRetention(SqlAlchemyRetention(self.engine), self.clock, SHORT).execute()

    def rows(self, table: str) -> int:
        """
        Return how many rows a table has.
        """
        with self.engine.connect() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - our own names


@pytest.fixture
def lived(engine: Engine) -> Installation:
    """
    An installation with days long ago, of before and after the horizon, and of late.
    """
    installation = Installation.on(engine)
    for days in (500, 470, 101, 99, 3):
        installation.clock.advance(
            seconds=(NOW - days * DAY - installation.clock.now()).total_seconds()
        )
        installation.day()
    installation.clock.advance(days=2)
    return installation


def test_nothing_removed_counts_as_lost(lived: Installation) -> None:
    """
    After retention every promise holds, each window reconciles clean, and no webhook is missed.
    """
    before = (lived.complaints(), lived.rows("outbox"), lived.rows("webhook_events"))
    lived.retain()
    left = (lived.rows("outbox"), lived.rows("webhook_events"))

    assert before[0] == []
    assert all(0 < now < then for now, then in zip(left, before[1:], strict=True))
    assert lived.complaints() == []


def test_an_old_payment_is_refunded(lived: Installation) -> None:
    """
    What happens to an old payment after its messages went is told, numbered on, and checked clean.
    """
    lived.retain()
    (old,) = SqlAlchemyRecordQueries(lived.engine).payments(LONG_AGO, None, 2)[1:]
    refund = RefundPaymentCommand(payment_id=old.payment.id, request_key="late")
    RefundPayment(lived.operations).execute(refund)
    lived.missed(dry_run=False)

    assert lived.complaints() == []
    assert [m.name for m in lived.queries.messages_of([old.payment.id])] == ["IRefundIssued"]


def test_what_is_lost_is_still_found(lived: Installation) -> None:
    """
    A young payment whose messages and webhooks are not there is reported as without retention.
    """
    lived.retain()
    for table in ("outbox", "webhook_events"):
        with lived.engine.begin() as connection:
            young = {"since": NOW - 4 * DAY}
            connection.execute(text(f"DELETE FROM {table} WHERE created_at > :since"), young)  # noqa: S608 - our own names

    found = " ".join(lived.complaints())
    assert "I5: " in found
    assert "I8: " in found
    assert "event_not_published" in found
    assert "webhook_gap" in found
    assert "missed" in found
