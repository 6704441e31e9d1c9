"""
Processing a stored webhook once more because a person wants it, and seeing before what it would do.
"""

from collections.abc import Sequence
from typing import Final

import attrs

from payments_core.application.audit import about_webhook
from payments_core.application.process_webhooks import ProcessWebhooks, payment_of
from payments_core.contracts.messages import message_of
from payments_core.domain.actor import EMBEDDING, Actor
from payments_core.domain.errors import InvalidState, NotFound
from payments_core.domain.operation import Operation
from payments_core.domain.payment import Payment
from payments_core.domain.settlement import Answer, apply
from payments_core.ports.queries import PaymentView
from payments_core.ports.webhook_queries import (
    IWebhookQueries,
    WebhookCursor,
    WebhookFilter,
    WebhookPage,
)
from payments_core.ports.webhooks import WebhookEvent, WebhookStatus

ACTION: Final = "webhook.replay"

_SHOWN: Final = (
    *("status", "authorized", "captured", "refunded", "failure"),
    *("provider_payment_id", "provider_status", "unresolved_operations"),
)


@attrs.frozen
class Change:
    """
    A fact of a payment that becomes another, both as text; empty for none.
    """

    name: str
    before: str
    after: str


@attrs.frozen(kw_only=True)
class ReplayPreview:
    """
    What processing an event now would do.

    Attributes:
        status: What would become of the event.

        payment: The payment as it is; None if there is none.

        tells: The events that other services would be told, by their names.

        discrepancies: The kinds of those that would be found.

        sends: What the provider would be asked for because of it, such as ``refund 10.00 EUR``.
    """

    event: WebhookEvent
    status: WebhookStatus
    payment: PaymentView | None = None
    changes: Sequence[Change] = ()
    tells: Sequence[str] = ()
    discrepancies: Sequence[str] = ()
    sends: Sequence[str] = ()


@attrs.frozen
class ListWebhooks:
    """
    Shows what the provider told, the last received first.
    """

    queries: IWebhookQueries

    def execute(
        self, wanted: WebhookFilter, limit: int, after: WebhookCursor | None = None
    ) -> WebhookPage:
        """
        Return up to `limit` events from the cursor on.
        """
        return self.queries.list(wanted, limit, after)

    def one(self, provider: str, event_id: str) -> WebhookEvent:
        """
        Return one event.

        Raises:
            NotFound: None is stored under that id.
        """
        event = self.queries.find(provider, event_id)
        if event is None:
            raise NotFound(f"No event {event_id} of {provider} is stored")
        return event


@attrs.frozen
class ReplayWebhook:
    """
    Reads the object of a stored event afresh, and settles by it.

    Whatever an event says, the provider's object decides: so replaying any event, in any
    order and any number of times, leads to the same payment.
    """

    process: ProcessWebhooks
    webhooks: ListWebhooks

    def preview(self, provider: str, event_id: str) -> ReplayPreview:
        """
        Return what `execute` would do now. One read at the provider; nothing is written.

        Raises:
            NotFound: None is stored under that id.
            InvalidState: It is about no payment.
            ProviderError: Its object cannot be read.
        """
        event = self._event(provider, event_id)
        answer = self.process.ask(event)
        with self.process.operations.unit_of_work() as uow:
            payment = payment_of(uow, event, answer)
        # Applied to a copy that is thrown away: the unit of work has ended without a commit.
        after = self.process.after(event, answer, payment)
        return self._applied(event, after, answer, payment)

    def execute(self, provider: str, event_id: str, actor: Actor = EMBEDDING) -> WebhookEvent:
        """
        Process an event now, and return what became of it.

        Raises:
            NotFound: None is stored under that id.
            InvalidState: It is about no payment.
            ProviderError: Its object cannot be read; the event stays as it was.
        """
        event = self._event(provider, event_id)
        answer = self.process.ask(event)
        return self.process.settle(
            event,
            answer,
            lambda after, now: about_webhook(after, ACTION, actor, now, event.status),
        )

    def _event(self, provider: str, event_id: str) -> WebhookEvent:
        event = self.webhooks.one(provider, event_id)
        if event.provider_payment_id is None:
            raise InvalidState(f"Event {event_id} ({event.type}) is about no payment")
        return event

    def _applied(
        self, event: WebhookEvent, after: WebhookEvent, answer: Answer, payment: Payment | None
    ) -> ReplayPreview:
        if payment is None:
            return ReplayPreview(event=event, status=after.status)
        operations = self.process.operations
        before = PaymentView.of(payment)
        following = apply(payment, answer, operations.clock.now(), operations.policy)
        return ReplayPreview(
            event=event,
            status=after.status,
            payment=before,
            changes=_changes(before, PaymentView.of(payment)),
            tells=[message_of(event).name for event in payment.events],
            discrepancies=[d.kind for d in payment.discrepancies],
            sends=[_words(o) for o in following],
        )


def _changes(before: PaymentView, after: PaymentView) -> Sequence[Change]:
    pairs = ((name, _text(getattr(before, name)), _text(getattr(after, name))) for name in _SHOWN)
    return [Change(*pair) for pair in pairs if pair[1] != pair[2]]


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _words(operation: Operation) -> str:
    amount = getattr(operation.request, "amount", None)
    return f"{operation.kind} {amount}" if amount else str(operation.kind)
