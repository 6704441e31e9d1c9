"""
Taking or releasing what is authorised.
"""

import pytest

from payments_core.application.cancel_payment import CancelPaymentCommand
from payments_core.application.capture_payment import CapturePaymentCommand
from payments_core.domain.errors import InvalidState, OperationRefused, RequestKeyReused
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.failure import Failure
from payments_core.domain.money import Money
from payments_core.domain.status import PaymentStatus
from payments_core.ports.errors import ProviderRejected
from payments_core.ports.queries import PaymentView
from payments_core.testing.builders import eur
from payments_core.testing.fake_provider import Fault
from tests.core.application.service import Service

S = PaymentStatus


def capture(
    service: Service, payment: PaymentView, amount: Money | None = None, key: str | None = None
) -> PaymentView:
    """
    Capture a payment.
    """
    return service.capture.execute(
        CapturePaymentCommand(payment_id=payment.id, amount=amount, request_key=key)
    ).payment


def cancel(service: Service, payment: PaymentView) -> PaymentView:
    """
    Cancel a payment.
    """
    return service.cancel.execute(CancelPaymentCommand(payment_id=payment.id)).payment


def test_capture_of_a_part(service: Service) -> None:
    """
    A part is taken, the rest is released, and the part is what is told.
    """
    payment = capture(service, service.pay(manual=True), eur("4.00"))

    assert payment.status is S.SUCCEEDED
    assert (payment.authorized, payment.captured) == (eur("10.00"), eur("4.00"))
    assert service.told() == ["IPaymentAuthorized", "IPaymentSucceeded"]


def test_capture_twice_takes_once(service: Service) -> None:
    """
    The same capture again, with or without a key, is the same state without a call.
    """
    payment = service.pay(manual=True)
    first = capture(service, payment, eur("4.00"), "k1")

    assert capture(service, payment, eur("4.00"), "k1") == first
    assert capture(service, payment, eur("4.00"), "k2") == first
    assert service.provider.calls.count("capture") == 1


def test_a_key_is_bound_to_its_capture(service: Service) -> None:
    """
    The same key with another amount is refused, whatever was captured.
    """
    payment = service.pay(manual=True)
    capture(service, payment, eur("4.00"), "k1")

    with pytest.raises(RequestKeyReused):
        capture(service, payment, eur("5.00"), "k1")


def test_a_refused_capture_stays_refused(service: Service) -> None:
    """
    Repeated under its key it is refused again, not answered as if it were done.
    """
    payment = service.pay(manual=True)
    no = ProviderRejected(Failure("amount_too_small", "Too small."))
    service.provider.faults.append(Fault("capture", effect=False, error=no))

    for _ in range(2):
        with pytest.raises(OperationRefused):
            capture(service, payment, eur("0.01"), "k1")
    assert service.provider.calls.count("capture") == 1


def test_a_lost_capture_stays_authorized(service: Service) -> None:
    """
    Without an answer the money may be taken: Authorized, with an unresolved operation.
    """
    payment = service.pay(manual=True)
    service.lose("capture", effect=True)
    lost = capture(service, payment)

    assert lost.status is S.AUTHORIZED
    assert lost.unresolved_operations == 1

    service.webhook(service.object_of(payment))

    assert service.stored(payment.id).status is S.SUCCEEDED
    assert service.stored(payment.id).unresolved_operations == 0


def test_capture_after_expiry_fails_the_payment(service: Service) -> None:
    """
    The provider let the reservation lapse: the object says so, and the payment follows.
    """
    payment = service.pay(manual=True)
    canceled = ProviderPaymentStatus.CANCELED
    service.provider.change(service.object_of(payment), status=canceled, expired=True)

    with pytest.raises(OperationRefused):
        capture(service, payment)
    assert service.stored(payment.id).status is S.FAILED
    assert service.told() == ["IPaymentAuthorized", "IPaymentFailed"]


@pytest.mark.parametrize(("method", "manual"), [("fake_approved", True), ("fake_action", False)])
def test_cancel(service: Service, method: str, manual: bool) -> None:
    """
    What took no money is cancelled at the provider, then here, and told as an end.
    """
    payment = cancel(service, service.pay(method, manual=manual))

    assert payment.status is S.CANCELED
    assert payment.client_secret is None
    assert service.told()[-1] == "IPaymentFailed"


def test_cancel_of_taken_money_is_refused(service: Service) -> None:
    """
    It is refunded instead.
    """
    with pytest.raises(InvalidState):
        cancel(service, service.pay())


def test_cancel_that_comes_too_late_is_refused(service: Service) -> None:
    """
    The customer paid a moment before: the object shows it, and the payment succeeded.
    """
    payment = service.pay("fake_action")
    service.provider.approve(service.object_of(payment))

    with pytest.raises(OperationRefused):
        cancel(service, payment)
    assert service.stored(payment.id).status is S.SUCCEEDED
    assert service.told() == ["IPaymentSucceeded"]


def test_cancel_during_an_unanswered_creation_is_kept(service: Service) -> None:
    """
    The wish waits for the answer, and is carried out with it.
    """
    service.lose("create_intent", effect=True)
    payment = service.pay("fake_action")
    waiting = cancel(service, payment)

    assert waiting.status is S.PENDING
    assert waiting.unresolved_operations == 1

    service.webhook(service.object_of(payment))

    assert service.stored(payment.id).status is S.CANCELED
    assert service.provider.calls == ["create_intent", "cancel"]
