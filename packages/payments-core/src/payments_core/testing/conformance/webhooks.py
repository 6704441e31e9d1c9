"""
What every `IWebhookQueries` promises.
"""

from abc import abstractmethod
from datetime import timedelta
from typing import Any

import pytest

from payments_core.domain.payment import Payment
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.ports.webhook_queries import IWebhookQueries, WebhookCursor, WebhookFilter
from payments_core.ports.webhooks import WebhookEvent, WebhookStatus
from payments_core.testing.builders import NOW, a_payment
from payments_core.testing.conformance.kept import OnUnitsOfWork
from payments_core.testing.conformance.storage import an_event


class WebhooksConformance(OnUnitsOfWork):
    """
    Subclass it and override `make_uow` and `webhooks`, which must share one empty database.
    """

    @pytest.fixture
    @abstractmethod
    def webhooks(self) -> IWebhookQueries:
        """
        Return the read side of the same database.
        """

    # ------------------------------------------------------------ steps

    def keep(self, make_uow: UnitOfWorkFactory, *events: WebhookEvent) -> None:
        """
        Add events and commit.
        """
        with make_uow() as uow:
            for event in events:
                assert uow.webhooks.add(event)
            uow.commit()

    def found(self, webhooks: IWebhookQueries, **wanted: Any) -> list[str]:
        """
        Return the ids of all events that a filter lets through.
        """
        return [e.event_id for e in webhooks.list(WebhookFilter(**wanted), 100).items]

    def many(self, count: int) -> list[WebhookEvent]:
        """
        Return events of which two each came at one moment.
        """
        return [
            an_event(event_id=f"evt_{n}", received_at=NOW + timedelta(seconds=n // 2))
            for n in range(count)
        ]

    # ------------------------------------------------------------ promises

    def test_pages_newest_first(
        self, make_uow: UnitOfWorkFactory, webhooks: IWebhookQueries
    ) -> None:
        """
        Page by page every event comes once, the last received first.
        """
        events = self.many(7)
        self.keep(make_uow, *events)
        after: WebhookCursor | None = None
        pages: list[list[str]] = []
        while not pages or after:
            page = webhooks.list(WebhookFilter(), 3, after)
            pages.append([e.event_id for e in page.items])
            after = page.next

        assert pages == [["evt_6", "evt_5", "evt_4"], ["evt_3", "evt_2", "evt_1"], ["evt_0"]]

    def test_filters(self, make_uow: UnitOfWorkFactory, webhooks: IWebhookQueries) -> None:
        """
        Each filter lets through what it says, and together what all of them say.
        """
        payment: Payment = a_payment()
        late = NOW + timedelta(hours=1)
        with make_uow() as uow:
            uow.payments.add(payment)
            uow.commit()
        self.keep(
            make_uow,
            an_event(event_id="evt_dead", status=WebhookStatus.DEAD, next_at=None),
            an_event(event_id="evt_of", payment_id=payment.id, received_at=late),
            an_event(event_id="evt_late", status=WebhookStatus.DEAD, received_at=late),
        )

        assert self.found(webhooks, status=WebhookStatus.DEAD) == ["evt_late", "evt_dead"]
        assert self.found(webhooks, payment_id=payment.id) == ["evt_of"]
        assert self.found(webhooks, since=late) == ["evt_of", "evt_late"]
        assert self.found(webhooks, until=late) == ["evt_dead"]
        assert self.found(webhooks, since=late, status=WebhookStatus.DEAD) == ["evt_late"]

    def test_one_event(self, make_uow: UnitOfWorkFactory, webhooks: IWebhookQueries) -> None:
        """
        An event is found whole by its provider and id, and by nothing else.
        """
        event = an_event(event_id="evt_1", backfilled=True)
        self.keep(make_uow, event)

        assert webhooks.find("fake", "evt_1") == event
        assert webhooks.find("other", "evt_1") is None
        assert webhooks.find("fake", "evt_2") is None
