"""
The relay: what leaves, in which order, and what becomes of what does not.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from typing import Self
from uuid import UUID, uuid4

import attrs
import pytest
from typing_extensions import override

from payments_core.application.manage_outbox import ManageOutbox
from payments_core.application.relay_outbox import RelayOutbox, RelayPolicy, ReportLateMessages
from payments_core.domain.errors import ConcurrentUpdate, InvalidState, NotFound
from payments_core.ports.outbox import OutboxMessage, OutboxStatus, PlainMessageSerializer
from payments_core.ports.publisher import MessageRefused, PublishError, Unroutable
from payments_core.testing.memory import InMemoryUnitOfWork
from payments_core.testing.memory_outbox import InMemoryOutbox
from payments_core.testing.recording_publisher import RecordingPublisher
from tests.core.application.service import Service

REFUSAL = MessageRefused("It is too large")


@pytest.fixture
def broker() -> RecordingPublisher:
    """
    A broker that confirms everything until it is told otherwise.
    """
    return RecordingPublisher()


def relay_of(
    service: Service, broker: RecordingPublisher, policy: RelayPolicy | None = None
) -> RelayOutbox:
    """
    Return a relay from the service's outbox to the broker.
    """
    uow = partial(InMemoryUnitOfWork, service.database)
    return RelayOutbox(uow, broker, service.clock, policy or RelayPolicy())


def manage(service: Service) -> ManageOutbox:
    """
    Return what a person has for the service's outbox.
    """
    return ManageOutbox(partial(InMemoryUnitOfWork, service.database), service.clock)


def pay(service: Service, refunds: int = 0) -> None:
    """
    Take a payment and refund 1.00 of it so many times: that many events and one.
    """
    payment = service.pay()
    for _ in range(refunds):
        service.give_back(payment, "1.00")


def only(service: Service) -> OutboxMessage:
    """
    Return the one message of the outbox.
    """
    (message,) = service.database.outbox
    return message


def test_publishes_and_marks(service: Service, broker: RecordingPublisher) -> None:
    """
    What the broker confirmed is marked, and does not leave again.
    """
    pay(service)
    relay = relay_of(service, broker)
    first, second = relay.execute(), relay.execute()

    assert (first, second) == (1, 0)
    assert [m.name for m in broker.messages] == ["IPaymentSucceeded"]
    assert only(service).status is OutboxStatus.PUBLISHED
    assert only(service).published_at is not None


def test_order_within_an_order(service: Service, broker: RecordingPublisher) -> None:
    """
    An order's events leave one after the other, in their sequence.
    """
    pay(service, refunds=3)
    relay = relay_of(service, broker)
    counts = [relay.execute() for _ in range(5)]

    assert counts == [1, 1, 1, 1, 0]
    assert [m.sequence for m in broker.messages] == [1, 2, 3, 4]


def test_down_broker_costs_nothing(service: Service, broker: RecordingPublisher) -> None:
    """
    While the broker is away nothing is claimed and no attempt is counted.
    """
    pay(service)
    before = only(service)
    broker.down = True

    assert relay_of(service, broker).execute() == 0
    assert only(service) == before


def test_lost_confirm_is_sent_again(service: Service, broker: RecordingPublisher) -> None:
    """
    Without a confirm the very same message is sent again soon; no attempt counts against it.
    """
    pay(service)
    broker.judge = lambda _: PublishError("The connection was lost")
    relay = relay_of(service, broker)
    relay.execute()
    waits = only(service)
    broker.judge = lambda _: None
    service.clock.advance(seconds=1)
    relay.execute()

    assert (waits.status, waits.attempts) == (OutboxStatus.PENDING, 0)
    assert waits.error == "publish_failed: The connection was lost"
    assert [m.body for m in broker.messages] == [waits.body]


def test_died_relay_is_replaced(service: Service, broker: RecordingPublisher) -> None:
    """
    What a relay held when it died leaves with another after the claim, with the same bytes.
    """
    pay(service)

    def die(_: OutboxMessage) -> PublishError | None:
        raise KeyboardInterrupt

    broker.judge = die
    with pytest.raises(KeyboardInterrupt):
        relay_of(service, broker).execute()
    held = only(service)
    broker.judge = lambda _: None
    early = relay_of(service, broker).execute()
    service.clock.advance(seconds=30)
    late = relay_of(service, broker).execute()

    assert (early, late) == (0, 1)
    assert [(m.id, m.body) for m in broker.messages] == [(held.id, held.body)]


@pytest.mark.parametrize(
    ("events", "status"),
    [(["IPaymentSucceeded"], OutboxStatus.PENDING), (["IRefundIssued"], OutboxStatus.UNROUTED)],
)
def test_message_without_reader(
    service: Service, broker: RecordingPublisher, events: list[str], status: OutboxStatus
) -> None:
    """
    Without a reader a success or a failure waits, anything else counts as sent.
    """
    pay(service, refunds=1)
    broker.judge = lambda m: Unroutable("NO_ROUTE") if m.name in events else None
    relay = relay_of(service, broker)
    relay.execute()
    relay.execute()
    (message,) = [m for m in service.database.outbox if m.name in events]

    assert message.status is status
    assert message.attempts == 0


def test_unroutable_leaves_once_somebody_listens(
    service: Service, broker: RecordingPublisher
) -> None:
    """
    A success that nobody could hear is heard by whoever comes later, before what follows it.
    """
    pay(service, refunds=1)
    broker.judge = lambda _: Unroutable("NO_ROUTE")
    relay = relay_of(service, broker)
    relay.execute()
    broker.judge = lambda _: None
    service.clock.advance(seconds=5)
    relay.execute()
    relay.execute()

    assert [m.name for m in broker.messages] == ["IPaymentSucceeded", "IRefundIssued"]


def test_a_trouble_is_told_once(
    service: Service, broker: RecordingPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    """
    What waits is a line when it begins, when the reason is another, and when it begins again.
    """
    relay = relay_of(service, broker)
    nobody, closed = Unroutable("Nobody listens"), PublishError("No confirm")
    days: list[PublishError | None] = [nobody, nobody, closed, closed, None, nobody, nobody]
    for error in days:
        pay(service)
        broker.judge = partial(_judged, error)
        relay.execute()
        service.clock.advance(seconds=30)
    told = [r.message.rpartition(": ")[2] for r in caplog.records]

    assert told == ["Nobody listens", "No confirm", "Nobody listens"]


def _judged(error: PublishError | None, _: OutboxMessage) -> PublishError | None:
    return error


def test_poison_is_parked(
    service: Service, broker: RecordingPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A message that is refused ten times is parked, its order waits, and the log says so.
    """
    pay(service, refunds=1)
    pay(service)
    poison = service.database.outbox[0].id
    broker.judge = lambda m: REFUSAL if m.id == poison else None
    relay = relay_of(service, broker)
    for _ in range(12):
        relay.execute()
        service.clock.advance(seconds=600)
    parked = service.database.outbox[0]

    assert (parked.status, parked.attempts) == (OutboxStatus.PARKED, 10)
    assert [m.payment_id == parked.payment_id for m in broker.messages] == [False]
    assert any("parked" in r.message for r in caplog.records if r.levelno == logging.ERROR)


