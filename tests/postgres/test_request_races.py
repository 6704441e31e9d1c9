"""
The same request many times at once, on both databases: one effect, and one answer.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import attrs
import pytest
from sqlalchemy import Engine, event

from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.application.handle_message import HandleMessage
from payments_core.application.handle_refund import HandleRefund
from payments_core.application.operations import Operations
from payments_core.application.received import ReceivedMessage
from payments_core.application.refund_payment import (
    RefundPayment,
    RefundPaymentCommand,
    refund_request_key,
)
from payments_core.application.results import CreatedPayment, IssuedRefund, Result
from payments_core.domain.errors import (
    AlreadyRefunded,
    ConcurrentUpdate,
    PaymentsError,
    RefundExceedsCaptured,
    RequestInProgress,
    RequestKeyReused,
)
from payments_core.domain.policy import Policy
from payments_core.domain.refund import RefundStatus
from payments_core.ports.audit import AuditFilter
from payments_core.ports.clock import SystemClock
from payments_core.testing.builders import eur
from payments_core.testing.fake_provider import APPROVED_METHOD, FakePaymentProvider
from payments_postgres import (
    SqlAlchemyAuditQueries,
    SqlAlchemyPaymentQueries,
    SqlAlchemyUnitOfWork,
)
from tests.postgres.test_races import at_once

AT_ONCE: Final = 20
TRIALS: Final = 1000 if os.environ.get("PROOF_SCALE") == "release" else 60
PATIENCE: Final = 120.0  # seconds that a caller asks again while the database is busy

Outcome = Result | type[PaymentsError]
"""
A good answer, or how a request was refused.
"""

few_and_many = pytest.mark.parametrize(
    "trials", [2, pytest.param(TRIALS, marks=pytest.mark.slow)], ids=["few", "many"]
)
"""
A few trials at each change, and as many as the proof asks for.
"""


@attrs.frozen
class Shop:
    """
    The use cases on one database, and a provider that counts.
    """

    engine: Engine
    provider: FakePaymentProvider
    operations: Operations

    def command(self, key: str | None = None, order_id: UUID | None = None) -> CreatePaymentCommand:
        """
        Return the command that takes 9.00 EUR.
        """
        return CreatePaymentCommand(
            order_id=order_id or uuid4(),
            customer_id="alice",
            amount=eur("9.00"),
            provider="fake",
            payment_method_id=APPROVED_METHOD,
            idempotency_key=key,
        )

    def pay(self, command: CreatePaymentCommand) -> CreatedPayment:
        """
        Create a payment.
        """
        return CreatePayment(self.operations).execute(command)

    def refund(self, payment_id: UUID, request_key: str, key: str | None = None) -> IssuedRefund:
        """
        Refund 3.00 EUR.
        """
        command = RefundPaymentCommand(
            payment_id=payment_id, amount=eur("3.00"), request_key=request_key, idempotency_key=key
        )
        return RefundPayment(self.operations).execute(command)

    def made(self, payment_id: UUID) -> list[str]:
        """
        Return what the audit log says was done to a payment.
        """
        page = SqlAlchemyAuditQueries(self.engine).list(AuditFilter(payment_id=payment_id), 100)
        return [record.entry.action for record in page.items]


@pytest.fixture
def shop(engine: Engine) -> Shop:
    """
    Each database in turn. SQLite need not wait for the disk here: nobody cuts the power.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = OFF"))
    provider = FakePaymentProvider()
    make_uow = partial(SqlAlchemyUnitOfWork, engine)
    return Shop(engine, provider, Operations(make_uow, {"fake": provider}, SystemClock(), Policy()))


