"""
A day later Stripe has forgotten its keys: nothing may be sent again, and nothing is lost.
"""

from collections.abc import Sequence

import pytest

from payments_core.application.confirm_payment import ConfirmPayment, ConfirmPaymentCommand
from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.operation import OperationState
from payments_core.domain.refund import RefundStatus
from payments_core.domain.status import PaymentStatus
from payments_core.testing.builders import eur
from tests.recovery.shop import Shop

pytestmark = pytest.mark.postgres

S = PaymentStatus
O = OperationState  # noqa: E741 - short for the tables
DAY = 25 * 3600


def posts(shop: Shop) -> Sequence[str]:
    """
    Return the paths of the writes that Stripe received.
    """
    return [r["path"] for r in shop.simulator.requests() if r["method"] == "POST"]


def test_a_creation_is_adopted_by_its_metadata(shop: Shop) -> None:
    """
    C12: the answer was lost, and we were down for a day: the listing finds the charge.
    """
    with shop.fault("effect_then_reset", "payment_intents.create", 3):
        payment = shop.pay()
    before = posts(shop)
    shop.simulator.clock.advance(DAY)
    shop.sweep()
    stored = shop.stored(payment.id)

    assert stored.status is S.SUCCEEDED
    assert posts(shop) == before
    assert len(shop.intents(payment)) == 1
    assert shop.told(payment) == ["IPaymentSucceeded"]


def test_a_refund_is_adopted_by_its_metadata(shop: Shop) -> None:
    """
    B6 a day later: the refunds of the object are read, and ours is among them.
    """
    payment = shop.pay()
    with shop.fault("effect_then_reset", "refunds.create", 3):
        shop.refund(payment)
    before = posts(shop)
    shop.simulator.clock.advance(DAY)
    shop.sweep()
    stored = shop.stored(payment.id)

    assert stored.refunds[0].status is RefundStatus.SUCCEEDED
    assert stored.refunded == eur("4.00")
    assert posts(shop) == before
    assert shop.told(payment) == ["IPaymentSucceeded", "IRefundIssued"]


def test_a_refund_that_never_was_is_failed_by_proof(shop: Shop) -> None:
    """
    B13: absent in two complete looks: Failed, and its amount can be refunded again.
    """
    payment = shop.pay()
    with shop.fault("reset", "refunds.create", 3):
        shop.refund(payment)
    before = posts(shop)
    shop.simulator.clock.advance(DAY)
    shop.recover(hours=2)
    stored = shop.stored(payment.id)

    assert stored.refunds[0].status is RefundStatus.FAILED
    assert stored.operations[-1].state is O.ABSENT
    assert stored.refundable == eur("10.00")
    assert posts(shop) == before
    assert shop.told(payment) == ["IPaymentSucceeded", "IRefundFailed"]


def test_late_money_goes_back(shop: Shop) -> None:
    """
    Proven absent, and charged after all: recorded, reported, refunded; the state stays.
    """
    with shop.fault("reset", "payment_intents.create", 3):
        payment = shop.pay()
    operation = shop.stored(payment.id).operations[0]
    shop.simulator.clock.advance(DAY)
    shop.recover(hours=2)
    failed = shop.stored(payment.id)
    made = shop.provider.create_intent(
        operation.request,  # type: ignore[arg-type]  # a creation, as the first one always is
        idempotency_key=operation.provider_key,
    )
    shop.hear(made.id)
    stored = shop.stored(payment.id)

    assert failed.status is S.FAILED
    assert stored.status is S.FAILED
    assert (stored.captured, stored.refunded) == (eur("10.00"), eur("10.00"))
    assert shop.found(payment) == [DiscrepancyKind.LATE_SUCCESS]
    assert shop.told(payment) == ["IPaymentFailed", "IPaymentDiscrepancyFound"]


def test_a_lost_compensation_is_resolved_too(shop: Shop) -> None:
    """
    The refund of late money is an operation like every other: the sweeper brings it home.
    """
    with shop.fault("reset", "payment_intents.create", 3):
        payment = shop.pay()
    operation = shop.stored(payment.id).operations[0]
    shop.simulator.clock.advance(DAY)
    shop.recover(hours=2)
    made = shop.provider.create_intent(
        operation.request,  # type: ignore[arg-type]  # a creation, as the first one always is
        idempotency_key=operation.provider_key,
    )
    with shop.fault("effect_then_reset", "refunds.create", 3):
        shop.hear(made.id)
    lost = shop.stored(payment.id)
    shop.recover(hours=0.1)
    stored = shop.stored(payment.id)

    assert lost.unresolved_operations == 1
    assert stored.unresolved_operations == 0
    assert stored.refunded == eur("10.00")
    assert len(shop.simulator.with_metadata("refund", "payment_id", str(payment.id))) == 1


# ---------------------------------------------------------------- customers who do not come


def test_what_nobody_paid_is_cancelled_and_then_failed(shop: Shop) -> None:
    """
    Not before its time; then the intent is cancelled at Stripe, and only that fails it.
    """
    payment = shop.pay(None)
    shop.simulator.clock.advance(23 * 3600)
    early = shop.expire.execute()
    shop.simulator.clock.advance(2 * 3600)
    shop.expire.execute()
    stored = shop.stored(payment.id)
    (intent,) = shop.intents(payment)

    assert early == 0
    assert (stored.status, intent["status"]) == (S.FAILED, "canceled")
    assert stored.failure is not None
    assert stored.failure.code == "expired"
    assert shop.told(payment) == ["IPaymentFailed"]


def test_money_that_came_in_time_wins(shop: Shop) -> None:
    """
    Paid in the browser while nobody told us: the cancellation is refused, and it is paid.
    """
    payment = shop.pay(None)
    (intent,) = shop.intents(payment)
    shop.browser_pays(intent)
    shop.simulator.clock.advance(DAY)
    shop.expire.execute()
    stored = shop.stored(payment.id)

    assert stored.status is S.SUCCEEDED
    assert shop.told(payment) == ["IPaymentSucceeded"]


def test_an_expiry_that_cannot_be_is_tried_again(shop: Shop) -> None:
    """
    Stripe was away: the payment still waits, and ends when Stripe can say so.
    """
    payment = shop.pay(None)
    shop.simulator.clock.advance(DAY)
    with shop.fault("reset", "payment_intents.cancel", 3):
        shop.expire.execute()
    waiting = shop.stored(payment.id)
    shop.recover(hours=0.1)
    stored = shop.stored(payment.id)

    assert waiting.status is S.REQUIRES_ACTION
    assert stored.status is S.FAILED
    assert stored.failure is not None
    assert stored.failure.code == "expired"


def test_a_confirmation_is_not_repeated_hours_later(shop: Shop) -> None:
    """
    F8 after an hour: the object shows no attempt: Absent by proof, and nobody is charged.
    """
    payment = shop.pay(None)
    command = ConfirmPaymentCommand(payment_id=payment.id, payment_method_id="pm_card_visa")
    with shop.fault("reset", "payment_intents.confirm", 3):
        ConfirmPayment(shop.operations).execute(command)
    before = posts(shop)
    shop.simulator.clock.advance(3600)
    shop.recover(hours=2)
    stored = shop.stored(payment.id)

    assert stored.operations[-1].state is O.ABSENT
    assert (stored.status, stored.captured) == (S.REQUIRES_ACTION, eur("0.00"))
    assert posts(shop) == before
