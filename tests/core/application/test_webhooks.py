"""
Webhooks: stored first, processed after, each with one effect.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from payments_core.domain.facts import ProviderPayment, ProviderPaymentStatus
from payments_core.domain.requests import CaptureMethod, CreateIntent
from payments_core.domain.status import PaymentStatus
from payments_core.ports.errors import WebhookInvalid
from payments_core.ports.provider import NoticeTopic
from payments_core.ports.queries import PaymentView
from payments_core.ports.webhooks import WebhookEvent, WebhookStatus
from payments_core.testing.builders import a_payment, eur
from tests.core.application.service import Service

S = PaymentStatus
W = WebhookStatus


def the_event(service: Service) -> WebhookEvent:
    """
    Return the one event that is stored.
    """
    (event,) = service.database.tables.webhooks.values()
    return event


def test_headers_are_kept_as_the_provider_shows_them(service: Service) -> None:
    """
    Of the headers that the provider masked only those worth keeping are stored, no signature.
    """
    payment = service.pay("fake_action")
    payload, signed = service.provider.webhook(service.object_of(payment))
    service.deliver((payload, signed | {"user-agent": "Fake/1", "authorization": "Basic eA=="}))

    assert the_event(service).headers == {"user-agent": "Fake/1"}


def test_a_webhook_completes_a_payment_whose_answer_was_lost(service: Service) -> None:
    """
    Timeout after success: Pending, then Succeeded by the webhook; one charge, told once.
    """
    service.lose("create_intent", effect=True)
    payment = service.pay()
    received = service.webhook(service.object_of(payment))

    assert received.status is W.PROCESSED
    assert service.stored(payment.id).status is S.SUCCEEDED
    assert service.stored(payment.id).unresolved_operations == 0
    assert service.provider.calls == ["create_intent"]
    assert service.told() == ["IPaymentSucceeded"]


def test_an_approval_reaches_the_payment(service: Service) -> None:
    """
    The customer approves on the bank's page; no client calls us.
    """
    payment = service.pay("fake_action")
    service.provider.approve(service.object_of(payment))
    service.webhook(service.object_of(payment))

    assert service.stored(payment.id).status is S.SUCCEEDED


def test_a_refused_approval_fails_the_payment(service: Service) -> None:
    """
    The customer refuses: the object is cancelled in the same go, then the payment is Failed.
    """
    payment = service.pay("fake_action")
    service.provider.reject(service.object_of(payment))
    service.webhook(service.object_of(payment))

    assert service.stored(payment.id).status is S.FAILED
    assert service.provider.calls == ["create_intent", "cancel"]


def test_deliveries_of_one_event_have_one_effect(service: Service) -> None:
    """
    Twenty deliveries at once are twenty acceptances and one effect.
    """
    payment = service.pay("fake_action")
    service.provider.approve(service.object_of(payment))
    delivery = service.provider.webhook(service.object_of(payment))
    with ThreadPoolExecutor(8) as pool:
        received = list(pool.map(lambda _: service.deliver(delivery), range(20)))

    assert [r.duplicate for r in received].count(False) == 1
    assert the_event(service).attempts == 1
    assert service.told() == ["IPaymentSucceeded"]


@pytest.mark.parametrize("tamper", [lambda p: p + b" ", lambda p: p[:-1], lambda _: b""])
def test_what_is_not_signed_for_us_leaves_nothing(service: Service, tamper: object) -> None:
    """
    A delivery that does not verify is not even stored.
    """
    payment = service.pay()
    payload, headers = service.provider.webhook(service.object_of(payment))
    assert callable(tamper)

    with pytest.raises(WebhookInvalid):
        service.deliver((tamper(payload), headers))
    assert service.database.tables.webhooks == {}


def test_what_is_about_nothing_of_ours_is_ignored(service: Service) -> None:
    """
    Other topics, and objects without our ids, are kept for audit and change nothing.
    """
    payment = service.pay()
    other = service.webhook(service.object_of(payment), NoticeTopic.OTHER)
    request = a_payment().operations[0].request
    assert isinstance(request, CreateIntent)
    made = service.provider.create_intent(request, idempotency_key="k")
    service.provider.change(made.id, payment_id=None)
    strange = service.webhook(made.id)

    assert (other.status, strange.status) == (W.IGNORED, W.IGNORED)


def test_a_webhook_that_overtakes_our_commit_is_parked(service: Service) -> None:
    """
    It names a payment that is not there yet: it waits, and is matched again.
    """
    unborn = a_payment()
    request = unborn.operations[0].request
    assert isinstance(request, CreateIntent)
    made = service.provider.create_intent(request, idempotency_key="k")
    first = service.webhook(made.id)

    assert first.status is W.PARKED

    with service.operations.unit_of_work() as uow:
        uow.payments.add(unborn)
        uow.commit()
    service.clock.advance(seconds=10)

    assert service.process.execute() == 1
    assert the_event(service).status is W.PROCESSED
    assert service.stored(unborn.id).status is S.SUCCEEDED


def test_an_outage_while_processing_is_tried_again(service: Service) -> None:
    """
    The delivery is accepted since it is stored; the worker reads the object later.
    """
    payment = service.pay("fake_action")
    service.provider.approve(service.object_of(payment))
    service.lose("retrieve", effect=False)
    received = service.webhook(service.object_of(payment))

    assert received.status is W.RECEIVED
    assert the_event(service).error is not None
    assert service.process.execute() == 0

    service.clock.advance(seconds=6)

    assert service.process.execute() == 1
    assert service.stored(payment.id).status is S.SUCCEEDED


def test_a_mistake_of_ours_loses_no_event(service: Service) -> None:
    """
    An unexpected error leaves the event due again, and the delivery accepted.
    """
    payment = service.pay("fake_action")
    service.provider.approve(service.object_of(payment))
    retrieve = service.provider.retrieve

    def broken(provider_payment_id: str) -> ProviderPayment:
        raise ZeroDivisionError(provider_payment_id)

    service.provider.retrieve = broken  # type: ignore[method-assign] # a bug
    received = service.webhook(service.object_of(payment))
    service.provider.retrieve = retrieve  # type: ignore[method-assign] # mended
    service.clock.advance(seconds=6)
    service.process.execute()

    assert received.status is W.RECEIVED
    assert service.stored(payment.id).status is S.SUCCEEDED


def test_what_cannot_be_processed_for_a_day_is_dead(service: Service) -> None:
    """
    Nothing is tried for ever in silence, and nothing is dropped before its time.
    """
    unborn = a_payment(capture_method=CaptureMethod.MANUAL)
    request = unborn.operations[0].request
    assert isinstance(request, CreateIntent)
    made = service.provider.create_intent(request, idempotency_key="k")
    service.webhook(made.id)
    tries = 0
    while the_event(service).status is W.PARKED and tries < 200:
        service.clock.advance(minutes=15)
        tries += service.process.execute()

    assert the_event(service).status is W.DEAD
    assert the_event(service).next_at is None
    assert tries > 90
    assert service.clock.now() - the_event(service).received_at >= timedelta(hours=24)


def test_a_worker_that_was_away_gives_nothing_up(service: Service) -> None:
    """
    An event that is older than a day, and was hardly tried, is tried on.
    """
    payment = service.pay("fake_action")
    service.provider.approve(service.object_of(payment))
    service.lose("retrieve", effect=False)
    service.lose("retrieve", effect=False)
    service.webhook(service.object_of(payment))
    service.clock.advance(hours=25)
    service.process.execute()

    assert the_event(service).status is W.RECEIVED

    service.clock.advance(minutes=15)
    service.process.execute()

    assert the_event(service).status is W.PROCESSED


def declined_meanwhile(service: Service, *, dies: bool) -> PaymentView:
    """
    Take a payment that is declined, whose webhook is processed before our call returns.

    With `dies` the sender is gone before it can settle the answer.
    """
    create = service.provider.create_intent

    def call(request: CreateIntent, *, idempotency_key: str) -> ProviderPayment:
        try:
            return create(request, idempotency_key=idempotency_key)
        finally:
            (made,) = service.provider._payments
            service.webhook(made)
            if dies:
                raise Died

    service.provider.create_intent = call  # type: ignore[method-assign] # stands in its way
    return service.pay("fake_declined")


class Died(Exception):
    """
    The end of a process.
    """


def test_a_webhook_does_not_take_a_decline_from_its_request(service: Service) -> None:
    """
    The request that was declined answers Failed, however fast the webhook was.
    """
    payment = declined_meanwhile(service, dies=False)

    assert payment.status is S.FAILED
    assert service.provider.calls == ["create_intent", "cancel"]


def test_a_webhook_does_what_a_dead_request_left(service: Service) -> None:
    """
    Nobody cancels the declined object any more: the operation stays due until its lease is over.
    """
    with pytest.raises(Died):
        declined_meanwhile(service, dies=True)

    assert service.provider.calls == ["create_intent"]

    early = service.resolve.execute()
    service.clock.advance(seconds=61)
    service.resolve.execute()
    (payment,) = service.database.tables.payments.values()

    assert early == 0
    assert payment.status is S.FAILED
    assert payment.operations[0].next_at is None
    assert the_event(service).status is W.PROCESSED


def test_an_amount_that_differs_is_reported_once(service: Service) -> None:
    """
    A discrepancy is told once, however often its webhook comes, and is no step.
    """
    payment = service.pay("fake_action")
    object_id = service.object_of(payment)
    succeeded = ProviderPaymentStatus.SUCCEEDED
    service.provider.change(object_id, amount=eur("11.00"), status=succeeded)
    service.webhook(object_id)
    again = service.deliver(service.provider.webhook(object_id, event_id="evt_again"))

    assert again.status is W.PROCESSED
    assert service.stored(payment.id).status is S.REQUIRES_ACTION
    assert service.told() == ["IPaymentDiscrepancyFound"]
    assert len(service.database.tables.discrepancies) == 1


def test_a_refund_made_elsewhere_is_told(service: Service) -> None:
    """
    A refund from the provider's pages reaches us by its webhook.
    """
    payment = service.pay()
    service.provider.refund_outside(service.object_of(payment), eur("10.00"))
    service.webhook(service.object_of(payment), NoticeTopic.REFUND)

    assert service.stored(payment.id).status is S.REFUNDED
    assert service.told() == ["IPaymentSucceeded", "IRefundIssued"]


def test_a_reversed_refund_is_told(service: Service) -> None:
    """
    The bank sends the money back: the refund failed after all.
    """
    payment = service.pay()
    refund = service.provider.refund_outside(service.object_of(payment), eur("10.00"))
    service.webhook(service.object_of(payment), NoticeTopic.REFUND)
    service.provider.reverse(refund.id)
    again = service.provider.webhook(
        service.object_of(payment), NoticeTopic.REFUND, event_id="evt_reversed"
    )
    service.deliver(again)

    assert service.stored(payment.id).status is S.SUCCEEDED
    assert service.told() == ["IPaymentSucceeded", "IRefundIssued", "IRefundFailed"]


def test_who_is_stopped_keeps_no_event_from_others(service: Service) -> None:
    """
    Stopped after the first of three, a worker leaves the others to the next at once.
    """
    for _ in range(3):
        payment = service.pay("fake_action")
        service.provider.approve(service.object_of(payment))
        service.lose("retrieve", effect=False)
        service.webhook(service.object_of(payment))
    service.clock.advance(hours=1)
    steps = iter([True, False])
    done = service.process.execute(go_on=lambda: next(steps))

    assert done == 1
    assert service.process.execute() == 2
