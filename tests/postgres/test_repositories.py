"""
What a save writes, and what it leaves alone.
"""

from datetime import timedelta
from uuid import UUID, uuid4

import attrs
import pytest
from sqlalchemy import Engine, select, update

from payments_core.contracts.converter import to_json
from payments_core.contracts.messages import message_of
from payments_core.domain import asking
from payments_core.domain.errors import ConcurrentUpdate
from payments_core.domain.failure import Failure
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW, a_payment, answered, eur
from payments_core.testing.conformance.storage import an_event
from payments_postgres import SqlAlchemyPaymentQueries
from payments_postgres.tables import outbox, payments
from tests.postgres.recorder import Recorder


@pytest.fixture
def kept(make_uow: UnitOfWorkFactory) -> Payment:
    """
    A captured payment with a refund under way.
    """
    payment = answered(a_payment())
    asking.refund(payment, eur("4.00"), None, NOW, Policy(), request_key="k1")
    with make_uow() as uow:
        uow.payments.add(payment)
        uow.commit()
    return payment


def test_no_change_writes_nothing(
    engine: Engine, make_uow: UnitOfWorkFactory, kept: Payment
) -> None:
    """
    A payment that only looks newer is not written, and says again when it did change.
    """
    with Recorder(engine) as record, make_uow() as uow:
        payment = uow.payments.get(kept.id)
        assert payment is not None
        payment.updated_at = NOW + timedelta(hours=1)
        uow.payments.save(payment)
        uow.commit()

    assert {verb.split()[0] for verb in record.verbs} == {"SELECT"}
    assert (payment.version, payment.updated_at) == (kept.version, kept.updated_at)


def test_only_changed_rows_are_written(
    engine: Engine, make_uow: UnitOfWorkFactory, kept: Payment
) -> None:
    """
    Of two operations and a refund, one operation changes: the payment and it are written.
    """
    with Recorder(engine) as record, make_uow() as uow:
        payment = uow.payments.get(kept.id)
        assert payment is not None
        payment.operations[1].attempts += 1
        uow.payments.save(payment)
        uow.commit()

    assert [verb for verb in record.verbs if not verb.startswith("SELECT")] == [
        "UPDATE payments",
        "UPDATE payment_operations",
    ]
    assert str(kept.operations[1].id).replace("-", "") in str(record.statements).replace("-", "")
    assert payment.version == kept.version + 1


def test_time_does_not_go_back(make_uow: UnitOfWorkFactory, kept: Payment) -> None:
    """
    A clock that was set back does not make a change older than the one before, or than one in the same unit.
    """
    hour = timedelta(hours=1)
    seen = []
    with make_uow() as uow:
        payment = uow.payments.get(kept.id)
        assert payment is not None
        for moment in (NOW - hour, NOW - hour / 2, NOW + hour, NOW):
            payment.cancel_requested = not payment.cancel_requested
            payment.updated_at = moment
            uow.payments.save(payment)
            seen.append(payment.updated_at)
        uow.commit()

    assert seen == [kept.updated_at, kept.updated_at, NOW + hour, NOW + hour]


def test_two_saves_in_one_unit(make_uow: UnitOfWorkFactory, kept: Payment) -> None:
    """
    A payment may be saved again in the same transaction; each change counts once.
    """
    with make_uow() as uow:
        payment = uow.payments.get(kept.id)
        assert payment is not None
        for attempts in (2, 3, 3):
            payment.operations[0].attempts = attempts
            uow.payments.save(payment)
        uow.commit()
    with make_uow() as uow:
        found = uow.payments.get(kept.id)

    assert found == payment
    assert payment.version == kept.version + 2


def test_a_payment_read_elsewhere_is_saved(make_uow: UnitOfWorkFactory, kept: Payment) -> None:
    """
    What one unit of work read, another may save while nobody else changed it.
    """
    kept.cancel_requested = True
    with make_uow() as uow:
        uow.payments.save(kept)
        uow.commit()
    with make_uow() as uow:
        found = uow.payments.get(kept.id)

    assert found == kept


