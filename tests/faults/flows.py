"""
What the process under a fault does: each write to the provider, and each thing of the worker.
"""

import json
from abc import abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import attrs
from typing_extensions import override

from payments_core.application.cancel_payment import CancelPaymentCommand
from payments_core.application.capture_payment import CapturePaymentCommand
from payments_core.application.confirm_payment import ConfirmPaymentCommand
from payments_core.application.create_payment import CreatePaymentCommand
from payments_core.application.received import ReceivedMessage
from payments_core.application.reconcile_payments import ReconcileCommand
from payments_core.application.refund_payment import RefundPaymentCommand
from payments_core.domain.money import Money
from payments_core.domain.requests import CaptureMethod
from payments_core.ports.queries import PaymentView
from tests.faults.world import World

AMOUNT: Final = Money.parse("10.00", "EUR")
VISA: Final = "pm_card_visa"
DECLINED: Final = "pm_card_visa_chargeDeclined"
THREE_D: Final = "pm_card_threeDSecure2Required"


@attrs.frozen
class Subject:
    """
    What a case is about.

    Attributes:
        event: The provider's event, where one is delivered.
    """

    order_id: UUID
    payment_id: UUID | None = None
    event: Mapping[str, Any] | None = None


class Flow(Protocol):
    """
    Something that is done, and may be done again by whoever got no answer.
    """

    def prepare(self, world: World, order_id: UUID) -> Subject:
        """
        Bring about what it needs.
        """
        del world
        return Subject(order_id)

    def after(self, world: World, subject: Subject) -> None:
        """
        Do what others do meanwhile.
        """
        del world, subject

    @abstractmethod
    def act(self, world: World, subject: Subject) -> object:
        """
        Do it; doing it twice is doing it once. Return the answer, where a caller gets one.
        """


def take(world: World, order_id: UUID, method: str | None, *, manual: bool) -> PaymentView:
    """
    Take a payment under a key.
    """
    command = CreatePaymentCommand(
        order_id=order_id,
        customer_id="alice",
        amount=AMOUNT,
        provider="stripe",
        capture_method=CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC,
        payment_method_id=method,
        return_url="http://localhost/done" if method else None,
        idempotency_key=f"create {order_id}",
    )
    return world.container.create_payment().execute(command).payment


def create(world: World, order_id: UUID, method: str | None, *, manual: bool = False) -> UUID:
    """
    Take a payment, and return its id.
    """
    return take(world, order_id, method, manual=manual).id


@attrs.frozen
class Create(Flow):
    """
    A payment is taken, with one method or another.
    """

    method: str | None = VISA

    @override
    def act(self, world: World, subject: Subject) -> object:
        return take(world, subject.order_id, self.method, manual=False)


@attrs.frozen
class Asked(Flow):
    """
    Something is asked of a payment that is there.
    """

    method: str | None = VISA
    manual: bool = False

    @override
    def prepare(self, world: World, order_id: UUID) -> Subject:
        return Subject(order_id, create(world, order_id, self.method, manual=self.manual))


def _id(subject: Subject) -> UUID:
    assert subject.payment_id is not None
    return subject.payment_id


class Confirm(Asked):
    """
    A payment is confirmed by the server.
    """

    @override
    def act(self, world: World, subject: Subject) -> object:
        command = ConfirmPaymentCommand(
            payment_id=_id(subject),
            payment_method_id=VISA,
            return_url="http://localhost/done",
            idempotency_key=f"confirm {subject.order_id}",
        )
        return world.container.confirm_payment().execute(command)


class Capture(Asked):
    """
    What is authorised is captured.
    """

    @override
    def act(self, world: World, subject: Subject) -> object:
        command = CapturePaymentCommand(
            payment_id=_id(subject), idempotency_key=f"capture {subject.order_id}"
        )
        return world.container.capture_payment().execute(command)


class Cancel(Asked):
    """
    What is authorised is let go.
    """

    @override
    def act(self, world: World, subject: Subject) -> object:
        command = CancelPaymentCommand(
            payment_id=_id(subject), idempotency_key=f"cancel {subject.order_id}"
        )
        return world.container.cancel_payment().execute(command)


