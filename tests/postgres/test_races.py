"""
Many at once: nothing is refunded twice, kept twice, claimed twice or numbered twice.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select

from payments_core.domain import asking
from payments_core.domain.errors import (
    AlreadyRefunded,
    RefundExceedsCaptured,
)
from payments_core.domain.events import PaymentDiscrepancyFound
from payments_core.domain.operation import OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.settlement import Answer, apply
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW, a_payment, answered, eur
from payments_core.testing.conformance.storage import an_event
from payments_postgres import SqlAlchemyUnitOfWork
from payments_postgres.tables import outbox

WRITERS = 8
TRIALS = 20
LATER = NOW + timedelta(seconds=60)


T = TypeVar("T")


def at_once(act: Callable[[int], T], times: int = WRITERS) -> list[T]:
    """
    Do something in many threads that start together, and return what each returned.
    """
    start = threading.Barrier(times)

    def wait_and_act(number: int) -> T:
        start.wait(60)
        return act(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(wait_and_act, range(times)))


def keep(make_uow: UnitOfWorkFactory, payment: Payment) -> Payment:
    """
    Add a payment and commit.
    """
    with make_uow() as uow:
        assert uow.payments.add(payment)
        uow.commit()
    return payment


def read(make_uow: UnitOfWorkFactory, payment_id: UUID) -> Payment:
    """
    Read a payment.
    """
    with make_uow() as uow:
        payment = uow.payments.get(payment_id)
    assert payment is not None
    return payment


def try_to_refund(make_uow: UnitOfWorkFactory, payment_id: UUID) -> str:
    """
    Refund 3.00, and return how that went.
    """
    try:
        with make_uow() as uow:
            payment = uow.payments.get(payment_id)
            assert payment is not None
            asking.refund(payment, eur("3.00"), None, NOW, Policy(), request_key=str(uuid4()))
            uow.payments.save(payment)
            uow.commit()
    except (RefundExceedsCaptured, AlreadyRefunded) as error:
        return error.code
    return "refunded"


def refund_trial(make_uow: UnitOfWorkFactory) -> tuple[list[str], Payment]:
    """
    Refund 3.00 of 10.00 in many threads at once.
    """
    payment = keep(make_uow, answered(a_payment()))
    outcomes = at_once(lambda _: try_to_refund(make_uow, payment.id))
    return outcomes, read(make_uow, payment.id)


def test_refunds_never_exceed_what_was_captured(make_uow: UnitOfWorkFactory) -> None:
    """
    Of eight refunds of 3.00 on 10.00 three are made, in every trial; the others hear why.
    """
    for _ in range(TRIALS):
        outcomes, payment = refund_trial(make_uow)

        assert payment.reserved == eur("9.00")
        assert payment.version == 1 + 3
        assert sorted(outcomes) == ["refund_exceeds_captured"] * 5 + ["refunded"] * 3


def test_one_payment_per_order(make_uow: UnitOfWorkFactory) -> None:
    """
    Of many payments for one order at once exactly one is kept, and the others find it.
    """
    for _ in range(TRIALS):
        order_id = uuid4()

        def add(_: int, order_id: UUID = order_id) -> tuple[bool, UUID]:
            with make_uow() as uow:
                payment = a_payment(order_id=order_id)
                if uow.payments.add(payment):
                    uow.commit()
                    return True, payment.id
                live = uow.payments.live_payment_of(order_id)
            assert live is not None
            return False, live.id

        made = at_once(add)

        assert [added for added, _ in made].count(True) == 1
        assert len({payment_id for _, payment_id in made}) == 1


def test_a_webhook_is_kept_once(make_uow: UnitOfWorkFactory) -> None:
    """
    Of twenty deliveries of an event at once one is the first, for every event.
    """
    delivered = [an_event() for _ in range(5)]

    def add(_: int) -> list[bool]:
        fresh = []
        for webhook in delivered:
            with make_uow() as uow:
                fresh.append(uow.webhooks.add(webhook))
                uow.commit()
        return fresh

    kept = at_once(add, 20)

    assert [column.count(True) for column in zip(*kept, strict=True)] == [1] * 5


def test_claimers_never_share(make_uow: UnitOfWorkFactory) -> None:
    """
    Claimers at once get every due event, each of them once.
    """
    with make_uow() as uow:
        for _ in range(60):
            uow.webhooks.add(an_event())
        uow.commit()

    def claim(_: int) -> list[str]:
        mine: list[str] = []
        while True:
            with make_uow() as uow:
                found = uow.webhooks.claim(NOW, LATER, 7)
                uow.commit()
            if not found:
                return mine
            mine += [e.event_id for e in found]

    claimed = [event_id for mine in at_once(claim) for event_id in mine]

    assert len(claimed) == 60
    assert len(set(claimed)) == 60


@pytest.mark.postgres
def test_a_claimer_passes_over_what_is_held(postgres_engine: Engine) -> None:
    """
    On PostgreSQL a second claimer does not wait for the first one's transaction.
    """
    with SqlAlchemyUnitOfWork(postgres_engine) as uow:
        for _ in range(10):
            uow.webhooks.add(an_event())
        uow.commit()

    with SqlAlchemyUnitOfWork(postgres_engine) as one:
        first = one.webhooks.claim(NOW, LATER, 6)
        with SqlAlchemyUnitOfWork(postgres_engine) as other:
            second = other.webhooks.claim(NOW, LATER, 6)

    assert (len(first), len(second)) == (6, 4)
    assert not {e.event_id for e in first} & {e.event_id for e in second}


def failed(make_uow: UnitOfWorkFactory, order_id: UUID) -> UUID:
    """
    Keep a payment of the order that the provider refused, and return its id.
    """
    payment = keep(make_uow, a_payment(order_id=order_id))
    refused = Answer(operation_id=payment.operations[0].id, state=OperationState.DECLINED)
    with make_uow() as uow:
        apply(payment, refused, NOW, Policy())
        uow.payments.save(payment)
        uow.commit()
    return payment.id


def test_events_of_an_order_have_no_gap(make_uow: UnitOfWorkFactory, engine: Engine) -> None:
    """
    Payments of one order that tell something at once share the numbers 1 to n.

    What is undone takes no number with it.
    """
    order_id = uuid4()
    payments = [failed(make_uow, order_id) for _ in range(WRITERS)]

    def tell(number: int) -> None:
        for turn in range(4):
            with make_uow() as uow:
                payment = uow.payments.get(payments[number])
                assert payment is not None
                for _ in range(2):
                    payment.events.append(a_difference(payment))
                uow.payments.save(payment)
                if turn % 2:
                    uow.commit()

    at_once(tell)
    with engine.connect() as connection:
        numbers = connection.execute(
            select(outbox.c.sequence).where(outbox.c.order_id == order_id)
        ).scalars()
        told = sorted(numbers)

    assert told == list(range(1, WRITERS + WRITERS * 2 * 2 + 1))


def a_difference(payment: Payment) -> PaymentDiscrepancyFound:
    """
    Return an event that any payment may tell, also a closed one.
    """
    return PaymentDiscrepancyFound(
        id=uuid4(),
        payment_id=payment.id,
        order_id=payment.order_id,
        occurred_at=NOW,
        kind="late_success",
        provider_object_id="fake_pi_1",
        local_value="Failed",
        provider_value="captured 10.00 EUR",
    )
