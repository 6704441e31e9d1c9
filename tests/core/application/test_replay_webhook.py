"""
Processing a stored webhook once more, and seeing before what that would do.
"""

import copy

import attrs
import pytest

from payments_core.application.replay_webhook import Change, ListWebhooks, ReplayWebhook
from payments_core.domain.actor import Actor, Channel
from payments_core.domain.errors import InvalidState, NotFound
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.status import PaymentStatus
from payments_core.ports.errors import ProviderUnavailable
from payments_core.ports.provider import NoticeTopic
from payments_core.ports.queries import PaymentView
from payments_core.ports.webhooks import WebhookEvent, WebhookStatus
from payments_core.testing.builders import eur
from payments_core.testing.memory_webhooks import InMemoryWebhookQueries
from tests.core.application.service import Service

W = WebhookStatus
ROOT = Actor(channel=Channel.CLI, issuer="host", subject="root", client="payments-cli")


@pytest.fixture
def replay(service: Service) -> ReplayWebhook:
    """
    The use case.
    """
    return ReplayWebhook(service.process, ListWebhooks(InMemoryWebhookQueries(service.database)))


def lost(service: Service) -> tuple[PaymentView, str]:
    """
    Return a payment whose answer was lost, and its event, which found the provider down.
    """
    service.lose("create_intent", effect=True)
    payment = service.pay()
    service.lose("retrieve", effect=False)
    event_id = service.webhook(service.object_of(payment)).event_id
    return payment, event_id


def stored(service: Service, event_id: str) -> WebhookEvent:
    """
    Return an event as it is kept.
    """
    return service.database.tables.webhooks["fake", event_id]


def test_preview_says_what_would_change(service: Service, replay: ReplayWebhook) -> None:
    """
    Facts before and after, and what would be told; nothing is written and no write is sent.
    """
    payment, event_id = lost(service)
    before, calls = copy.deepcopy(service.database.tables), list(service.provider.calls)
    found = replay.preview("fake", event_id)

    assert found.status is W.PROCESSED
    assert found.payment is not None
    assert found.payment.id == payment.id
    assert Change("status", "Pending", "Succeeded") in found.changes
    assert Change("captured", "0.00 EUR", "10.00 EUR") in found.changes
    assert Change("unresolved_operations", "1", "0") in found.changes
    assert list(found.tells) == ["IPaymentSucceeded"]
    assert (list(found.sends), list(found.discrepancies)) == ([], [])
    assert service.database.tables == before
    assert service.provider.calls == calls


def test_replay_does_what_the_preview_said(service: Service, replay: ReplayWebhook) -> None:
    """
    The payment changes, the event is processed, and the log says who wanted it.
    """
    payment, event_id = lost(service)
    event = replay.execute("fake", event_id, ROOT)
    (*_, entry) = service.database.tables.audit.values()

    assert event.status is W.PROCESSED
    assert stored(service, event_id) == event
    assert service.stored(payment.id).status is PaymentStatus.SUCCEEDED
    assert service.told() == ["IPaymentSucceeded"]
    assert (entry.action, entry.actor, entry.payment_id) == ("webhook.replay", ROOT, payment.id)
    assert (entry.about, entry.before, entry.after) == (
        *(f"webhook {event_id}", "received"),
        "processed",
    )


def test_replay_again_changes_nothing(service: Service, replay: ReplayWebhook) -> None:
    """
    The object decides: an event that was processed has nothing more to say.
    """
    payment, event_id = lost(service)
    replay.execute("fake", event_id)
    before = service.stored(payment.id)
    found = replay.preview("fake", event_id)
    replay.execute("fake", event_id)

    assert (found.changes, list(found.tells)) == ([], [])
    assert service.stored(payment.id).version == before.version
    assert service.told() == ["IPaymentSucceeded"]


def test_preview_names_what_would_be_sent(service: Service, replay: ReplayWebhook) -> None:
    """
    Money that came after a payment was closed would be refunded; whoever looks is told.
    """
    payment = service.pay("fake_declined")
    object_id = service.object_of(payment)
    event_id = service.webhook(object_id).event_id
    service.provider.change(
        object_id, status=ProviderPaymentStatus.SUCCEEDED, captured=eur("10"), authorized=eur("10")
    )
    found = replay.preview("fake", event_id)
    before = list(service.provider.calls)

    assert list(found.sends) == ["refund 10.00 EUR"]
    assert list(found.discrepancies) == ["late_success"]
    assert service.provider.calls == before
    replay.execute("fake", event_id)
    assert service.provider.calls == [*before, "refund"]


def test_parked_event_without_its_payment(service: Service, replay: ReplayWebhook) -> None:
    """
    What is still about nothing here stays parked, and says so before.
    """
    payment = service.pay()
    del service.database.tables.payments[payment.id]
    event_id = service.webhook(service.object_of(payment)).event_id
    found = replay.preview("fake", event_id)

    assert (found.status, found.payment) == (W.PARKED, None)
    assert replay.execute("fake", event_id).status is W.PARKED


def test_what_cannot_be_replayed(service: Service, replay: ReplayWebhook) -> None:
    """
    An event that is not stored is not found; one about no payment is refused.
    """
    payment = service.pay()
    event_id = service.webhook(service.object_of(payment), NoticeTopic.OTHER).event_id
    service.database.tables.webhooks["fake", event_id] = attrs.evolve(
        stored(service, event_id), provider_payment_id=None
    )

    with pytest.raises(NotFound, match="evt_none"):
        replay.preview("fake", "evt_none")
    with pytest.raises(InvalidState, match="about no payment"):
        replay.execute("fake", event_id)


def test_provider_that_is_down_leaves_the_event(service: Service, replay: ReplayWebhook) -> None:
    """
    Without an answer nothing is noted: what was processed does not become dead by looking.
    """
    _, event_id = lost(service)
    replay.execute("fake", event_id)
    before = stored(service, event_id)
    service.lose("retrieve", effect=False)

    with pytest.raises(ProviderUnavailable):
        replay.execute("fake", event_id)
    assert stored(service, event_id) == before
