"""
The details of a payment's history.
"""

import pytest

from payments_core.domain import asking
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.failure import Failure
from payments_core.domain.policy import Policy
from payments_core.ports.queries import TimelineEntry
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW, a_payment, answered, eur
from payments_core.testing.conformance.reconciliation import a_difference
from payments_postgres import SqlAlchemyPaymentQueries


@pytest.fixture
def history(
    make_uow: UnitOfWorkFactory, queries: SqlAlchemyPaymentQueries
) -> dict[str, TimelineEntry]:
    """
    What happened to a payment that waited for its customer, was paid and is being refunded.
    """
    payment = a_payment(payment_method_id=None)
    waiting = ProviderPaymentStatus.REQUIRES_ACTION
    answered(payment, waiting, redirect_url="https://bank.example/secret_url")
    with make_uow() as uow:
        uow.payments.add(payment)
        uow.commit()
    answered(payment)
    payment.operations[0].failure = Failure("card_declined", "No.")
    asking.refund(payment, eur("4.00"), "broken", NOW, Policy(), request_key="caller_key")
    with make_uow() as uow:
        uow.payments.save(payment)
        uow.commit()
    return {f"{e.kind} {e.name}": e for e in queries.timeline(payment.id)}


def test_details_are_text(history: dict[str, TimelineEntry]) -> None:
    """
    Amounts, numbers, times and reasons are told as text; what is not known is left out.
    """
    create, refund = history["operation create"].details, history["operation refund"].details

    assert create["failure_code"] == "card_declined"
    assert create["amount"] == "10.00 EUR"
    assert create["lease_until"] == "2026-11-22T12:01:00.000000Z"
    assert "failure_code" not in refund
    assert refund["amount"] == history["refund broken"].details["amount"] == "4.00 EUR"
    assert history["event IPaymentSucceeded"].details == {
        "sequence": "1",
        "attempts": "0",
        "next_at": "2026-11-22T11:50:00.000000Z",
    }


def test_how_a_difference_was_closed(
    make_uow: UnitOfWorkFactory, queries: SqlAlchemyPaymentQueries
) -> None:
    """
    Who closed it, when and with what note is told beside what was found.
    """
    payment = a_payment()
    found = a_difference(payment_id=payment.id)
    with make_uow() as uow:
        uow.payments.add(payment)
        uow.discrepancies.add(found)
        uow.discrepancies.close(found.close("anna", "refunded by hand", NOW))
        uow.commit()
    (entry,) = (e for e in queries.timeline(payment.id) if e.kind == "discrepancy")

    assert entry.state == "closed"
    assert entry.details == {
        "provider_object_id": found.provider_object_id,
        "local_value": found.local_value,
        "provider_value": found.provider_value,
        "closed_at": "2026-11-22T12:00:00.000000Z",
        "closed_by": "anna",
        "note": "refunded by hand",
    }


def test_secrets_are_not_told(history: dict[str, TimelineEntry]) -> None:
    """
    Neither the client secret nor the customer's approval page nor a caller's key appears.
    """
    told = str(history)

    assert "fake_secret" not in told
    assert "secret_url" not in told
    assert "caller_key" not in told


def test_what_is_simultaneous_is_in_the_order_of_cause(history: dict[str, TimelineEntry]) -> None:
    """
    At the same moment operations come first, by their number, and events last.
    """
    assert list(history) == [
        "operation create",
        "operation refund",
        "refund broken",
        "event IPaymentSucceeded",
    ]
