"""
Looking at payments.
"""

from uuid import uuid4

import pytest

from payments_core.application.queries import FindPayment, GetPayment, ListPayments, ShowTimeline
from payments_core.domain.errors import PaymentNotFound
from payments_core.ports.queries import PaymentFilter
from payments_core.testing.memory_queries import InMemoryPaymentQueries
from tests.core.application.service import Service


def test_one_payment(service: Service) -> None:
    """
    A payment is shown as it is; one that is not there is not found.
    """
    get = GetPayment(InMemoryPaymentQueries(service.database))
    payment = service.pay()

    assert get.execute(payment.id) == payment
    with pytest.raises(PaymentNotFound):
        get.execute(uuid4())


def test_an_id_that_is_no_id_is_not_repeated_as_it_is(service: Service) -> None:
    """
    Whoever asks for a card number reads, and logs, that it was one.
    """
    find = FindPayment(InMemoryPaymentQueries(service.database))

    with pytest.raises(PaymentNotFound, match=r"payment \[card number\] of fake"):
        find.execute("fake", "4009876500001009")


def test_pages(service: Service) -> None:
    """
    The list goes on where its cursor says.
    """
    every = ListPayments(InMemoryPaymentQueries(service.database))
    made = [service.pay().id for _ in range(3)]
    first = every.execute(PaymentFilter(), 2)
    second = every.execute(PaymentFilter(), 2, first.next)

    assert [p.id for p in [*first.items, *second.items]] == made[::-1]
    assert second.next is None


def test_timeline(service: Service) -> None:
    """
    What happened is told in order; nothing happened to what is not there.
    """
    timeline = ShowTimeline(InMemoryPaymentQueries(service.database))
    payment = service.pay()

    assert [e.name for e in timeline.execute(payment.id)] == ["create", "IPaymentSucceeded"]
    with pytest.raises(PaymentNotFound):
        timeline.execute(uuid4())
