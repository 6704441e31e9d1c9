"""
What every `IAuditLog` and `IAuditQueries` promise.
"""

from abc import abstractmethod
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from payments_core.application.audit import Asked
from payments_core.domain.actor import Actor, Channel
from payments_core.domain.operation import OperationState
from payments_core.ports.audit import AuditEntry, AuditFilter, IAuditQueries
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW, a_payment, answered, eur
from payments_core.testing.conformance.kept import OnUnitsOfWork

ANNA = Actor(
    channel=Channel.API,
    issuer="https://issuer.example",
    subject="anna",
    client="back-office",
    request_id="req-12345678",
)
ROOT = Actor(channel=Channel.CLI, issuer="host-1", subject="root", client="payments-cli")


def an_entry(number: int = 0, **changes: Any) -> AuditEntry:
    """
    Return an entry, a second later for each number.
    """
    fields: dict[str, Any] = {
        "id": uuid4(),
        "at": NOW + timedelta(seconds=number),
        "actor": ANNA,
        "action": "refund",
        "payment_id": uuid4(),
        "refund_id": uuid4(),
        "amount": eur("4.00"),
        "before": "Succeeded",
        "after": "Succeeded",
        "reason": "déjà vu",
    }
    return AuditEntry(**fields | changes)


class AuditConformance(OnUnitsOfWork):
    """
    Subclass it and override `make_uow` and `audit`, which must share one empty database.
    """

    @pytest.fixture
    @abstractmethod
    def audit(self) -> IAuditQueries:
        """
        Return the read side of the same database.
        """

    def keep(self, make_uow: UnitOfWorkFactory, *entries: AuditEntry) -> None:
        """
        Add entries and commit.
        """
        with make_uow() as uow:
            for entry in entries:
                uow.audit.add(entry)
            uow.commit()

    def found(self, audit: IAuditQueries, **wanted: Any) -> list[UUID]:
        """
        Return the ids of all entries that a filter lets through.
        """
        return [r.entry.id for r in audit.list(AuditFilter(**wanted), 100).items]

    def test_kept_as_it_was(self, make_uow: UnitOfWorkFactory, audit: IAuditQueries) -> None:
        """
        An entry comes back field by field, full or almost empty.
        """
        full = an_entry(1, about="message 1")
        bare = AuditEntry(id=uuid4(), at=NOW, actor=ROOT, action="outbox.release")
        self.keep(make_uow, full, bare)

        shown = audit.list(AuditFilter(), 10)
        assert [record.entry for record in shown.items] == [full, bare]
        assert [record.outcome for record in shown.items] == [None, None]
        assert shown.next is None

    def test_nothing_is_kept_without_commit(
        self, make_uow: UnitOfWorkFactory, audit: IAuditQueries
    ) -> None:
        """
        What is undone leaves no trace.
        """
        with make_uow() as uow:
            uow.audit.add(an_entry())

        assert self.found(audit) == []

    def test_filters(self, make_uow: UnitOfWorkFactory, audit: IAuditQueries) -> None:
        """
        By payment, by who it was, by the way they came, and by time, together too.
        """
        payment_id = uuid4()
        first = an_entry(0, payment_id=payment_id)
        second = an_entry(1, actor=ROOT)
        third = an_entry(2, payment_id=payment_id, actor=ROOT)
        self.keep(make_uow, first, second, third)

        assert self.found(audit, payment_id=payment_id) == [third.id, first.id]
        assert self.found(audit, subject="anna") == [first.id]
        assert self.found(audit, channel=Channel.CLI) == [third.id, second.id]
        assert self.found(audit, payment_id=payment_id, subject="root") == [third.id]
        assert self.found(audit, since=second.at) == [third.id, second.id]
        assert self.found(audit, until=second.at) == [first.id]
        assert self.found(audit, subject="nobody") == []

    def test_pages(self, make_uow: UnitOfWorkFactory, audit: IAuditQueries) -> None:
        """
        Pages follow each other without gap or repetition, also within one moment.
        """
        entries = [an_entry(number // 3) for number in range(7)]
        self.keep(make_uow, *entries)
        ids: list[UUID] = []
        page = audit.list(AuditFilter(), 2)
        while page.next:
            assert len(page.items) == 2
            ids += [record.entry.id for record in page.items]
            page = audit.list(AuditFilter(), 2, page.next)
        ids += [record.entry.id for record in page.items]

        newest_first = sorted(entries, key=lambda e: (e.at, e.id), reverse=True)
        assert ids == [e.id for e in newest_first]

    def test_outcome(self, make_uow: UnitOfWorkFactory, audit: IAuditQueries) -> None:
        """
        An entry shows what became of its operation since, though it never changes itself.
        """
        payment = a_payment()
        with make_uow() as uow:
            uow.payments.add(payment)
            asked = Asked(action="create", actor=ANNA)
            uow.audit.add(asked.entry(payment, payment.operations[0], before=None))
            uow.commit()
        (before,) = audit.list(AuditFilter(), 10).items
        answered(payment)
        with make_uow() as uow:
            uow.payments.save(payment)
            uow.commit()
        (after,) = audit.list(AuditFilter(), 10).items

        assert (before.outcome, after.outcome) == (OperationState.SENT, OperationState.SUCCEEDED)
        assert before.entry == after.entry
        assert (after.entry.before, after.entry.after) == (None, "Pending")
