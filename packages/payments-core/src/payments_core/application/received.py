"""
A message from another service, and the transactions that are its one effect.
"""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import attrs
from typing_extensions import override

from payments_core.domain.actor import Actor, Channel
from payments_core.domain.errors import CurrencyMismatch, PaymentsError
from payments_core.ports.clock import IClock
from payments_core.ports.outbox import Cause
from payments_core.ports.queries import PaymentView
from payments_core.ports.unit_of_work import IUnitOfWork, UnitOfWorkFactory


@attrs.frozen(kw_only=True)
class ReceivedMessage:
    """
    A message that was read.

    Attributes:
        id: Stays the same however often it is delivered.

        endpoint: The queue that it came to.

        name: Which of our messages it is, without namespace.

        source: The address of whoever sent it, as it says.

        cause: What is told because of it names this.
    """

    id: UUID
    endpoint: str
    name: str
    body: Mapping[str, Any]
    source: str = ""
    cause: Cause = attrs.field(factory=Cause)

    @property
    def actor(self) -> Actor:
        """
        Who asks by it.
        """
        return Actor(
            channel=Channel.QUEUE,
            issuer=self.source,
            subject=str(self.id),
            client=self.endpoint,
            request_id=str(self.id),
        )


def require_currency(named: str | None, payment: PaymentView) -> None:
    """
    Return unless a message names another currency than the payment's.

    Raises:
        CurrencyMismatch: It does: whoever sent it means another amount than would be moved.
    """
    own = payment.amount.currency
    if named and named.upper() != own:
        raise CurrencyMismatch(f"The payment is in {own}; send its amount in that, or no currency")


class AlreadyHandled(PaymentsError):
    """
    The message had its effect before.
    """

    code = "message_already_handled"


class Effect:
    """
    Gives units of work whose first commit also notes that the message was handled.

    So the note and the effect are kept together or not at all, and no use case has to know.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, message: ReceivedMessage, clock: IClock
    ) -> None:
        self._unit_of_work = unit_of_work
        self._message = message
        self._clock = clock
        self._noted = False

    def __call__(self) -> IUnitOfWork:
        """
        Return a unit of work.

        Entering it raises `AlreadyHandled` if the message had its effect before.
        """
        return _EffectUnitOfWork(self._unit_of_work(), self._begin, self._committed)

    def finish(self) -> None:
        """
        Note the message as handled if nothing had to be changed for it.
        """
        if not self._noted:
            with self() as uow:
                uow.commit()

    def _begin(self, uow: IUnitOfWork) -> None:
        uow.outbox.cause = self._message.cause
        if self._noted:
            return
        if not uow.inbox.handle(self._message.endpoint, self._message.id, self._clock.now()):
            raise AlreadyHandled(f"Message {self._message.id} was handled before")

    def _committed(self) -> None:
        self._noted = True


class _EffectUnitOfWork(IUnitOfWork):
    def __init__(
        self,
        inner: IUnitOfWork,
        begin: Callable[[IUnitOfWork], None],
        committed: Callable[[], None],
    ) -> None:
        self._inner = inner
        self._begin = begin
        self._committed = committed

    @override
    def __enter__(self) -> Self:
        inner = self._inner.__enter__()
        try:
            self._begin(inner)
        except BaseException as error:
            inner.__exit__(type(error), error, error.__traceback__)
            raise
        self.payments = inner.payments
        self.webhooks = inner.webhooks
        self.discrepancies = inner.discrepancies
        self.orders = inner.orders
        self.outbox = inner.outbox
        self.inbox = inner.inbox
        self.audit = inner.audit
        self.reconciliations = inner.reconciliations
        self.idempotency = inner.idempotency
        return self

    @override
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._inner.__exit__(exc_type, exc, traceback)

    @override
    def commit(self) -> None:
        self._inner.commit()
        self._committed()
