"""
What a person can do about messages that do not leave.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import attrs

from payments_core.domain.actor import EMBEDDING, Actor
from payments_core.domain.errors import ConcurrentUpdate, InvalidState, NotFound
from payments_core.domain.ids import child_id
from payments_core.ports.audit import AuditEntry
from payments_core.ports.clock import IClock
from payments_core.ports.outbox import BLOCKING, OutboxMessage, OutboxStatus
from payments_core.ports.unit_of_work import UnitOfWorkFactory


@attrs.frozen
class ManageOutbox:
    """
    Shows what waits, sends it again, or lets its order go on without it.
    """

    unit_of_work: UnitOfWorkFactory
    clock: IClock

    def waiting(self, limit: int = 100) -> Sequence[OutboxMessage]:
        """
        Return what has not left, oldest first.
        """
        with self.unit_of_work() as uow:
            return uow.outbox.waiting(self.clock.now(), limit)

    def requeue(self, message_id: UUID, actor: Actor = EMBEDDING) -> OutboxMessage:
        """
        Let the relay try a message again now, as if it had never failed.

        Raises:
            NotFound: There is no such message.
            InvalidState: It does not wait.
        """
        return self._change(message_id, _requeued, "outbox.requeue", actor)

    def release(self, message_id: UUID, actor: Actor = EMBEDDING) -> OutboxMessage:
        """
        Give a message up: it is never sent, and its order's later ones go on.

        Raises:
            NotFound: There is no such message.
            InvalidState: It does not wait.
        """
        return self._change(message_id, _released, "outbox.release", actor)

    def _change(
        self,
        message_id: UUID,
        change: Callable[[OutboxMessage, datetime], OutboxMessage],
        action: str,
        actor: Actor,
    ) -> OutboxMessage:
        now = self.clock.now()
        with self.unit_of_work() as uow:
            before = uow.outbox.find(message_id)
            if before is None:
                raise NotFound(f"There is no message {message_id}")
            if before.status not in BLOCKING:
                raise InvalidState(f"Message {message_id} is {before.status} and does not wait")
            after = change(before, now)
            if not uow.outbox.replace(before, after):
                raise ConcurrentUpdate("A relay took the message this moment; look again")
            uow.audit.add(_entry(before, after, action, actor, now))
            uow.commit()
        return after


def _requeued(message: OutboxMessage, now: datetime) -> OutboxMessage:
    return attrs.evolve(message, status=OutboxStatus.PENDING, attempts=0, next_at=now, error=None)


def _released(message: OutboxMessage, _: datetime) -> OutboxMessage:
    return attrs.evolve(message, status=OutboxStatus.RELEASED, next_at=None)


def _entry(
    before: OutboxMessage, after: OutboxMessage, action: str, actor: Actor, now: datetime
) -> AuditEntry:
    return AuditEntry(
        id=child_id(after.id, action, now.isoformat()),
        at=now,
        actor=actor,
        action=action,
        payment_id=after.payment_id,
        about=f"message {after.id}",
        before=before.status,
        after=after.status,
    )