def test_requeue_sends_again(service: Service, broker: RecordingPublisher) -> None:
    """
    A parked message that is requeued leaves, and its order goes on behind it.
    """
    pay(service, refunds=1)
    broker.judge = lambda _: REFUSAL
    relay = relay_of(service, broker, RelayPolicy(park_after=1))
    relay.execute()
    (parked, _) = manage(service).waiting()
    broker.judge = lambda _: None
    requeued = manage(service).requeue(parked.id)
    relay.execute()
    relay.execute()

    assert (requeued.status, requeued.attempts) == (OutboxStatus.PENDING, 0)
    assert [m.sequence for m in broker.messages] == [1, 2]


def test_release_lets_the_order_go_on(service: Service, broker: RecordingPublisher) -> None:
    """
    A released message never leaves; what waited behind it does.
    """
    pay(service, refunds=1)
    broker.judge = lambda m: REFUSAL if m.sequence == 1 else None
    relay = relay_of(service, broker, RelayPolicy(park_after=1))
    relay.execute()
    manage(service).release(service.database.outbox[0].id)
    relay.execute()

    assert [m.sequence for m in broker.messages] == [2]
    assert not manage(service).waiting()


def test_only_what_waits_can_be_managed(service: Service, broker: RecordingPublisher) -> None:
    """
    What has left, or never was, can be neither requeued nor released.
    """
    pay(service)
    relay_of(service, broker).execute()
    tools = manage(service)

    for act in (tools.requeue, tools.release):
        with pytest.raises(InvalidState):
            act(only(service).id)
        with pytest.raises(NotFound):
            act(uuid4())


