"""
Returning money: never more than was taken, never twice for one key.
"""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from payments_core.application.refund_payment import RefundPaymentCommand, refund_request_key
from payments_core.application.results import IssuedRefund
from payments_core.domain.errors import (
    AlreadyRefunded,
    AmountNotSupported,
    CardDataNotAllowed,
    InvalidState,
    PaymentNotFound,
    PaymentsError,
    RefundExceedsCaptured,
    RequestKeyReused,
)
from payments_core.domain.failure import Failure
from payments_core.domain.money import Money
from payments_core.domain.refund import RefundStatus
from payments_core.domain.status import PaymentStatus
from payments_core.ports.errors import (
    ProviderConflict,
    ProviderRejected,
    ProviderUnavailable,
)
from payments_core.ports.provider import NoticeTopic
from payments_core.ports.queries import PaymentView
from payments_core.testing.builders import eur
from payments_core.testing.fake_provider import Fault
from tests.core.application.service import Service

S = PaymentStatus


def refund(
    service: Service, payment: PaymentView, amount: str | None = None, key: str | None = None
) -> IssuedRefund:
    """
    Refund a payment.
    """
    money = eur(amount) if amount else None
    command = RefundPaymentCommand(
        payment_id=payment.id, amount=money, request_key=key or str(uuid4())
    )
    return service.refund.execute(command)


def test_a_preview_says_what_would_be_given_back(service: Service) -> None:
    """
    It tells what is left, forbids what execution forbids, knows what was made, and changes nothing.
    """
    payment = service.pay()
    refund(service, payment, "4.00", key="made")
    rest = RefundPaymentCommand(payment_id=payment.id, request_key="rest")
    made = RefundPaymentCommand(payment_id=payment.id, request_key="made")
    more = RefundPaymentCommand(payment_id=payment.id, request_key="more", amount=eur("6.01"))

    assert service.refund.preview(rest) == eur("6.00")
    assert service.refund.preview(made) is None
    with pytest.raises(RefundExceedsCaptured):
        service.refund.preview(more)
    assert len(service.stored(payment.id).refunds) == 1


def test_in_parts_until_all_is_back(service: Service) -> None:
    """
    Partial refunds leave Succeeded; the last one makes Refunded; each is told once.
    """
    payment = service.pay()
    part = refund(service, payment, "4.00")
    rest = refund(service, payment)

    assert (part.refund.status, part.payment.status) == (RefundStatus.SUCCEEDED, S.SUCCEEDED)
    assert part.payment.refunded == eur("4.00")
    assert rest.refund.amount == eur("6.00")
    assert rest.payment.status is S.REFUNDED
    assert service.told() == ["IPaymentSucceeded", "IRefundIssued", "IRefundIssued"]


def test_the_same_key_is_the_same_refund(service: Service) -> None:
    """
    However often a refund is asked for under one key, the money goes back once.
    """
    payment = service.pay()
    first = refund(service, payment, "4.00", "k1")
    second = refund(service, payment, "4.00", "k1")

    assert (first.created, second.created) == (True, False)
    assert second.refund == first.refund
    assert service.provider.calls.count("refund") == 1


def test_a_key_is_bound_to_its_refund(service: Service) -> None:
    """
    Another amount under the same key is refused.
    """
    payment = service.pay()
    refund(service, payment, "4.00", "k1")

    with pytest.raises(RequestKeyReused):
        refund(service, payment, "5.00", "k1")


def test_a_lost_answer_keeps_the_amount_reserved(service: Service) -> None:
    """
    The money may be on its way: it cannot be promised again, and a webhook settles it.
    """
    payment = service.pay()
    service.lose("refund", effect=True)
    lost = refund(service, payment, "6.00")

    assert lost.refund.status is RefundStatus.PENDING
    assert lost.payment.unresolved_operations == 1
    with pytest.raises(RefundExceedsCaptured):
        refund(service, payment, "6.00")

    service.webhook(service.object_of(payment), NoticeTopic.REFUND)
    (kept,) = service.stored(payment.id).refunds

    assert kept.id == lost.refund.id
    assert kept.status is RefundStatus.SUCCEEDED
    assert service.told()[-1] == "IRefundIssued"


def test_a_refused_refund_is_failed(service: Service) -> None:
    """
    The provider says no for good: the refund is Failed, its amount free again.
    """
    payment = service.pay()
    no = ProviderRejected(Failure("balance_insufficient", "No money."))
    service.provider.faults.append(Fault("refund", effect=False, error=no))
    refused = refund(service, payment, "4.00")

    assert refused.refund.status is RefundStatus.FAILED
    assert refused.refund.failure == no.failure
    assert service.told()[-1] == "IRefundFailed"
    assert refund(service, payment).payment.status is S.REFUNDED


