"""
Each invariant is broken once on purpose, and the checker sees that one and no other.

A checker that finds nothing proves something only if it finds everything that is planted.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import attrs
import pytest

from payments_core.application.cancel_payment import CancelPaymentCommand
from payments_core.application.relay_outbox import RelayOutbox
from payments_core.application.verify_payments import VerifyPayments, VerifyPaymentsCommand
from payments_core.domain.discrepancy import DiscrepancyKind, difference
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.invariants import INVARIANTS, Sight, Violation
from payments_core.domain.operation import OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.status import PaymentStatus
from payments_core.ports.queries import PaymentView
from payments_core.ports.webhooks import WebhookStatus
from payments_core.testing.builders import NOW, eur
from payments_core.testing.memory import InMemoryUnitOfWork
from payments_core.testing.memory_records import InMemoryRecordQueries
from payments_core.testing.recording_publisher import RecordingPublisher
from tests.core.application.service import Service
from tests.faults.evidence import (
    CHECKS,
    Call,
    Delivery,
    Evidence,
    Exchange,
    Heard,
    Version,
    Written,
    names,
)

GRACE: Final = timedelta(minutes=5)


@attrs.define
class World:
    """
    A service in memory that did a bit of everything, and the record of it.

    Attributes:
        paid: Captured, a part refunded. held: Authorised. failed: Declined. ended: Canceled.
    """

    service: Service = attrs.field(factory=Service)
    evidence: Evidence = attrs.field(factory=Evidence)
    publisher: RecordingPublisher = attrs.field(factory=RecordingPublisher)
    paid: PaymentView = attrs.field(init=False)
    held: PaymentView = attrs.field(init=False)
    failed: PaymentView = attrs.field(init=False)
    ended: PaymentView = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        service = self.service
        self.paid = service.pay()
        service.give_back(self.paid, "4.00")
        self.held = service.pay(manual=True)
        self.failed = service.pay("fake_declined")
        self.ended = service.pay(None)
        service.cancel.execute(CancelPaymentCommand(payment_id=self.ended.id))
        service.webhook(service.object_of(self.paid))
        units = partial(InMemoryUnitOfWork, service.database)
        relay = RelayOutbox(units, self.publisher, service.clock)
        while relay.execute():
            pass
        service.clock.advance(hours=2)
        self._record()

    def _record(self) -> None:
        evidence = self.evidence
        for payment in self.service.database.tables.payments.values():
            evidence.intents |= {o.provider_key: o.first_sent_at for o in payment.operations}
            evidence.calls += [Call(o.provider_key, o.first_sent_at) for o in payment.operations]
        for message in self.service.database.outbox:
            row = Written(str(message.id), message.order_id, message.sequence, message.body)
            evidence.written.append(row)
        evidence.heard = [Heard(str(m.id), m.body) for m in self.publisher.messages]
        evidence.stored = {event_id for _, event_id in self.service.database.tables.webhooks}
        evidence.deliveries = [Delivery(event_id, 200) for event_id in evidence.stored]
        evidence.history = [a_version(self.paid, n, status) for n, status in enumerate(_LIFE, 1)]
        evidence.exchanges = [an_exchange(), an_exchange()]
        evidence.endings = {"paid": {"Succeeded"}}

    def stored(self, view: PaymentView) -> Payment:
        """
        Return the payment as it is kept, to be changed in place.
        """
        return self.service.stored(view.id)

    def violations(self) -> list[Violation]:
        """
        Check everything.
        """
        service = self.service
        records = InMemoryRecordQueries(service.database)
        verify = VerifyPayments(records, {"fake": service.provider}, service.clock)
        # Every violation, and not the first few only.
        report = verify.execute(VerifyPaymentsCommand(provider=True, grace=GRACE))
        found = [v for named in report.examples.values() for v in named]
        return [*found, *self.evidence.violations()]


_LIFE: Final = ("Pending", "Succeeded", "Succeeded")


def a_version(payment: PaymentView, number: int, status: str, **changes: Any) -> Version:
    """
    Return a row of the history.
    """
    fields: dict[str, Any] = {
        "payment_id": payment.id,
        "version": number,
        "status": status,
        "amount": 1000,
        "currency": "EUR",
        "order_id": payment.order_id,
        "customer_id": payment.customer_id,
        "provider_payment_id": None if number == 1 else "fake_pi_1",
        "updated_at": payment.created_at + timedelta(seconds=number),
    }
    return Version(**fields | changes)


def an_exchange(**changes: Any) -> Exchange:
    """
    Return a request that went well.
    """
    fields: dict[str, Any] = {
        "caller": "alice",
        "route": "POST /api/payments",
        "status": 201,
        "body": '{"status":"Succeeded"}',
        "asked": "a",
        "key": "k",
        "traces": 2,
    }
    return Exchange(**fields | changes)


# ---------------------------------------------------------------- what is planted


def too_much_refunded(world: World) -> None:
    """
    A refund of more than was captured, at the provider and here.
    """
    refund = world.stored(world.paid).refunds[0]
    object_id = refund.provider_refund_id
    assert object_id
    changed = attrs.evolve(refund, amount=eur("11.00"))
    world.stored(world.paid).refunds[0] = changed
    provider = world.service.provider
    provider._refunds[object_id] = attrs.evolve(provider._refunds[object_id], amount=eur("11.00"))
    # Its status follows from its amounts, and what is told is what happened.
    world.stored(world.paid).status = PaymentStatus.REFUNDED
    _tell_otherwise(world, "IRefundIssued", "11.00")


def charged_twice(world: World) -> None:
    """
    Another object of the same payment took money before it was canceled.
    """
    provider = world.service.provider
    first = provider._payments[world.service.object_of(world.paid)]
    other = attrs.evolve(first, id="fake_pi_99", status=ProviderPaymentStatus.CANCELED)
    provider._payments[other.id] = other
    # Sums are of payments that stand still.
    world.stored(world.paid).updated_at = world.service.clock.now()


def second_object(world: World) -> None:
    """
    Another object of the same payment, that waits to be paid.
    """
    provider = world.service.provider
    first = provider._payments[world.service.object_of(world.ended)]
    other = attrs.evolve(first, id="fake_pi_99", status=ProviderPaymentStatus.REQUIRES_ACTION)
    provider._payments[other.id] = other


def refund_elsewhere(world: World) -> None:
    """
    A refund at the provider that came back, and that nobody here knows of.
    """
    provider = world.service.provider
    refund = provider.refund_outside(world.service.object_of(world.paid), eur("1.00"))
    provider.reverse(refund.id)


def end_not_told(world: World) -> None:
    """
    The end of a payment is gone from the outbox, and its number with it.
    """
    tables = world.service.database.tables
    gone = next(m for m in tables.outbox.values() if m.payment_id == world.failed.id)
    del tables.outbox[gone.id]
    world.evidence.written = [w for w in world.evidence.written if w.id != str(gone.id)]
    world.evidence.heard = [h for h in world.evidence.heard if h.id != str(gone.id)]


def refund_not_told(world: World) -> None:
    """
    A refund succeeded, and was told as another one.
    """
    tables = world.service.database.tables
    told = next(m for m in tables.outbox.values() if m.name == "IRefundIssued")
    refund = world.stored(world.paid).refunds[0]
    refused = attrs.evolve(told, id=uuid4(), name="IRefundFailed")
    del tables.outbox[told.id]
    tables.outbox[refused.id] = refused
    assert refund.status == "Succeeded"
    rename(world, told.id, refused.id)


def rename(world: World, before: UUID, after: UUID) -> None:
    """
    Let the record know a message by another id.
    """
    evidence = world.evidence
    evidence.written = [
        attrs.evolve(w, id=str(after)) if w.id == str(before) else w for w in evidence.written
    ]
    evidence.heard = [
        attrs.evolve(h, id=str(after)) if h.id == str(before) else h for h in evidence.heard
    ]


def invented_event(world: World) -> None:
    """
    An authorisation is told once more, of which the payment knows nothing.
    """
    tables = world.service.database.tables
    told = next(m for m in tables.outbox.values() if m.payment_id == world.held.id)
    again = attrs.evolve(told, id=uuid4(), sequence=2)
    tables.outbox[again.id] = again
    row = Written(str(again.id), again.order_id, again.sequence, again.body)
    world.evidence.written.append(row)
    world.evidence.heard.append(Heard(row.id, row.body))


def amount_told_wrong(world: World) -> None:
    """
    Other services are told that more was taken than was.
    """
    _tell_otherwise(world, "IPaymentSucceeded", "99.00")


def refund_told_wrong(world: World) -> None:
    """
    Other services are told that another amount went back than did.
    """
    _tell_otherwise(world, "IRefundIssued", "0.01")


def nothing_told(world: World) -> None:
    """
    What was to be told of a capture is overwritten with nonsense.
    """
    _tell(world, "IPaymentSucceeded", lambda _: "nonsense")


def _tell_otherwise(world: World, name: str, amount: str) -> None:
    _tell(world, name, lambda body: json.dumps({**json.loads(body), "amount": amount}))


def _tell(world: World, name: str, change: Callable[[str], str]) -> None:
    tables, evidence = world.service.database.tables, world.evidence
    told = next(m for m in tables.outbox.values() if m.name == name)
    body = change(told.body)
    tables.outbox[told.id] = attrs.evolve(told, body=body)
    about = str(told.id)
    evidence.written = [
        attrs.evolve(r, body=body) if r.id == about else r for r in evidence.written
    ]
    evidence.heard = [attrs.evolve(r, body=body) if r.id == about else r for r in evidence.heard]


def gap(world: World) -> None:
    """
    A number is missing among an order's messages.
    """
    tables = world.service.database.tables
    last = next(m for m in tables.outbox.values() if m.name == "IRefundIssued")
    tables.outbox[last.id] = attrs.evolve(last, sequence=3)


def heard_out_of_order(world: World) -> None:
    """
    The refund is heard before the payment.
    """
    heard = world.evidence.heard
    order = world.paid.order_id
    mine = [w.id for w in world.evidence.written if w.order_id == order]
    places = [n for n, h in enumerate(heard) if h.id in mine]
    heard[places[0]], heard[places[1]] = heard[places[1]], heard[places[0]]


def never_left(world: World) -> None:
    """
    A message waits for hours.
    """
    tables = world.service.database.tables
    message = next(iter(tables.outbox.values()))
    waiting = attrs.evolve(message, status=type(message.status).PENDING, published_at=None)
    tables.outbox[message.id] = waiting


def never_heard(world: World) -> None:
    """
    A message is marked as gone, and the broker never had it.
    """
    world.evidence.heard.pop()


def heard_without_commit(world: World) -> None:
    """
    The broker has a message that nobody committed.
    """
    world.evidence.heard.append(Heard(str(uuid4()), "{}"))


def accepted_and_lost(world: World) -> None:
    """
    A webhook was answered with 200 and is not there.
    """
    world.evidence.deliveries.append(Delivery("evt_lost", 200))


def webhook_forgotten(world: World) -> None:
    """
    A stored webhook is due for hours.
    """
    tables = world.service.database.tables
    key, event = next(iter(tables.webhooks.items()))
    status = WebhookStatus.RECEIVED
    tables.webhooks[key] = attrs.evolve(event, status=status, next_at=event.received_at)


def key_used_twice(world: World) -> None:
    """
    Two operations under one request key.
    """
    payment = world.stored(world.paid)
    payment.operations[0].request_key = payment.operations[1].request_key


def two_answers(world: World) -> None:
    """
    The same request under the same key was answered differently.
    """
    world.evidence.exchanges.append(an_exchange(body='{"status":"Failed"}'))


def key_reused(world: World) -> None:
    """
    Another request under the same key was carried out.
    """
    world.evidence.exchanges.append(an_exchange(asked="b"))


def impossible_status(world: World) -> None:
    """
    A payment of which a part went back calls itself refunded.
    """
    world.stored(world.paid).status = PaymentStatus.REFUNDED


def impossible_step(world: World) -> None:
    """
    A failed payment came back to life.
    """
    world.evidence.history[1] = a_version(world.paid, 2, "Failed")


def order_decides(world: World) -> None:
    """
    The same facts in another order ended otherwise.
    """
    world.evidence.endings["paid"] = {"Succeeded", "Failed"}


def forgotten_operation(world: World) -> None:
    """
    An operation has no answer, and nobody looks after it.
    """
    payment = world.stored(world.paid)
    payment.operations[1].state = OperationState.SENT


def forgotten_look(world: World) -> None:
    """
    An operation without an outcome was to be looked at hours ago.
    """
    operation = world.stored(world.paid).operations[1]
    operation.state = OperationState.UNKNOWN
    operation.next_at = operation.first_sent_at + timedelta(minutes=1)


def called_without_intent(world: World) -> None:
    """
    An object of ours at the provider that no operation asked for.
    """
    provider = world.service.provider
    object_id = world.service.object_of(world.held)
    provider.change(object_id, operation_id=uuid4())


def sent_before_commit(world: World) -> None:
    """
    The provider received a call whose operation was committed later.
    """
    call = world.evidence.calls[0]
    world.evidence.calls[0] = attrs.evolve(call, at=call.at - timedelta(minutes=5))


def old_key(world: World) -> None:
    """
    An operation was sent again after a day.
    """
    operation = world.stored(world.paid).operations[0]
    operation.last_sent_at = operation.first_sent_at + timedelta(hours=23)


def old_key_at_the_provider(world: World) -> None:
    """
    The provider received a call under a key of yesterday.
    """
    call = world.evidence.calls[0]
    world.evidence.calls.append(attrs.evolve(call, at=call.at + timedelta(hours=24)))


def failed_without_proof(world: World) -> None:
    """
    A failed payment's object could still be paid.
    """
    object_id = world.service.object_of(world.failed)
    status = ProviderPaymentStatus.REQUIRES_ACTION
    world.service.provider.change(object_id, status=status)


def failed_without_object(world: World) -> None:
    """
    A failed payment whose creation was never answered, and which names no object.
    """
    payment = world.stored(world.failed)
    payment.provider_payment_id = None
    del payment.operations[1:]
    payment.operations[0].state = OperationState.UNKNOWN


def amount_changed(world: World) -> None:
    """
    A payment is for another amount than the one that was asked for.
    """
    # The aggregate forbids it; the database's rows could say so all the same.
    object.__setattr__(world.stored(world.ended), "amount", eur("11.00"))


def customer_changed(world: World) -> None:
    """
    A payment changed hands.
    """
    last = world.evidence.history[-1]
    world.evidence.history[-1] = attrs.evolve(last, customer_id="mallory")


def card_number_kept(world: World) -> None:
    """
    A card number stands in a message.
    """
    tables = world.service.database.tables
    message = next(m for m in tables.outbox.values() if m.payment_id == world.failed.id)
    body = json.dumps({**json.loads(message.body), "errorMessage": "4242424242424242"})
    tables.outbox[message.id] = attrs.evolve(message, body=body)


def card_number_noted(world: World) -> None:
    """
    A card number stands in what a person wrote about a difference.
    """
    found = difference(
        *(world.failed.id, DiscrepancyKind.AMOUNT_MISMATCH, NOW),
        provider_object_id="pi_1",
        local_value="a",
        provider_value="b",
    )
    tables = world.service.database.tables
    # Under the id of something that was told: that it was is another promise.
    told = next(m.id for m in tables.outbox.values() if m.payment_id == world.failed.id)
    closed = attrs.evolve(found, id=told).close("anna", "4242424242424242", NOW)
    tables.discrepancies[told] = closed


def secret_logged(world: World) -> None:
    """
    A key stands in the log.
    """
    world.evidence.log.append("asked with sk_test_abcdefgh")  # pragma: allowlist secret


def refused_with_traces(world: World) -> None:
    """
    A request that was refused at the door wrote something.
    """
    world.evidence.exchanges.append(an_exchange(status=403, key=None, traces=1))


def error_of_its_own(world: World) -> None:
    """
    The API failed although everything was there.
    """
    world.evidence.exchanges.append(an_exchange(status=500, key=None, traces=0))


def balance_apart(world: World) -> None:
    """
    A refund here that the provider never made.
    """
    provider = world.service.provider
    refund = world.stored(world.paid).refunds[0]
    assert refund.provider_refund_id
    del provider._refunds[refund.provider_refund_id]


def version_missing(world: World) -> None:
    """
    A payment that was never committed by us.
    """
    world.stored(world.paid).version = 0


def version_skipped(world: World) -> None:
    """
    A version was passed over.
    """
    last = world.evidence.history[-1]
    world.evidence.history[-1] = attrs.evolve(last, version=last.version + 1)


def seen_by_others(world: World) -> None:
    """
    Somebody read a payment of somebody else's.
    """
    world.evidence.exchanges.append(an_exchange(status=200, key=None, may_see=False))


def reconciled_twice(world: World) -> None:
    """
    The second of two runs changed something.
    """
    world.evidence.second_run = 1


MUTANTS: Final[list[tuple[str, Callable[[World], None]]]] = [
    ("I1", too_much_refunded),
    ("I2", charged_twice),
    ("I3", second_object),
    ("I4", refund_elsewhere),
    ("I5", end_not_told),
    ("I6", refund_not_told),
    ("I7", invented_event),
    ("I7", amount_told_wrong),
    ("I7", refund_told_wrong),
    ("I7", nothing_told),
    ("I8", gap),
    ("I8", heard_out_of_order),
    ("I9", never_left),
    ("I9", never_heard),
    ("I10", heard_without_commit),
    ("I11", accepted_and_lost),
    ("I12", webhook_forgotten),
    ("I13", key_used_twice),
    ("I13", two_answers),
    ("I14", key_reused),
    ("I15", impossible_status),
    ("I15", impossible_step),
    ("I16", order_decides),
    ("I17", forgotten_operation),
    ("I17", forgotten_look),
    ("I18", called_without_intent),
    ("I18", sent_before_commit),
    ("I19", old_key),
    ("I19", old_key_at_the_provider),
    ("I20", failed_without_proof),
    ("I20", failed_without_object),
    ("I21", amount_changed),
    ("I21", customer_changed),
    ("I22", card_number_kept),
    ("I22", card_number_noted),
    ("I22", secret_logged),
    ("I23", refused_with_traces),
    ("I24", error_of_its_own),
    ("I25", balance_apart),
    ("I26", version_missing),
    ("I26", version_skipped),
    ("I27", seen_by_others),
    ("I28", reconciled_twice),
]


def test_nothing_is_found_where_nothing_is_broken() -> None:
    """
    A service that did a bit of everything breaks no promise.
    """
    assert World().violations() == []


@pytest.mark.parametrize(
    ("invariant", "plant"), MUTANTS, ids=[f"{i}-{m.__name__}" for i, m in MUTANTS]
)
def test_each_planted_violation_is_seen(invariant: str, plant: Callable[[World], None]) -> None:
    """
    What is planted is seen, as what it is, and nothing else is.
    """
    world = World()
    plant(world)

    assert names(world.violations()) == {invariant}


@pytest.mark.parametrize(("hours", "seen"), [(22, ["I19"]), (24, [])])
def test_a_key_may_be_as_old_as_the_policy_says(hours: int, seen: list[str]) -> None:
    """
    The checker judges the age of keys by the setting that recovery obeys.
    """
    world = World()
    old_key(world)
    policy = Policy(key_life=timedelta(hours=hours))
    service = world.service
    records = InMemoryRecordQueries(service.database)
    verify = VerifyPayments(records, {}, service.clock, policy)
    report = verify.execute(VerifyPaymentsCommand(grace=GRACE))

    assert list(report.counts) == seen


def test_every_invariant_is_broken_once() -> None:
    """
    There are 28 invariants; each is planted, and judged where its table says it can be seen.
    """
    planted = {invariant for invariant, _ in MUTANTS}
    by_proof = {i.id for i in INVARIANTS.values() if Sight.PROOF in i.seen}

    assert list(INVARIANTS) == [f"I{n}" for n in range(1, 29)]
    assert planted == set(INVARIANTS)
    assert set(CHECKS) == by_proof