def test_a_payment_that_is_not_there_cannot_be_saved(make_uow: UnitOfWorkFactory) -> None:
    """
    Saving is no adding.
    """
    with make_uow() as uow, pytest.raises(ConcurrentUpdate):
        uow.payments.save(a_payment())


def test_the_version_is_checked_by_the_database_too(
    engine: Engine, make_uow: UnitOfWorkFactory, kept: Payment
) -> None:
    """
    Behind the lock stands the version: who gets past the one is stopped by the other.
    """
    with make_uow() as uow:
        payment = uow.payments.get(kept.id)
        assert payment is not None
        payment.cancel_requested = True
        # The same transaction stands in for a writer whom no lock held back.
        uow._transaction.change(  # type: ignore[attr-defined]  # the test looks inside
            update(payments).where(payments.c.id == kept.id).values(version=77), {}
        )
        with pytest.raises(ConcurrentUpdate):
            uow.payments.save(payment)
    assert SqlAlchemyPaymentQueries(engine).get(kept.id)


def test_messages_are_written_with_their_bytes(engine: Engine, make_uow: UnitOfWorkFactory) -> None:
    """
    The outbox holds each event's own id and body, numbered in the order of the events.
    """
    payment = answered(a_payment())
    second = attrs.evolve(payment.events[0], id=uuid4())
    payment.events.append(second)
    wanted = [message_of(event) for event in payment.events]
    with make_uow() as uow:
        uow.payments.add(payment)
        uow.commit()
    with engine.connect() as connection:
        rows = connection.execute(select(outbox).order_by(outbox.c.sequence)).all()

    assert [(r.id, r.name, r.body) for r in rows] == [
        (m.id, m.name, to_json(m.fields)) for m in wanted
    ]
    assert [r.sequence for r in rows] == [1, 2]
    assert {(r.order_id, r.payment_id, r.published_at) for r in rows} == {
        (payment.order_id, payment.id, None)
    }
    assert payment.events == []


def test_an_event_is_told_once(make_uow: UnitOfWorkFactory, kept: Payment) -> None:
    """
    The same event a second time is a conflict, whatever made it: nothing is told twice.
    """
    told = answered(a_payment()).events[0]
    again = attrs.evolve(told, payment_id=kept.id, order_id=kept.order_id)
    kept.events.append(again)
    with make_uow() as uow:
        uow.payments.save(kept)
        uow.commit()
    kept.events.append(again)

    with make_uow() as uow, pytest.raises(ConcurrentUpdate):
        uow.payments.save(kept)


def test_a_providers_words_do_not_stop_a_payment(make_uow: UnitOfWorkFactory) -> None:
    """
    A failure, a webhook's payload and a message with NUL are kept, with U+FFFD in its place.
    """
    payment = a_payment()
    payment.failure = payment.operations[0].failure = Failure("a\0b", "half \ud800")
    event = an_event(payload='{"a":"\0"}', type="x\0y", error="e\0")
    with make_uow() as uow:
        uow.payments.add(payment)
        uow.webhooks.add(event)
        uow.commit()
    with make_uow() as uow:
        found = uow.payments.get(payment.id)
        (stored,) = uow.webhooks.claim(NOW, NOW, 1)

    assert found is not None
    assert found.failure == found.operations[0].failure == Failure("a\ufffdb", "half \ufffd")
    assert (stored.payload, stored.type, stored.error) == ('{"a":"\ufffd"}', "x\ufffdy", "e\ufffd")


def test_lookups_that_cannot_match(make_uow: UnitOfWorkFactory) -> None:
    """
    What is not there is None, not an error.
    """
    with make_uow() as uow:
        found = (
            uow.payments.get(uuid4()),
            uow.payments.find("fake", "'; --"),
            uow.payments.live_payment_of(UUID(int=0)),
        )

    assert found == (None, None, None)
