"""
Ten thousand payments on both sides, and differences planted among them.

The provider's objects are copies of what the simulator itself made; the rows here are what the
aggregate writes. Each plant changes one payment, before it is written.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import attrs
import requests
from sqlalchemy import Engine, insert

from payments_core.contracts.converter import to_json
from payments_core.contracts.messages import message_of
from payments_core.domain.discrepancy import DiscrepancyKind, Repair
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.ids import new_payment_id
from payments_core.domain.operation import OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.settlement import Answer, apply
from payments_core.ports.outbox import OutboxStatus
from payments_core.testing.builders import a_fact, a_payment, a_refund_fact, eur
from payments_postgres.mapping import Snapshot, operation_rows, payment_row, refund_rows
from payments_postgres.tables import orders, outbox, payment_operations, payments, refunds
from stripe_simulator import Simulator

Json = dict[str, Any]
K, P = DiscrepancyKind, ProviderPaymentStatus
STATES: Final = (P.SUCCEEDED, P.SUCCEEDED, P.SUCCEEDED, P.REQUIRES_CAPTURE, P.CANCELED)


@attrs.define
class Pair:
    """
    One payment on both sides.
    """

    payment: Payment
    number: int
    intents: list[Json] = attrs.field(factory=list)
    charges: list[Json] = attrs.field(factory=list)
    refunds: list[Json] = attrs.field(factory=list)
    others: list[Json] = attrs.field(factory=list)
    unsent: bool = False
    untold: bool = False
    lie: bool = False

    @property
    def intent(self) -> Json:
        """
        The payment's own object.
        """
        return self.intents[0]

    @property
    def seconds(self) -> int:
        """
        When it was made, as Stripe says it.
        """
        return int(self.payment.created_at.timestamp())


class Templates:
    """
    What the simulator makes of a payment, to be copied.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.store = simulator._simulation.store
        session = requests.Session()
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {simulator.api_key}"

        def post(path: str, **form: object) -> Json:
            found: Json = session.post(f"{simulator.url}{path}", data=form, timeout=10).json()
            return found

        usual = {"currency": "eur", "confirm": "true", "return_url": "http://shop.example"}
        disputed = "pm_card_createDispute"
        paid = post("/v1/payment_intents", amount=1000, payment_method="pm_card_visa", **usual)
        post("/v1/refunds", payment_intent=paid["id"], amount=300)
        post("/v1/payment_intents", amount=1000, payment_method=disputed, **usual)
        self.intent = self._one("payment_intent", paid["id"])
        self.charge = self._one("charge", paid["latest_charge"])
        self.refund = self._only("refund")
        self.dispute = self._only("dispute")
        succeeded = self.store.select(
            "kind = ? AND type = ?", ("event", "payment_intent.succeeded")
        )
        self.event = succeeded[-1]
        # Cards and bookings stay: what is copied refers to them.
        for kind in ("payment_intent", "charge", "refund", "dispute", "event"):
            self.store.execute("DELETE FROM objects WHERE kind = ?", (kind,))
        self.store.execute("DELETE FROM timers")

    def _one(self, kind: str, identifier: str) -> Json:
        found = self.store.load(kind, identifier)
        assert found is not None
        return found

    def _only(self, kind: str) -> Json:
        return self.store.select("kind = ?", (kind,))[0]


def copied(template: Json, **changes: object) -> Json:
    """
    Return a copy with other values.
    """
    made: Json = json.loads(json.dumps(template))
    return made | changes


@attrs.frozen
class Field:
    """
    Makes payments with their objects.
    """

    templates: Templates
    start: datetime
    pause: timedelta

    def pair(self, number: int, status: ProviderPaymentStatus | None = None) -> Pair:
        """
        Return a payment on both sides, which say the same.
        """
        at = self.start + number * self.pause
        state = status or STATES[number % len(STATES)]
        payment = a_payment(payment_id=new_payment_id(at), provider="stripe", now=at)
        fact = a_fact(payment, state, id=f"pi_{number:012d}")
        apply(payment, Answer(payment=fact, operation_id=payment.operations[0].id), at, Policy())
        pair = Pair(payment, number)
        pair.intents.append(self.intent(pair, state))
        if state is P.SUCCEEDED and number % 5 == 1:
            refund = self.refund(pair)
            self.hear(pair, refund)
        return pair

    def intent(self, pair: Pair, state: ProviderPaymentStatus, **changes: object) -> Json:
        """
        Return the provider's object of a payment.
        """
        payment, taken = pair.payment, 1000 if state is P.SUCCEEDED else 0
        held = 1000 if state is P.REQUIRES_CAPTURE else 0
        ids = {"payment_id": str(payment.id), "operation_id": str(payment.operations[0].id)}
        fields: Json = {
            "id": f"pi_{pair.number:012d}",
            "created": pair.seconds,
            "status": state.value,
            "amount_received": taken,
            "amount_capturable": held,
            "latest_charge": f"ch_{pair.number:012d}",
            "metadata": ids,
        }
        return copied(self.templates.intent, **fields | changes)

    def charge(self, pair: Pair) -> Json:
        """
        Return the charge of a payment; only what is refunded or disputed needs one.
        """
        number = pair.number
        made = copied(
            self.templates.charge,
            id=f"ch_{number:012d}",
            payment_intent=f"pi_{number:012d}",
            created=pair.seconds,
            amount_refunded=0,
        )
        pair.charges[:] = [made]
        return made

    def refund(self, pair: Pair, status: str = "succeeded") -> Json:
        """
        Let the provider have a refund of a payment.
        """
        charge = self.charge(pair)
        made = copied(
            self.templates.refund,
            id=f"re_{pair.number:012d}",
            charge=charge["id"],
            payment_intent=pair.intent["id"],
            created=pair.seconds,
            status=status,
            metadata={},
        )
        pair.refunds.append(made)
        return made

    def hear(self, pair: Pair, refund: Json) -> None:
        """
        Let this service know of a refund.
        """
        payment, at = pair.payment, pair.payment.created_at
        fact = a_refund_fact(payment, eur("3.00"), id=refund["id"], created_at=at)
        apply(payment, Answer(refunds=(fact,)), at, Policy())


