"""
Acting on stored webhooks: the event says which object, the provider says its state.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import attrs

from payments_core.application.look import shown
from payments_core.application.operations import Operations
from payments_core.application.settle import settle
from payments_core.application.stopping import GoOn, always
from payments_core.domain.errors import PaymentsError
from payments_core.domain.operation import Operation
from payments_core.domain.payment import Payment
from payments_core.domain.settlement import Answer
from payments_core.ports.audit import AuditEntry
from payments_core.ports.faults import faultpoint
from payments_core.ports.provider import NoticeTopic
from payments_core.ports.unit_of_work import IUnitOfWork
from payments_core.ports.webhooks import WebhookEvent, WebhookStatus

_log = logging.getLogger(__name__)

Record = Callable[[WebhookEvent, datetime], AuditEntry]


@attrs.frozen
class ProcessWebhooks:
    """
    Settles payments by the events in the inbox.

    Attributes:
        lease: How long one claim keeps other workers away from an event.

        give_up_after: How long an event is tried before it is DEAD, and how often at least:
            a worker that was away for long has tried nothing.
    """

    operations: Operations
    lease: timedelta = timedelta(seconds=60)
    give_up_after: timedelta = timedelta(hours=24)
    tries: int = 10

    def execute(self, limit: int = 50, go_on: GoOn = always) -> int:
        """
        Process what is due, and return how many events that were.

        One is claimed at a time: who is stopped, or waits for a slow provider, keeps none
        of them from others.
        """
        done = 0
        while done < limit and go_on() and (due := self._claim()):
            self.one(due[0])
            done += 1
        return done

    def _claim(self) -> Sequence[WebhookEvent]:
        now = self.operations.clock.now()
        with self.operations.unit_of_work() as uow:
            due = uow.webhooks.claim(now, now + self.lease, 1)
            faultpoint("webhook.claim.precommit")
            uow.commit()
        faultpoint("webhook.claim.commit")
        return due

    def one(self, event: WebhookEvent) -> WebhookEvent:
        """
        Process one stored event, and return what became of it.

        Whatever fails is tried again later; only a database that is gone raises.
        """
        try:
            answer = self.ask(event)
            faultpoint("webhook.ask.after")
            return self.settle(event, answer)
        except PaymentsError as error:
            why = f"{error.code}: {error}"
        except Exception as error:  # noqa: BLE001 - one event's mistake must not stop the rest
            # A mistake of ours: the event is safe, and the others must not wait for it.
            _log.exception("Webhook event %s could not be processed", event.event_id)
            why = f"unexpected: {type(error).__name__}"
        event = self._later(event, WebhookStatus.RECEIVED, why)
        with self.operations.unit_of_work() as uow:
            uow.webhooks.save(event)
            uow.commit()
        return event

    def ask(self, event: WebhookEvent) -> Answer:
        """
        Read the object that an event names, as the provider has it now.

        Raises:
            ProviderError: It cannot be read.
        """
        assert event.provider_payment_id is not None
        provider = self.operations.provider(event.provider)
        faultpoint("webhook.ask.before")
        refunds = event.topic is NoticeTopic.REFUND
        return shown(provider, event.provider_payment_id, refunds=refunds)

    def settle(
        self, event: WebhookEvent, answer: Answer, record: Record | None = None
    ) -> WebhookEvent:
        """
        Apply what was read, send what follows from it, and return what became of the event.

        Args:
            record: Makes what the audit log says, where a person wants this; of the event
                after it, and the moment.
        """
        following: Sequence[Operation] = ()
        now, policy = self.operations.clock.now(), self.operations.policy
        with self.operations.unit_of_work() as uow:
            payment = payment_of(uow, event, answer)
            if payment:
                following = settle(uow, payment, answer, now, policy)
            faultpoint("webhook.settled")
            event = self.after(event, answer, payment)
            uow.webhooks.save(event)
            if record:
                uow.audit.add(record(event, now))
            faultpoint("webhook.apply.precommit")
            uow.commit()
        faultpoint("webhook.apply.commit")
        if payment:
            for operation in following:
                self.operations.perform(payment, operation)
        return event

    def after(self, event: WebhookEvent, answer: Answer, payment: Payment | None) -> WebhookEvent:
        """
        Return an event with what becomes of it by an answer.
        """
        if payment:
            return _done(event, WebhookStatus.PROCESSED, payment)
        if answer.payment and answer.payment.payment_id:
            return self._later(event, WebhookStatus.PARKED, "The payment is not there yet")
        return _done(event, WebhookStatus.IGNORED)

    def _later(self, event: WebhookEvent, status: WebhookStatus, error: str) -> WebhookEvent:
        now = self.operations.clock.now()
        old = now - event.received_at >= self.give_up_after
        over = old and event.attempts + 1 >= self.tries
        wait = timedelta(seconds=min(5 * 2 ** min(event.attempts, 8), 900))
        if over:
            _log.error("webhook_dead: event %s is given up: %s", event.event_id, error)
        return attrs.evolve(
            event,
            status=WebhookStatus.DEAD if over else status,
            attempts=event.attempts + 1,
            next_at=None if over else now + wait,
            error=error,
        )


def payment_of(uow: IUnitOfWork, event: WebhookEvent, answer: Answer) -> Payment | None:
    """
    Return the payment that an answer is about, locked, or None if there is none here.
    """
    fact = answer.payment
    assert fact is not None
    if fact.payment_id:
        return uow.payments.get(fact.payment_id)
    return uow.payments.find(event.provider, fact.id)


def _done(
    event: WebhookEvent, status: WebhookStatus, payment: Payment | None = None
) -> WebhookEvent:
    return attrs.evolve(
        event,
        status=status,
        payment_id=payment.id if payment else None,
        attempts=event.attempts + 1,
        next_at=None,
        error=None,
    )
