"""
What every `IBacklogQueries` promises.
"""

from abc import abstractmethod
from datetime import timedelta

import attrs
import pytest

from payments_core.domain.discrepancy import DiscrepancyKind, Repair, difference
from payments_core.domain.operation import OperationState
from payments_core.ports.backlog import Backlog, IBacklogQueries, Waiting
from payments_core.ports.outbox import OutboxStatus
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.ports.webhooks import WebhookStatus
from payments_core.testing.builders import NOW, a_payment, answered
from payments_core.testing.conformance.kept import OnUnitsOfWork
from payments_core.testing.conformance.storage import an_event

LATER = NOW + timedelta(minutes=1)


class BacklogConformance(OnUnitsOfWork):
    """
    Subclass it and override `make_uow` and `backlog`, which must share one empty database.
    """

    @pytest.fixture
    @abstractmethod
    def backlog(self) -> IBacklogQueries:
        """
        Return what counts the same database.
        """

    def test_nothing(self, backlog: IBacklogQueries) -> None:
        """
        Where nothing waits, nothing has an entry.
        """
        assert backlog.count() == Backlog(messages={}, operations={}, webhooks={}, discrepancies={})

    def test_operations(self, make_uow: UnitOfWorkFactory, backlog: IBacklogQueries) -> None:
        """
        Those without an outcome are counted by state, with their first and last moment.
        """
        states = [OperationState.SENT, OperationState.SENT, OperationState.REVIEW]
        with make_uow() as uow:
            for state, at in zip(states, (LATER, NOW, NOW), strict=True):
                payment = a_payment(now=at)
                payment.operations[0].resolve(state, at)
                uow.payments.add(payment)
            uow.payments.add(answered(a_payment(), id="fake_paid"))
            uow.commit()

        assert backlog.count().operations == {
            OperationState.SENT: Waiting(2, NOW, LATER),
            OperationState.REVIEW: Waiting(1, NOW, NOW),
        }

    def test_messages(self, make_uow: UnitOfWorkFactory, backlog: IBacklogQueries) -> None:
        """
        Those that have not left are counted by state; what was sent is not.
        """
        with make_uow() as uow:
            for number in range(3):
                uow.payments.add(answered(a_payment(), id=f"fake_{number}"))
            uow.commit()
        with make_uow() as uow:
            sent, parked, waits = uow.outbox.claim(LATER, LATER, 3)
            uow.outbox.sent([sent], OutboxStatus.PUBLISHED, LATER)
            uow.outbox.replace(parked, attrs.evolve(parked, status=OutboxStatus.PARKED))
            uow.commit()

        assert backlog.count().messages == {
            OutboxStatus.PENDING: Waiting(1, waits.created_at, waits.created_at),
            OutboxStatus.PARKED: Waiting(1, parked.created_at, parked.created_at),
        }

    def test_webhooks(self, make_uow: UnitOfWorkFactory, backlog: IBacklogQueries) -> None:
        """
        Those of which nothing has come are counted by state, given up or not.
        """
        states = [WebhookStatus.DEAD, WebhookStatus.DEAD, *WebhookStatus]
        with make_uow() as uow:
            for number, status in enumerate(states):
                at = NOW + timedelta(minutes=number)
                uow.webhooks.add(
                    an_event(event_id=f"evt_{number}", status=status, received_at=at, next_at=at)
                )
            uow.commit()
        found = backlog.count().webhooks

        assert {status: waiting.number for status, waiting in found.items()} == {
            WebhookStatus.RECEIVED: 1,
            WebhookStatus.PARKED: 1,
            WebhookStatus.DEAD: 3,
        }
        assert found[WebhookStatus.DEAD].oldest == NOW
        assert found[WebhookStatus.DEAD].newest == NOW + timedelta(minutes=len(states) - 1)

    def test_discrepancies(self, make_uow: UnitOfWorkFactory, backlog: IBacklogQueries) -> None:
        """
        Those that stand are counted by kind; one that was repaired or closed is not.
        """
        kinds = [*DiscrepancyKind, DiscrepancyKind.LATE_SUCCESS]
        with make_uow() as uow:
            for number, kind in enumerate(kinds):
                found = difference(
                    *(None, kind, NOW if number else LATER),
                    provider_object_id=str(number),
                    local_value="a",
                    provider_value="b",
                )
                if kind is DiscrepancyKind.WEBHOOK_GAP:
                    found = attrs.evolve(found, repair=Repair.STORED, repaired_at=LATER)
                uow.discrepancies.add(found)
                if kind is DiscrepancyKind.DISPUTE_OPENED:
                    uow.discrepancies.close(found.close("anna", "answered", LATER))
            uow.commit()
        standing = backlog.count().discrepancies
        ended = {DiscrepancyKind.WEBHOOK_GAP, DiscrepancyKind.DISPUTE_OPENED}

        assert set(standing) == set(DiscrepancyKind) - ended
        assert standing[DiscrepancyKind.LATE_SUCCESS] == Waiting(2, NOW, NOW)
        assert standing[DiscrepancyKind.MISSING_LOCAL] == Waiting(1, LATER, LATER)
