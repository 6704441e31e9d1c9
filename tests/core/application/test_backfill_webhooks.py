"""
Webhooks that never arrived are found in the provider's own list, and processed.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from payments_core.application import backfill_webhooks
from payments_core.application.backfill_webhooks import BackfillWebhooks, Gap
from payments_core.domain.status import PaymentStatus
from payments_core.ports.errors import ProviderUnavailable
from payments_core.ports.provider import Window
from payments_core.ports.webhooks import WebhookStatus
from payments_core.testing.fake_provider import Fault
from payments_core.testing.memory_reconciliation import InMemoryReconciliationQueries
from tests.core.application.service import Service


@pytest.fixture
def backfill(service: Service) -> BackfillWebhooks:
    """
    The use case.
    """
    return BackfillWebhooks(service.receive, InMemoryReconciliationQueries(service.database))


def fill(service: Service, backfill: BackfillWebhooks, **options: Any) -> Sequence[Gap]:
    """
    Look for gaps in the last day.
    """
    now = service.clock.now()
    window = Window(now - timedelta(days=1), now + timedelta(seconds=1))
    return list(backfill.execute("fake", window, **options))


def test_gap_completes_the_payment(service: Service, backfill: BackfillWebhooks) -> None:
    """
    An answer and every webhook were lost: the list alone leads to the truth, told once.
    """
    service.lose("create_intent", effect=True)
    payment = service.pay()
    filled = fill(service, backfill)
    kept = service.database.tables.webhooks.values()

    assert filled
    assert {gap.status for gap in filled} == {WebhookStatus.PROCESSED}
    assert all(event.backfilled for event in kept)
    assert {event.event_id for event in kept} == {gap.notice.id for gap in filled}
    assert service.stored(payment.id).status is PaymentStatus.SUCCEEDED
    assert service.told() == ["IPaymentSucceeded"]
    assert fill(service, backfill) == []


def test_only_what_is_missing(service: Service, backfill: BackfillWebhooks) -> None:
    """
    What arrived is no gap.
    """
    payment = service.pay()
    arrived = service.webhook(service.object_of(payment)).event_id
    ids = [gap.notice.id for gap in fill(service, backfill)]

    assert ids
    assert arrived not in ids
    assert not service.database.tables.webhooks["fake", arrived].backfilled


def test_dry_run_only_looks(service: Service, backfill: BackfillWebhooks) -> None:
    """
    A dry run names the gaps, writes nothing, and leaves them to be filled.
    """
    service.pay()
    looked = fill(service, backfill, dry_run=True)

    assert looked
    assert {gap.status for gap in looked} == {None}
    assert not service.database.tables.webhooks
    assert [g.notice for g in fill(service, backfill)] == [g.notice for g in looked]


def test_late_delivery_of_a_filled_event(service: Service, backfill: BackfillWebhooks) -> None:
    """
    A webhook that comes after all is a duplicate of what was filled.
    """
    payment = service.pay()
    delivery = service.provider.webhook(service.object_of(payment))
    fill(service, backfill)

    assert service.deliver(delivery).duplicate


def test_list_that_breaks_off(
    service: Service, backfill: BackfillWebhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What was filled before the list broke off stays, and the next run does the rest.
    """
    monkeypatch.setattr(backfill_webhooks, "BATCH", 1)
    for _ in range(2):
        service.pay()
    service.provider.faults.append(Fault("list_events"))
    with pytest.raises(ProviderUnavailable):
        fill(service, backfill)
    first = len(service.database.tables.webhooks)
    fill(service, backfill)

    assert first == 1
    assert len(service.database.tables.webhooks) > first


def test_progress(
    service: Service, backfill: BackfillWebhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    After each page the moment is told down to which the list was read.
    """
    monkeypatch.setattr(backfill_webhooks, "BATCH", 2)
    for _ in range(3):
        service.pay()
        service.clock.advance(seconds=60)
    seen: list[datetime] = []
    fill(service, backfill, seen=seen.append)

    assert len(seen) >= 3
    assert seen == sorted(seen, reverse=True)


def test_recent_gaps_are_found_by_themselves(
    service: Service, backfill: BackfillWebhooks, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The worker's job fills the last hours, leaves what may still be on its way, and alerts.
    """
    service.pay()
    backfill.recent(timedelta(hours=2))
    early = len(service.database.tables.webhooks)
    service.clock.advance(seconds=61)
    with caplog.at_level(logging.ERROR):
        again = backfill.recent(timedelta(hours=2))

    assert (early, again) == (0, 0)
    assert service.database.tables.webhooks
    assert "never arrived" in caplog.text


def test_provider_that_is_down_does_not_end_the_job(
    service: Service, backfill: BackfillWebhooks
) -> None:
    """
    When the list cannot be had the next look is soon enough.
    """
    service.pay()
    service.clock.advance(seconds=61)
    service.provider.faults.append(Fault("list_events", effect=False))

    assert backfill.recent(timedelta(hours=2)) == 0
