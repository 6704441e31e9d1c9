"""
Confirming from the server.
"""

from uuid import uuid4

import pytest

from payments_core.application.confirm_payment import ConfirmPaymentCommand
from payments_core.domain.errors import (
    InvalidState,
    OperationRefused,
    PaymentNotFound,
    RequestKeyReused,
)
from payments_core.domain.failure import Failure
from payments_core.domain.status import PaymentStatus
from payments_core.ports.errors import ProviderConflict, ProviderKeyMismatch
from payments_core.ports.queries import PaymentView
from payments_core.testing.fake_provider import Fault
from tests.core.application.service import Service

S = PaymentStatus


def confirm(
    service: Service,
    payment: PaymentView,
    method: str | None = "fake_approved",
    key: str | None = None,
) -> PaymentView:
    """
    Confirm a payment.
    """
    return service.confirm.execute(
        ConfirmPaymentCommand(payment_id=payment.id, payment_method_id=method, request_key=key)
    ).payment


def test_confirm_pays(service: Service) -> None:
    """
    A payment that waits for a method is paid with it.
    """
    assert confirm(service, service.pay(None)).status is S.SUCCEEDED


def test_confirm_twice_charges_once(service: Service) -> None:
    """
    The second time returns the same state without a call.
    """
    payment = service.pay(None)
    first = confirm(service, payment, "fake_action")
    second = confirm(service, payment, "fake_action")

    assert first == second
    assert first.redirect_url is not None
    assert service.provider.calls == ["create_intent", "confirm"]


def test_a_decline_of_an_open_payment_can_be_tried_again(service: Service) -> None:
    """
    Without a method at its creation the payment outlives a decline.
    """
    payment = service.pay(None)
    declined = confirm(service, payment, "fake_declined")

    assert declined.status is S.REQUIRES_ACTION
    assert declined.failure is not None
    assert confirm(service, payment).status is S.SUCCEEDED


def test_one_key_is_one_attempt(service: Service) -> None:
    """
    A client that repeats a declined confirmation under its key does not try the card again.
    """
    payment = service.pay(None)
    first = confirm(service, payment, "fake_declined", "k1")
    second = confirm(service, payment, "fake_declined", "k1")

    assert second == first
    assert service.provider.calls == ["create_intent", "confirm"]
    with pytest.raises(RequestKeyReused):
        confirm(service, payment, "fake_approved", "k1")


def test_a_rejected_confirmation_is_refused(service: Service) -> None:
    """
    A payment method that does not exist changes nothing, and the caller learns why.
    """
    payment = service.pay(None)

    with pytest.raises(OperationRefused) as refused:
        confirm(service, payment, "fake_unheard_of")
    assert refused.value.failure.code == "resource_missing"
    assert service.stored(payment.id).status is S.REQUIRES_ACTION


def test_a_lost_answer_is_not_repeated(service: Service) -> None:
    """
    While nobody knows whether the customer was charged, confirming again charges nobody.
    """
    payment = service.pay(None)
    service.lose("confirm", effect=True)
    first = confirm(service, payment)
    second = confirm(service, payment)

    assert first.unresolved_operations == 1
    assert second == first
    assert service.provider.calls == ["create_intent", "confirm"]


@pytest.mark.parametrize("lost", ["retrieve", None])
def test_a_conflict_is_decided_by_the_object(service: Service, lost: str | None) -> None:
    """
    The provider says that it is paid already: what the object shows counts, if it is read.
    """
    payment = service.pay(None)
    service.provider.pay(service.object_of(payment))
    if lost:
        service.lose(lost, effect=False)
    after = confirm(service, payment)

    assert after.status is (S.REQUIRES_ACTION if lost else S.SUCCEEDED)
    assert after.unresolved_operations == (1 if lost else 0)


def test_a_conflict_at_creation_proves_nothing(service: Service) -> None:
    """
    There is no object to read yet, so the outcome stays unknown.
    """
    conflict = ProviderConflict(Failure("lock_timeout", "Busy."))
    service.provider.faults.append(Fault("create_intent", effect=False, error=conflict))

    assert service.pay().unresolved_operations == 1


def test_a_payment_without_an_object_cannot_be_confirmed_yet(service: Service) -> None:
    """
    Its creation went to a person: until that is settled there is nothing to confirm.
    """
    mismatch = ProviderKeyMismatch(Failure("idempotency_error", "Other parameters."))
    service.provider.faults.append(Fault("create_intent", effect=False, error=mismatch))
    payment = service.pay(None)

    assert confirm(service, payment).unresolved_operations == 1
    assert service.provider.calls == ["create_intent"]


def test_a_closed_payment_is_refused(service: Service) -> None:
    """
    What failed stays failed.
    """
    with pytest.raises(InvalidState):
        confirm(service, service.pay("fake_declined"))


def test_an_unknown_payment_is_not_found(service: Service) -> None:
    """
    There is nothing to confirm.
    """
    with pytest.raises(PaymentNotFound):
        service.confirm.execute(ConfirmPaymentCommand(payment_id=uuid4()))