Plant = Callable[[Field, int], Pair]


def object_of_unknown_payment(field: Field, number: int) -> Pair:
    """
    An object bears the id of a payment that is not here.
    """
    pair = field.pair(number, P.SUCCEEDED)
    ids = {"payment_id": str(uuid4())}
    pair.intents.append(copied(pair.intent, id=f"pi_x{number:011d}", metadata=ids))
    return pair


def object_of_nobody(field: Field, number: int) -> Pair:
    """
    An object without our metadata.
    """
    pair = field.pair(number, P.SUCCEEDED)
    pair.intents.append(copied(pair.intent, id=f"pi_x{number:011d}", metadata={}))
    return pair


def answer_lost(field: Field, number: int) -> Pair:
    """
    A payment never learned of its own object.
    """
    pair = field.pair(number, P.SUCCEEDED)
    at = pair.payment.created_at
    fresh = a_payment(
        payment_id=pair.payment.id, order_id=pair.payment.order_id, provider="stripe", now=at
    )
    fresh.operations[0].resolve(OperationState.UNKNOWN, at)
    pair.payment = fresh
    return pair


def object_gone(field: Field, number: int) -> Pair:
    """
    The provider does not know the object.
    """
    pair = field.pair(number, P.SUCCEEDED)
    pair.intents.clear()
    return pair


def captured_unheard(field: Field, number: int) -> Pair:
    """
    The provider captured, and nobody told us.
    """
    pair = field.pair(number, P.REQUIRES_CAPTURE)
    pair.intents[0] = field.intent(pair, P.SUCCEEDED)
    return pair


def other_amount(field: Field, number: int) -> Pair:
    """
    The object is for another amount.
    """
    pair = field.pair(number, P.SUCCEEDED)
    pair.intent.update(amount=1100, amount_received=1100)
    return pair


def other_currency(field: Field, number: int) -> Pair:
    """
    The object is in another currency.
    """
    pair = field.pair(number, P.SUCCEEDED)
    pair.intent.update(currency="usd")
    return pair


def charged_twice(field: Field, number: int) -> Pair:
    """
    Two objects took money for one payment.
    """
    pair = field.pair(number, P.SUCCEEDED)
    pair.intents.append(copied(pair.intent, id=f"pi_y{number:011d}"))
    return pair


def paid_too_late(field: Field, number: int) -> Pair:
    """
    Money came after the end.
    """
    pair = field.pair(number, P.CANCELED)
    pair.intents[0] = field.intent(pair, P.SUCCEEDED)
    field.charge(pair)
    return pair


