"""
Carrying messages from the outbox to the broker, each order's in their order.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from payments_core.ports.clock import IClock
from payments_core.ports.correlation import correlated
from payments_core.ports.faults import faultpoint
from payments_core.ports.outbox import OutboxMessage, OutboxStatus
from payments_core.ports.publisher import (
    IEventPublisher,
    MessageRefused,
    PublishError,
    Unroutable,
)
from payments_core.ports.unit_of_work import UnitOfWorkFactory

_log = logging.getLogger(__name__)

Trouble = tuple[str, str | None]
"""
The name of messages that wait, and why they do.
"""


@attrs.frozen
class RelayPolicy:
    """
    How the relay carries messages from the outbox to the broker.

    Attributes:
        expected: Messages that somebody must hear; without a reader they wait. Others are
            marked as sent when nobody listens.

        lease: How long one claim keeps other relays away; far longer than the publisher's
            deadline, so that only a relay that hangs or is gone loses its claim.

        batch: At most so many orders at once.

        park_after: A message that the broker refused so often is left to a person.

        late_after: What waits longer is reported.
    """

    expected: tuple[str, ...] = ("IPaymentSucceeded", "IPaymentFailed")
    lease: timedelta = timedelta(seconds=30)
    batch: int = 200
    park_after: int = 10
    late_after: timedelta = timedelta(minutes=1)


@attrs.frozen
class RelayOutbox:
    """
    Publishes what waits. Any number may run at once; none waits for another.

    No transaction is open while it publishes. If it dies in between, what it held is
    published again by another: the same bytes under the same id.
    """

    unit_of_work: UnitOfWorkFactory
    publisher: IEventPublisher
    clock: IClock
    policy: RelayPolicy = RelayPolicy()
    _told: set[Trouble] = attrs.field(factory=set, init=False, eq=False, repr=False)

    def execute(self) -> int:
        """
        Publish the first message of each order that waits; return how many left.
        """
        try:
            self.publisher.ping()
        except PublishError:
            return 0
        until = self.clock.now() + self.policy.lease
        claimed = self._claim(until)
        if not claimed or self.clock.now() >= until:
            return 0
        faultpoint("relay.publish.before")
        results = self.publisher.publish(claimed)
        faultpoint("relay.publish.after")
        return self._record(claimed, results)

    def _claim(self, until: datetime) -> Sequence[OutboxMessage]:
        with self.unit_of_work() as uow:
            claimed = uow.outbox.claim(until - self.policy.lease, until, self.policy.batch)
            faultpoint("relay.claim.precommit")
            uow.commit()
        faultpoint("relay.claim.commit")
        return claimed

    def _record(
        self, claimed: Sequence[OutboxMessage], results: Iterable[PublishError | None]
    ) -> int:
        now = self.clock.now()
        troubles: list[OutboxMessage] = []
        gone: dict[OutboxStatus, list[OutboxMessage]] = {s: [] for s in _GONE}
        with self.unit_of_work() as uow:
            for message, error in zip(claimed, results, strict=True):
                after = self._after(message, error, now)
                if after.status in gone:
                    gone[after.status].append(message)
                elif uow.outbox.replace(message, after):
                    troubles.append(after)
            for status, messages in gone.items():
                uow.outbox.sent(messages, status, now)
            faultpoint("relay.mark.precommit")
            uow.commit()
        faultpoint("relay.mark.commit")
        self._report({m.name for m in claimed}, troubles)
        _tell(gone)
        return sum(map(len, gone.values()))

    def _after(
        self, message: OutboxMessage, error: PublishError | None, now: datetime
    ) -> OutboxMessage:
        if error is None:
            return attrs.evolve(message, status=OutboxStatus.PUBLISHED)
        if isinstance(error, Unroutable) and message.name not in self.policy.expected:
            return attrs.evolve(message, status=OutboxStatus.UNROUTED)
        # A connection, a timeout or a missing reader says nothing against the message.
        attempts = message.attempts + isinstance(error, MessageRefused)
        parked = attempts >= self.policy.park_after
        return attrs.evolve(
            message,
            status=OutboxStatus.PARKED if parked else OutboxStatus.PENDING,
            attempts=attempts,
            next_at=None if parked else now + _wait(message, error),
            error=f"{error.code}: {error}",
        )

    def _report(self, names: Collection[str], troubles: Sequence[OutboxMessage]) -> None:
        """
        Name each parked message; of others, which may be many, one of each trouble that is new.

        What still waits is no news: late messages are reported for as long as there are some.
        """
        parked = [m for m in troubles if m.status is OutboxStatus.PARKED]
        waiting = {(m.name, m.error): m for m in troubles if m.status is not OutboxStatus.PARKED}
        for trouble in waiting.keys() - self._told:
            number = sum(1 for m in troubles if (m.name, m.error) == trouble)
            name, error = trouble
            _log.warning("%s: %d wait, such as %s: %s", name, number, waiting[trouble].id, error)
        self._told.difference_update([trouble for trouble in self._told if trouble[0] in names])
        self._told.update(waiting)
        for message in parked:
            with correlated(message.correlation):
                _log.error(
                    "%s %s is parked and holds up order %s: %s",
                    *(message.name, message.id, message.order_id, message.error),
                )


@attrs.frozen
class ReportLateMessages:
    """
    Tells whoever watches the log which messages should have left and have not.
    """

    unit_of_work: UnitOfWorkFactory
    clock: IClock
    policy: RelayPolicy = RelayPolicy()

    def execute(self, limit: int = 20) -> int:
        """
        Log each late message; return 0, since the next look is not urgent.
        """
        with self.unit_of_work() as uow:
            late = uow.outbox.waiting(self.clock.now() - self.policy.late_after, limit)
        for message in late:
            with correlated(message.correlation):
                _log.error(
                    "%s %s of order %s has waited since %s (%s, %s); see `payments outbox list`",
                    *(message.name, message.id, message.order_id, message.created_at),
                    *(message.status, message.error or "no error"),
                )
        return 0


_GONE = (OutboxStatus.PUBLISHED, OutboxStatus.UNROUTED)


def _wait(message: OutboxMessage, error: PublishError) -> timedelta:
    if isinstance(error, Unroutable):
        return timedelta(seconds=5)
    return timedelta(seconds=min(2**message.attempts, 300))


def _tell(gone: Mapping[OutboxStatus, Sequence[OutboxMessage]]) -> None:
    """
    Write a line for each message that left, so that whoever follows a request sees it leave.
    """
    for status, messages in gone.items():
        for message in messages:
            with correlated(message.correlation):
                _log.info("%s %s: %s", message.name, message.id, status)