def test_relay_that_took_it_first_wins(service: Service) -> None:
    """
    Releasing what a relay takes at the same moment is refused, and nothing changes.
    """
    pay(service)
    before = only(service)

    class Stale(InMemoryOutbox):
        """
        Shows each message as it was before somebody claimed it.
        """

        @override
        def find(self, message_id: UUID) -> OutboxMessage | None:
            return attrs.evolve(before, next_at=None)

    class Late(InMemoryUnitOfWork):
        """
        A transaction that read too early.
        """

        @override
        def __enter__(self) -> Self:
            super().__enter__()
            self.outbox = Stale(self._tables.outbox, PlainMessageSerializer())
            return self

    with pytest.raises(ConcurrentUpdate):
        ManageOutbox(partial(Late, service.database), service.clock).release(before.id)
    assert only(service) == before


def test_late_messages_are_reported(
    service: Service, broker: RecordingPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    """
    What waits for more than a minute is named in the log, and what left is not.
    """
    pay(service)
    relay_of(service, broker).execute()
    pay(service)
    report = ReportLateMessages(partial(InMemoryUnitOfWork, service.database), service.clock)
    report.execute()
    early = list(caplog.records)
    service.clock.advance(seconds=61)
    report.execute()

    assert not early
    (record,) = caplog.records
    assert str(service.database.outbox[1].id) in record.getMessage()


def test_hanging_relay_gives_its_claim_up(service: Service, broker: RecordingPublisher) -> None:
    """
    A relay that was stopped between claim and sending sends nothing when it wakes too late.
    """
    pay(service)

    class Hanging(InMemoryUnitOfWork):
        """
        A transaction after which a long time passes.
        """

        @override
        def commit(self) -> None:
            super().commit()
            service.clock.advance(seconds=60)

    relay = RelayOutbox(partial(Hanging, service.database), broker, service.clock)

    assert relay.execute() == 0
    assert not broker.messages


def test_many_relays_on_a_bad_day(service: Service) -> None:
    """
    Three relays and a broker that loses confirms: nothing is lost, no order is out of order.
    """
    for _ in range(20):
        pay(service, refunds=4)
    luck = Random(7)

    def judge(message: OutboxMessage) -> PublishError | None:
        if luck.random() < 0.2:
            return PublishError("Lost before it came")
        if luck.random() < 0.2:
            bad.messages.append(message)
            return PublishError("Lost after it came")
        return None

    bad = RecordingPublisher(judge)

    def run(_: int) -> None:
        for _ in range(40):
            relay_of(service, bad, RelayPolicy(batch=3)).execute()
            service.clock.advance(seconds=1)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
    first_seen: dict[object, list[int]] = {}
    for message in bad.messages:
        seen = first_seen.setdefault(message.order_id, [])
        if message.sequence not in seen:
            seen.append(message.sequence)

    assert len(first_seen) == 20
    assert all(seen == [1, 2, 3, 4, 5] for seen in first_seen.values())
    assert len({(m.id, m.body) for m in bad.messages}) == 100