class Refund(Asked):
    """
    A part of what was captured goes back.
    """

    @override
    def act(self, world: World, subject: Subject) -> object:
        command = RefundPaymentCommand(
            payment_id=_id(subject),
            request_key="refund",
            idempotency_key=f"refund {subject.order_id}",
            amount=Money.parse("4.00", "EUR"),
        )
        return world.container.refund_payment().execute(command)


class Webhook(Flow):
    """
    The customer approves, and the provider tells.
    """

    @override
    def prepare(self, world: World, order_id: UUID) -> Subject:
        payment_id = create(world, order_id, THREE_D)
        view = world.container.get_payment().execute(payment_id)
        world.control("POST", f"payment_intents/{view.provider_payment_id}/approve")
        event = next(
            e
            for e in world.events()
            if e["type"] == "payment_intent.succeeded"
            and e["data"]["object"]["id"] == view.provider_payment_id
        )
        return Subject(order_id, payment_id, event)

    @override
    def act(self, world: World, subject: Subject) -> None:
        assert subject.event is not None
        world.deliver(subject.event)


class StoredWebhook(Webhook):
    """
    An event is stored, and the worker comes to it.
    """

    @override
    def prepare(self, world: World, order_id: UUID) -> Subject:
        subject = super().prepare(world, order_id)
        world.fault(kind="error_500", operation="payment_intents.retrieve")
        Webhook.act(self, world, subject)
        world.advance(60)
        return subject

    @override
    def act(self, world: World, subject: Subject) -> None:
        world.container.process_webhooks().execute()


class Message(Asked):
    """
    Another service asks by a message; the broker brings it until it is told not to.
    """

    @override
    def act(self, world: World, subject: Subject) -> None:
        body = {"paymentId": str(_id(subject))}
        message = ReceivedMessage(
            id=subject.order_id, endpoint="capture", name="CapturePaymentCommand", body=body
        )
        world.container.handle_message().execute(message, json.dumps(body))


class EarlyMessage(Message):
    """
    The message comes before there is anything to capture, and is kept until there is.
    """

    @override
    def after(self, world: World, subject: Subject) -> None:
        Confirm(None).act(world, subject)


class Relay(Asked):
    """
    What waits is carried to the broker.
    """

    @override
    def act(self, world: World, subject: Subject) -> None:
        world.container.relay_outbox().execute()


class Sweep(Flow):
    """
    A creation whose answer was lost is taken up.
    """

    @override
    def prepare(self, world: World, order_id: UUID) -> Subject:
        world.fault(kind="effect_then_reset", operation="payment_intents.create")
        payment_id = create(world, order_id, VISA)
        world.advance(61)
        return Subject(order_id, payment_id)

    @override
    def act(self, world: World, subject: Subject) -> None:
        world.container.resolve_operations().execute()


class Reconcile(Asked):
    """
    A refund that was made on the provider's pages is found by comparing, and taken over.
    """

    @override
    def prepare(self, world: World, order_id: UUID) -> Subject:
        subject = super().prepare(world, order_id)
        view = world.container.get_payment().execute(_id(subject))
        world.post("refunds", payment_intent=view.provider_payment_id, amount=300)
        world.advance(7200)
        return subject

    @override
    def act(self, world: World, subject: Subject) -> None:
        now = world.clock.now()
        command = ReconcileCommand(
            provider="stripe",
            window_start=now - timedelta(days=30),
            window_end=now,
        )
        world.container.reconcile_payments().execute(command)


FLOWS: Final[Mapping[str, Flow]] = {
    "create": Create(),
    "decline": Create(DECLINED),
    "confirm": Confirm(None),
    "capture": Capture(VISA, manual=True),
    "cancel": Cancel(VISA, manual=True),
    "refund": Refund(),
    "webhook": Webhook(),
    "stored-webhook": StoredWebhook(),
    "message": Message(VISA, manual=True),
    "early-message": EarlyMessage(None, manual=True),
    "relay": Relay(),
    "sweep": Sweep(),
    "reconcile": Reconcile(),
}