def outcome(act: Callable[[], Result]) -> Outcome:
    """
    Return what came of a request; a caller whom a busy database sent away asks again.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except ConcurrentUpdate:
            assert time.monotonic() < deadline, "The database was busy all the time"
        except PaymentsError as error:
            return type(error)


def answers(outcomes: list[Outcome]) -> list[Result]:
    """
    Return the good answers, without the header that tells replays apart.
    """
    return [attrs.evolve(o, replayed=False) for o in outcomes if isinstance(o, Result)]


def refusals(outcomes: list[Outcome]) -> set[type[PaymentsError]]:
    """
    Return how the others were refused.
    """
    return {o for o in outcomes if not isinstance(o, Result)}


def all_equal(results: list[Result]) -> bool:
    """
    Return whether every result is the first one.
    """
    return all(result == results[0] for result in results)


@few_and_many
def test_one_key(shop: Shop, trials: int) -> None:
    """
    Twenty creations with one key are one payment and one charge; every good answer is the same.
    """
    for trial in range(trials):
        command = shop.command(key=f"one {trial}")

        def act(_: int, command: CreatePaymentCommand = command) -> Outcome:
            return outcome(lambda: shop.pay(command))

        outcomes = at_once(act, AT_ONCE)
        good = answers([*outcomes, shop.pay(command)])

        assert len(good) >= 2
        assert all_equal(good)
        assert refusals(outcomes) <= {RequestInProgress}
        assert shop.made(good[0].payment.id) == ["create"]
    assert Counter(shop.provider.calls) == {"create_intent": trials}


@few_and_many
def test_one_order(shop: Shop, trials: int) -> None:
    """
    Twenty creations for one order, each with a key of its own, are one payment.
    """
    for trial in range(trials):
        order_id = uuid4()

        def act(number: int, trial: int = trial, order_id: UUID = order_id) -> Outcome:
            command = shop.command(f"order {trial} {number}", order_id)
            return outcome(lambda: shop.pay(command))

        results = answers(at_once(act, AT_ONCE))

        assert len(results) == AT_ONCE
        assert len({r.payment.id for r in results}) == 1
        assert [r for r in results if isinstance(r, CreatedPayment) and r.created][1:] == []
    assert Counter(shop.provider.calls) == {"create_intent": trials}


@few_and_many
def test_refunds_of_a_third(shop: Shop, trials: int) -> None:
    """
    Of twenty refunds of a third, each with a key of its own, exactly three succeed.
    """
    for trial in range(trials):
        payment_id = shop.pay(shop.command()).payment.id

        def act(number: int, trial: int = trial, payment_id: UUID = payment_id) -> Outcome:
            key = f"third {trial} {number}"
            return outcome(lambda: shop.refund(payment_id, key, key))

        outcomes = at_once(act, AT_ONCE)
        good = answers(outcomes)
        after = SqlAlchemyPaymentQueries(shop.engine).get(payment_id)

        assert [r.refund.status for r in good if isinstance(r, IssuedRefund)] == (
            [RefundStatus.SUCCEEDED] * 3
        )
        assert refusals(outcomes) <= {RefundExceedsCaptured, AlreadyRefunded}
        assert after is not None
        assert after.refunded == after.captured == eur("9.00")
    assert Counter(shop.provider.calls)["refund"] == 3 * trials


@few_and_many
def test_one_key_for_other_requests(shop: Shop, trials: int) -> None:
    """
    Of twenty different requests under one key at most one succeeds; the others hear why not.
    """
    for trial in range(trials):

        def act(_: int, trial: int = trial) -> Outcome:
            return outcome(lambda: shop.pay(shop.command(f"other {trial}")))

        outcomes = at_once(act, AT_ONCE)

        assert len(answers(outcomes)) == 1
        assert refusals(outcomes) == {RequestKeyReused}
    assert Counter(shop.provider.calls) == {"create_intent": trials}


@few_and_many
def test_one_refund_over_every_channel(shop: Shop, trials: int) -> None:
    """
    A refund that its requester named is one, asked for by API, queue and command line at once.
    """
    queries = SqlAlchemyPaymentQueries(shop.engine)
    handlers = {"RefundPaymentCommand": HandleRefund(shop.operations, queries)}
    handle = HandleMessage(shop.operations.unit_of_work, SystemClock(), handlers)
    for trial in range(trials):
        payment_id = shop.pay(shop.command()).payment.id
        named = f"return {trial}"

        def act(number: int, payment_id: UUID = payment_id, named: str = named) -> None:
            if number % 3 == 0:
                body = {
                    "paymentId": str(payment_id),
                    "amount": "3.00",
                    "refundRequestId": named,
                }
                message = ReceivedMessage(
                    id=uuid4(), endpoint="refund-payment", name="RefundPaymentCommand", body=body
                )
                handle.execute(message, "")
                return
            key = f"{named} {number}" if number % 3 == 1 else f"{named} of the command line"
            outcome(lambda: shop.refund(payment_id, refund_request_key(named), key))

        at_once(act, AT_ONCE)
        after = queries.get(payment_id)

        assert after is not None
        assert after.refunded == eur("3.00")
        assert sorted(shop.made(payment_id)) == ["create", "refund"]
    assert Counter(shop.provider.calls)["refund"] == trials
