"""
Two that settle one payment at once: a reply, which locks nothing, and whoever holds the lock.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import attrs
import pytest
from sqlalchemy import Engine, select, text

from payments_core.application.operations import attached, locked
from payments_core.application.settle import settle
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.settlement import Answer
from payments_core.ports.unit_of_work import IUnitOfWork
from payments_core.testing.builders import NOW, a_fact, a_payment, eur
from payments_postgres import SqlAlchemyUnitOfWork
from payments_postgres.tables import outbox
from tests.postgres.test_races import keep

_WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.mark.postgres
def test_two_that_find_one_difference_wait_in_one_order(postgres_engine: Engine) -> None:
    """
    A reply and a webhook that find the same difference both get through, and it is told once.
    """
    make_uow = partial(SqlAlchemyUnitOfWork, postgres_engine)
    payment = keep(make_uow, a_payment())
    wrong = Answer(payment=attrs.evolve(a_fact(payment), amount=eur("11.00")))
    reply = attrs.evolve(wrong, operation_id=payment.operations[0].id)

    with ThreadPoolExecutor(1) as pool, make_uow() as webhook:
        held = locked(webhook, payment.id)
        other = pool.submit(_reply, make_uow(), payment, reply)
        _until_somebody_waits(postgres_engine)
        settle(webhook, held, wrong, NOW, Policy())
        webhook.commit()
        other.result()

    with postgres_engine.connect() as connection:
        names = connection.execute(select(outbox.c.name)).scalars().all()
    assert names == ["IPaymentDiscrepancyFound"]


def _reply(uow: IUnitOfWork, payment: Payment, answer: Answer) -> None:
    with uow:
        settle(uow, attached(uow, payment), answer, NOW, Policy())
        uow.commit()


def _until_somebody_waits(engine: Engine) -> None:
    for _ in range(200):
        with engine.connect() as connection:
            if connection.execute(_WAITING).scalar_one():
                return
        threading.Event().wait(0.02)
    raise AssertionError("Nobody waited for the payment")