def test_a_refund_that_the_provider_already_has_is_adopted(service: Service) -> None:
    """
    Refused because it was done: what the provider lists decides, not the refusal.
    """
    payment = service.pay()
    no = ProviderConflict(Failure("charge_already_refunded", "Done."))
    service.provider.faults.append(Fault("refund", effect=True, error=no))
    adopted = refund(service, payment)

    assert adopted.refund.status is RefundStatus.SUCCEEDED
    assert adopted.payment.status is S.REFUNDED


@pytest.mark.parametrize(
    ("method", "manual"),
    [("fake_approved", True), ("fake_action", False), ("fake_declined", False)],
)
def test_only_taken_money_goes_back(service: Service, method: str, manual: bool) -> None:
    """
    A payment that took nothing has nothing to refund.
    """
    with pytest.raises(InvalidState):
        refund(service, service.pay(method, manual=manual))


def test_nothing_left(service: Service) -> None:
    """
    After everything went back nothing more does.
    """
    payment = service.pay()
    refund(service, payment)

    with pytest.raises(AlreadyRefunded):
        refund(service, payment, "0.01")


def test_an_unknown_payment_is_not_found(service: Service) -> None:
    """
    There is nothing to refund.
    """
    with pytest.raises(PaymentNotFound):
        service.refund.execute(RefundPaymentCommand(payment_id=uuid4(), request_key="k"))


def test_many_at_once_never_exceed(service: Service) -> None:
    """
    Of twenty refunds of a third at the same time three succeed.
    """
    payment = service.pay()

    def attempt(_: int) -> bool:
        try:
            refund(service, payment, "3.33")
        except PaymentsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(attempt, range(20)))

    assert done.count(True) == 3
    assert service.stored(payment.id).refunded == eur("9.99")


def test_an_amount_that_the_provider_cannot_return_reserves_nothing(service: Service) -> None:
    """
    What could not be sent is refused before it is written.
    """
    payment = service.pay()

    def refuse(amount: Money) -> None:
        raise AmountNotSupported(f"Not {amount}")

    service.provider.check_amount = refuse  # type: ignore[method-assign] # a pickier provider

    with pytest.raises(AmountNotSupported):
        refund(service, payment, "4.00")
    assert service.stored(payment.id).refunds == []


@pytest.mark.parametrize("request_id", ["4242424242424242", "sk_live_abc"])
def test_a_request_id_that_must_not_be_kept(request_id: str) -> None:
    """
    What names a refund is kept, so it must not be a card number or a key.
    """
    with pytest.raises(CardDataNotAllowed):
        refund_request_key(request_id)


def test_a_reason_is_kept_without_card_numbers(service: Service) -> None:
    """
    Whoever writes a card number into a reason finds it masked in the refund and the audit log.
    """
    payment = service.pay()
    reason = "card 4242 4242 4242 4242"
    command = RefundPaymentCommand(payment_id=payment.id, request_key="k", reason=reason)
    service.refund.execute(command)
    (kept,) = service.stored(payment.id).refunds

    assert kept.reason == "card [card number]"


def test_a_refused_request_may_stand_there_all_the_same(service: Service) -> None:
    """
    Refused with any other reason than the object's state: what the provider lists decides too.
    """
    payment = service.pay()
    no = ProviderRejected(Failure("parameter_invalid", "No."))
    service.provider.faults.append(Fault("refund", effect=True, error=no))
    adopted = refund(service, payment)

    assert adopted.refund.status is RefundStatus.SUCCEEDED
    assert adopted.payment.status is S.REFUNDED


def test_a_lost_answer_is_logged_with_its_payment(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Who reads the log can ask for the story of that payment.
    """
    payment = service.pay()
    gone = ProviderUnavailable(Failure("timeout", "No answer."))
    service.provider.faults.append(Fault("refund", effect=True, error=gone))
    refund(service, payment)

    assert any(f"payment {payment.id}: No answer." in text for text in caplog.messages)


def test_a_refusal_is_believed_only_with_the_object_in_sight(service: Service) -> None:
    """
    Refused, and the object cannot be read: nobody may say that nothing happened.
    """
    payment = service.pay()
    no = ProviderRejected(Failure("parameter_invalid", "No."))
    gone = ProviderUnavailable(Failure("timeout", "No answer."))
    service.provider.faults.append(Fault("refund", effect=False, error=no))
    service.provider.faults.append(Fault("retrieve", effect=False, error=gone))
    lost = refund(service, payment)

    assert lost.refund.status is RefundStatus.PENDING
    assert lost.payment.unresolved_operations == 1