def refunded_elsewhere(field: Field, number: int) -> Pair:
    """
    A refund of which nothing is known here.
    """
    pair = field.pair(5 * (number // 5), P.SUCCEEDED)
    pair = attrs.evolve(pair, number=pair.number)
    field.refund(pair)
    return pair


def refund_gone(field: Field, number: int) -> Pair:
    """
    A refund that the provider does not know.
    """
    pair = refunded_elsewhere(field, number)
    field.hear(pair, pair.refunds[0])
    pair.refunds.clear()
    return pair


def refund_came_back(field: Field, number: int) -> Pair:
    """
    A refund failed late, and nobody told us.
    """
    pair = refunded_elsewhere(field, number)
    field.hear(pair, pair.refunds[0])
    pair.refunds[0].update(status="failed", failure_reason="lost_or_stolen_card")
    return pair


def disputed(field: Field, number: int) -> Pair:
    """
    The customer disputes the charge.
    """
    pair = field.pair(5 * (number // 5), P.SUCCEEDED)
    charge = field.charge(pair)
    pair.others.append(
        copied(
            field.templates.dispute,
            id=f"dp_{pair.number:012d}",
            charge=charge["id"],
            payment_intent=pair.intent["id"],
            created=pair.seconds,
        )
    )
    return pair


def refund_unanswered(field: Field, number: int) -> Pair:
    """
    Nobody knows whether a refund was made.
    """
    pair = field.pair(5 * (number // 5), P.SUCCEEDED)
    at = pair.payment.created_at
    _, operation = pair.payment.begin_refund(eur("2.00"), None, at, Policy())
    operation.resolve(OperationState.UNKNOWN, at)
    return pair


def event_lost(field: Field, number: int) -> Pair:
    """
    A webhook never arrived.
    """
    pair = field.pair(5 * (number // 5), P.SUCCEEDED)
    shown = {k: v for k, v in pair.intent.items() if not k.startswith("_")}
    pair.others.append(
        copied(
            field.templates.event,
            id=f"evt_{pair.number:012d}",
            created=pair.seconds,
            data={"object": shown},
        )
    )
    return pair


def message_waits(field: Field, number: int) -> Pair:
    """
    A message to the neighbours has not left.
    """
    pair = field.pair(5 * (number // 5), P.SUCCEEDED)
    pair.unsent = True
    return pair


def message_never_written(field: Field, number: int) -> Pair:
    """
    A message to the neighbours was never written.
    """
    pair = field.pair(5 * (number // 5), P.SUCCEEDED)
    pair.untold = True
    return pair


def neighbours_misled(field: Field, number: int) -> Pair:
    """
    The neighbours were told a failure that is none.
    """
    pair = field.pair(5 * (number // 5), P.SUCCEEDED)
    pair.lie = True
    return pair


PLANTS: Final[Mapping[Plant, tuple[DiscrepancyKind, Repair | None]]] = {
    object_of_unknown_payment: (K.MISSING_LOCAL, None),
    object_of_nobody: (K.MISSING_LOCAL, None),
    answer_lost: (K.MISSING_LOCAL, Repair.SETTLED),
    object_gone: (K.MISSING_PROVIDER, None),
    captured_unheard: (K.STATUS_MISMATCH, Repair.SETTLED),
    other_amount: (K.AMOUNT_MISMATCH, None),
    other_currency: (K.CURRENCY_MISMATCH, None),
    charged_twice: (K.DUPLICATE_CHARGE, None),
    paid_too_late: (K.LATE_SUCCESS, Repair.BEGUN),
    refunded_elsewhere: (K.REFUND_MISSING_LOCAL, Repair.SETTLED),
    refund_gone: (K.REFUND_MISSING_PROVIDER, None),
    refund_came_back: (K.REFUND_STATUS_MISMATCH, Repair.SETTLED),
    disputed: (K.DISPUTE_OPENED, None),
    refund_unanswered: (K.STUCK_OPERATION, None),
    event_lost: (K.WEBHOOK_GAP, Repair.STORED),
    message_waits: (K.EVENT_NOT_PUBLISHED, None),
    message_never_written: (K.EVENT_NOT_PUBLISHED, None),
    neighbours_misled: (K.EVENT_STATE_DRIFT, None),
}


def keep_here(engine: Engine, pairs: list[Pair]) -> None:
    """
    Write payments as the repositories would, many at once.
    """
    rows: dict[Any, list[Mapping[str, Any]]] = {
        payments: [payment_row(p.payment, Snapshot.of(p.payment), 1) for p in pairs],
        payment_operations: [row for p in pairs for row in _operations(p.payment)],
        refunds: [row for p in pairs for row in _refunds(p.payment)],
        orders: [{"order_id": p.payment.order_id, "event_seq": 9, "known": False} for p in pairs],
        outbox: [row for p in pairs for row in _messages(p)],
    }
    with engine.begin() as connection:
        for table, made in rows.items():
            for part in range(0, len(made), 1000):
                connection.execute(insert(table), made[part : part + 1000])


def _operations(payment: Payment) -> Iterator[Mapping[str, Any]]:
    yield from operation_rows(payment, [o.id for o in payment.operations])


def _refunds(payment: Payment) -> Iterator[Mapping[str, Any]]:
    yield from refund_rows(payment, [r.id for r in payment.refunds])


def _messages(pair: Pair) -> Iterator[Mapping[str, Any]]:
    told = [] if pair.untold else list(pair.payment.events)
    for number, event in enumerate(told, start=1):
        message = message_of(event)
        yield _row(pair, message.id, message.name, number, to_json(message.fields))
    if pair.lie:
        yield _row(pair, uuid4(), "IPaymentFailed", 8, "{}")


def _row(pair: Pair, message_id: UUID, name: str, number: int, body: str) -> Mapping[str, Any]:
    payment = pair.payment
    status = OutboxStatus.PARKED if pair.unsent else OutboxStatus.PUBLISHED
    return {
        "id": message_id,
        "order_id": payment.order_id,
        "payment_id": payment.id,
        "sequence": number,
        "name": name,
        "destination": name,
        "content_type": "application/json",
        "body": body,
        "created_at": payment.created_at,
        "status": status.value,
        "attempts": 0,
        "next_at": None,
        "published_at": None if pair.unsent else payment.created_at,
        "error": None,
    }


def keep_there(simulator: Simulator, pairs: list[Pair]) -> None:
    """
    Write objects into the simulator's store, oldest first, as it would have made them.
    """
    store = simulator._simulation.store
    with store.transaction():
        for pair in pairs:
            for made in (*pair.intents, *pair.charges, *pair.refunds, *pair.others):
                store.save(made["object"], made)
