"""
What every `IRetention` promises.
"""

from abc import abstractmethod
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import attrs
import pytest

from payments_core.domain.payment import Payment
from payments_core.ports.audit import AuditFilter, IAuditQueries
from payments_core.ports.outbox import OutboxStatus
from payments_core.ports.records import IRecordQueries
from payments_core.ports.retention import History, IRetention
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.ports.webhook_queries import IWebhookQueries, WebhookFilter
from payments_core.ports.webhooks import OVER, WebhookStatus
from payments_core.testing.builders import NOW, a_payment
from payments_core.testing.conformance.audit import an_entry
from payments_core.testing.conformance.outbox import a_success
from payments_core.testing.conformance.storage import an_event

LONG_AGO: Final = NOW - timedelta(days=500)
NEXT_MONTH: Final = LONG_AGO + timedelta(days=32)
LIMIT: Final = NOW - timedelta(days=100)
YOUNG: Final = NOW - timedelta(days=60)
TOMORROW: Final = NOW + timedelta(days=1)


@attrs.frozen
class Store:
    """
    One empty store, by all who look at it.
    """

    make_uow: UnitOfWorkFactory
    retention: IRetention
    records: IRecordQueries
    webhooks: IWebhookQueries
    audit: IAuditQueries

    def told(self, moment: datetime, status: OutboxStatus = OutboxStatus.PUBLISHED) -> Payment:
        """
        Keep a payment of that moment, and what was told of it.
        """
        payment = a_payment(now=moment)
        with self.make_uow() as uow:
            uow.payments.add(payment)
            uow.outbox.add([attrs.evolve(a_success(payment), occurred_at=moment)])
            uow.commit()
        with self.make_uow() as uow:
            (message,) = (
                m for m in uow.outbox.waiting(TOMORROW, 999) if m.payment_id == payment.id
            )
            if status is OutboxStatus.PUBLISHED:
                uow.outbox.sent([message], status, moment)
            elif status is OutboxStatus.PARKED:
                uow.outbox.replace(message, attrs.evolve(message, status=status, next_at=None))
            uow.commit()
        return payment

    def received(self, moment: datetime, status: WebhookStatus) -> None:
        """
        Keep a webhook event of that moment.
        """
        event = an_event(created_at=moment, received_at=moment, status=status)
        with self.make_uow() as uow:
            assert uow.webhooks.add(event)
            uow.commit()

    def left(self, payment: Payment) -> int:
        """
        Return how many messages there are about a payment.
        """
        (record,) = self.records.by_ids([payment.id])
        return len(record.messages)


class RetentionConformance:
    """
    Subclass it and override the fixture.
    """

    @pytest.fixture
    @abstractmethod
    def store(self) -> Store:
        """
        An empty store; where it keeps months, they go back to `LONG_AGO`.
        """

    def test_messages(self, store: Store) -> None:
        """
        Old messages go once they have left; those that wait or are parked stay, however old.
        """
        old = store.told(NEXT_MONTH)
        stay = [
            store.told(LONG_AGO, OutboxStatus.PENDING),
            store.told(LONG_AGO, OutboxStatus.PARKED),
            store.told(YOUNG),
        ]
        store.retention.remove(History.MESSAGES, LIMIT)

        assert store.left(old) == 0
        assert [store.left(payment) for payment in stay] == [1, 1, 1]

    def test_webhooks(self, store: Store) -> None:
        """
        Old webhooks go once they are over; those that wait or were given up stay, however old.
        """
        for status in WebhookStatus:
            store.received(NEXT_MONTH if status in OVER else LONG_AGO, status)
        store.received(YOUNG, WebhookStatus.PROCESSED)
        store.retention.remove(History.WEBHOOKS, LIMIT)

        left = store.webhooks.list(WebhookFilter(), 20).items
        assert sorted(e.status.value for e in left) == ["dead", "parked", "processed", "received"]
        assert [e.created_at for e in left if e.status in OVER] == [YOUNG]

    def test_the_audit_log(self, store: Store) -> None:
        """
        Who did what goes by age alone.
        """
        for moment in (LONG_AGO, NEXT_MONTH, YOUNG):
            with store.make_uow() as uow:
                uow.audit.add(attrs.evolve(an_entry(), id=uuid4(), at=moment))
                uow.commit()
        store.retention.remove(History.AUDIT, LIMIT)

        (record,) = store.audit.list(AuditFilter(), 10).items
        assert record.entry.at == YOUNG

    def test_what_was_removed_is_known(self, store: Store) -> None:
        """
        The horizon is at or after everything that went, never after the limit, and never goes back.
        """
        store.told(LONG_AGO)
        none = store.retention.horizons()
        store.retention.remove(History.MESSAGES, LIMIT)
        known = store.retention.horizons()
        store.retention.remove(History.MESSAGES, LIMIT - timedelta(days=200))

        assert (none.messages, none.webhooks) == (None, None)
        assert known.messages is not None
        assert LONG_AGO < known.messages <= LIMIT
        assert known.webhooks is None
        assert store.retention.horizons() == known

    def test_nothing_to_remove(self, store: Store) -> None:
        """
        Where nothing is old enough, nothing goes and no horizon is set.
        """
        store.told(YOUNG)
        removal = store.retention.remove(History.MESSAGES, LONG_AGO - timedelta(days=100))

        assert (removal.rows, list(removal.parts)) == (0, [])
        assert store.retention.horizons().messages is None

    def test_a_dry_run(self, store: Store) -> None:
        """
        A dry run removes nothing; a second run finds nothing to remove.
        """
        old = store.told(LONG_AGO)
        store.retention.remove(History.MESSAGES, LIMIT, dry_run=True)
        kept = store.left(old)
        store.retention.remove(History.MESSAGES, LIMIT)
        second = store.retention.remove(History.MESSAGES, LIMIT)

        assert kept == 1
        assert store.left(old) == 0
        assert (second.rows, list(second.parts)) == (0, [])
