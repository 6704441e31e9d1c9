"""
Hundreds of provider faults on the real adapter: no double charge, and no false Failed.

Timeouts after success, timeouts without effect, and 500s that Stripe keeps under the key, each
at creations, captures and refunds; then recovery alone brings every operation to its end.
"""

from collections.abc import Callable, Sequence

import attrs
import pytest

from payments_core.domain.operation import OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.refund import RefundStatus
from payments_core.domain.status import PaymentStatus
from payments_core.ports.queries import PaymentView
from payments_core.testing.builders import eur
from tests.recovery.shop import Json, Shop, at_once

S = PaymentStatus
O = OperationState  # noqa: E741 - short for the tables


@attrs.frozen
class Case:
    """
    A write at which the provider fails.

    Attributes:
        begin: Makes the payment, before the fault.

        act: Writes; for a creation there is nothing before it.
    """

    operation: str
    begin: Callable[[Shop], PaymentView] | None
    act: Callable[[Shop, PaymentView | None], PaymentView]


def create(shop: Shop, _: PaymentView | None) -> PaymentView:
    """
    Create a payment.
    """
    return shop.pay()


def capture(shop: Shop, payment: PaymentView | None) -> PaymentView:
    """
    Capture it.
    """
    assert payment is not None
    shop.capture(payment)
    return payment


def refund(shop: Shop, payment: PaymentView | None) -> PaymentView:
    """
    Refund a part of it.
    """
    assert payment is not None
    shop.refund(payment)
    return payment


CASES = [
    Case("payment_intents.create", None, create),
    Case("payment_intents.capture", lambda shop: shop.pay(manual=True), capture),
    Case("refunds.create", lambda shop: shop.pay(), refund),
]

Count = Callable[[int, int], int]


def fail(shop: Shop, kind: str, case: Case, count: int) -> Sequence[PaymentView]:
    """
    Let so many writes meet a fault, several at once; return their payments.
    """
    begin = case.begin
    payments: list[PaymentView | None] = [None] * count
    if begin is not None:
        payments = list(at_once(lambda _: begin(shop), range(count)))
        # On a busy machine an answer may be lost that nobody meant to lose.
        shop.recover(hours=0.01)
    with shop.fault(kind, case.operation, count):
        met = at_once(lambda payment: case.act(shop, payment), payments)

    assert all(shop.stored(payment.id).unresolved_operations for payment in met)
    return met


def charged_once(shop: Shop, payment: PaymentView) -> tuple[Payment, Json | None]:
    """
    Return a payment with its one object at Stripe; assert that both say the same.
    """
    stored, intents = shop.stored(payment.id), shop.intents(payment)
    intent = intents[0] if intents else None

    assert stored.unresolved_operations == 0, stored
    assert len(intents) <= 1, intents
    assert stored.captured.minor_units == (intent["amount_received"] if intent else 0), stored
    if stored.status is S.FAILED:
        assert intent is None or intent["status"] == "canceled", stored
    ends = [name for name in shop.told(payment) if name in {"IPaymentSucceeded", "IPaymentFailed"}]
    assert len(ends) == (1 if stored.captured or stored.closed else 0), ends
    return stored, intent


def refunded(shop: Shop, payment: PaymentView) -> int:
    """
    Return how much Stripe gave back of a payment, in cents.
    """
    made = shop.simulator.with_metadata("refund", "payment_id", str(payment.id))
    return sum(r["amount"] for r in made if r["status"] == "succeeded")


def shares(total: int) -> list[int]:
    """
    Return how many faults each case meets.
    """
    return [total - 2 * (total // 3), total // 3, total // 3]


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["effect_then_timeout", "timeout"])
def test_timeouts(hasty_shop: Shop, scaled: Count, kind: str) -> None:
    """
    100 timeouts after success, and 100 without effect: each is done, and done once.
    """
    shop = hasty_shop
    met = [
        (case, payment)
        for case, count in zip(CASES, shares(scaled(100, 1000)), strict=True)
        for payment in fail(shop, kind, case, count)
    ]
    shop.recover(hours=0.2)
    failed = [payment for _, payment in met if shop.stored(payment.id).status is S.FAILED]

    assert failed == []
    for case, payment in met:
        stored, _ = charged_once(shop, payment)
        gone = eur("4.00") if case.act is refund else eur("0.00")

        assert stored.status is S.SUCCEEDED
        assert stored.refunded == gone
        assert refunded(shop, payment) == gone.minor_units


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["error_500_effect", "error_500"])
def test_errors_that_are_kept(shop: Shop, scaled: Count, kind: str) -> None:
    """
    50 kept 500s with effect are found; 50 without are proven absent, and nothing is sent again.
    """
    met = [
        (case, payment)
        for case, count in zip(CASES, shares(scaled(50, 500)), strict=True)
        for payment in fail(shop, kind, case, count)
    ]
    posts = len([r for r in shop.simulator.requests() if r["method"] == "POST"])
    shop.recover(hours=3)
    after = len([r for r in shop.simulator.requests() if r["method"] == "POST"])

    assert after == posts
    for case, payment in met:
        stored, intent = charged_once(shop, payment)
        if kind == "error_500_effect":
            assert stored.status is S.SUCCEEDED
            assert refunded(shop, payment) == stored.refunded.minor_units
            assert bool(stored.refunded) == (case.act is refund)
        else:
            _proven(case, stored, intent)


def _proven(case: Case, stored: Payment, intent: Json | None) -> None:
    """
    Assert what absence means for each kind of write.
    """
    last = stored.operations[-1]

    assert last.state is O.ABSENT
    assert last.first_pass_at is not None
    assert last.second_pass_at is not None
    if case.act is create:
        assert (stored.status, intent) == (S.FAILED, None)
        assert stored.failure is not None
        assert stored.failure.code == "provider_no_record"
    elif case.act is capture:
        assert intent is not None
        assert (stored.status, intent["status"]) == (S.AUTHORIZED, "requires_capture")
    else:
        assert stored.refunds[0].status is RefundStatus.FAILED
        assert stored.refundable == eur("10.00")
