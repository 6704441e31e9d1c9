"""
A person closes a difference from the provider that nothing repairs.
"""

from functools import partial
from uuid import UUID, uuid4

import pytest
from typing_extensions import override

from payments_core.application.close_discrepancy import (
    CloseDiscrepancy,
    CloseDiscrepancyCommand,
    ListDiscrepancies,
)
from payments_core.domain.actor import Actor, Channel
from payments_core.domain.discrepancy import Discrepancy, DiscrepancyKind
from payments_core.domain.errors import InvalidState, NoteInvalid, NotFound, StorageUnavailable
from payments_core.ports.audit import AuditEntry
from payments_core.ports.queries import PaymentView
from payments_core.ports.reconciliation import DiscrepancyFilter
from payments_core.testing.builders import eur
from payments_core.testing.memory import InMemoryUnitOfWork
from payments_core.testing.memory_reconciliation import InMemoryReconciliationQueries
from tests.core.application.service import Service

ANNA = Actor(channel=Channel.API, subject="anna")


@pytest.fixture
def service() -> Service:
    """
    A whole service in memory.
    """
    return Service()


@pytest.fixture
def differing(service: Service) -> PaymentView:
    """
    A payment whose object is for another amount, which a run has found.
    """
    payment = service.pay()
    service.provider.change(service.object_of(payment), amount=eur("11.00"))
    service.compare()
    return payment


def standing(service: Service, *, ended: bool = False) -> list[Discrepancy]:
    """
    Return the differences in amount that are listed.
    """
    queries = InMemoryReconciliationQueries(service.database)
    wanted = DiscrepancyFilter(kind=DiscrepancyKind.AMOUNT_MISMATCH, ended=ended)
    return list(ListDiscrepancies(queries).execute(wanted, 10).items)


def close(service: Service, found: UUID, note: str = "sold for 11.00", actor: Actor = ANNA) -> None:
    """
    Close a difference.
    """
    use_case = CloseDiscrepancy(service.operations.unit_of_work, service.clock)
    use_case.execute(CloseDiscrepancyCommand(discrepancy_id=found, note=note, actor=actor))


def closings(service: Service) -> list[AuditEntry]:
    """
    Return what the audit log says of closings.
    """
    every = service.database.tables.audit.values()
    return [entry for entry in every if entry.action == "discrepancy.close"]


def test_a_closed_difference_stands_no_more(service: Service, differing: PaymentView) -> None:
    """
    It is kept with who closed it, when and why; the payment is as it was.
    """
    (found,) = standing(service)
    before = service.stored(differing.id)
    close(service, found.id)
    (kept,) = standing(service, ended=True)

    assert standing(service) == []
    assert kept == found.close("anna", "sold for 11.00", kept.closed_at or found.found_at)
    assert service.stored(differing.id) == before


def test_the_same_difference_stays_closed_and_another_is_news(
    service: Service, differing: PaymentView
) -> None:
    """
    A later run finds it again and tells nobody; when the provider says something else, it does.
    """
    (found,) = standing(service)
    close(service, found.id)
    again = service.compare()
    after = standing(service)
    service.provider.change(service.object_of(differing), amount=eur("12.00"))
    changed = service.compare()
    (news,) = standing(service)

    assert (again.kinds[found.kind], again.fresh, after) == (1, 0, [])
    assert changed.kinds[found.kind] == 1
    assert news.provider_value != found.provider_value
    assert [d.state for d in standing(service, ended=True)] == ["open", "closed"]
    bodies = [message.body for message in service.database.outbox]
    assert sum(f'"kind":"{found.kind}"' in body for body in bodies) == 2


def test_who_closed_it_is_in_the_audit_log(service: Service, differing: PaymentView) -> None:
    """
    Once, with the state before and after it and the words, beside the payment.
    """
    (found,) = standing(service)
    close(service, found.id)
    service.clock.advance(minutes=1)
    close(service, found.id)
    (entry,) = closings(service)

    assert (entry.actor, entry.about) == (ANNA, f"discrepancy {found.id}")
    assert (entry.payment_id, entry.reason) == (differing.id, "sold for 11.00")
    assert (entry.before, entry.after) == ("open", "closed")
    assert standing(service, ended=True)[0].closed_at == entry.at


@pytest.mark.usefixtures("differing")
def test_who_is_not_named(service: Service) -> None:
    """
    A program that names nobody closes by the way it came.
    """
    close(service, standing(service)[0].id, actor=Actor(channel=Channel.LIBRARY))

    assert standing(service, ended=True)[0].closed_by == "library"


@pytest.mark.usefixtures("differing")
def test_card_numbers_are_not_kept(service: Service) -> None:
    """
    A note is masked before it is kept; the same one again is still the same.
    """
    (found,) = standing(service)
    for _ in "ab":
        close(service, found.id, "charged 4242 4242 4242 4242")
    (kept,) = standing(service, ended=True)
    (entry,) = closings(service)

    assert "4242 4242" not in str(kept.note)
    assert entry.reason == kept.note


@pytest.mark.usefixtures("differing")
@pytest.mark.parametrize(("note", "error"), [("something else", InvalidState), ("", NoteInvalid)])
def test_a_refusal_changes_nothing(service: Service, note: str, error: type[Exception]) -> None:
    """
    Closing what is closed with other words, or without any, is refused and leaves no trace.
    """
    (found,) = standing(service)
    close(service, found.id)
    before = service.database.tables.snapshot()

    with pytest.raises(error):
        close(service, found.id, note)
    assert service.database.tables == before


def test_what_is_not_there(service: Service) -> None:
    """
    There is nothing to close under an unknown id.
    """
    with pytest.raises(NotFound, match="There is no discrepancy"):
        close(service, uuid4())


@pytest.mark.usefixtures("differing")
def test_closed_with_its_entry_or_not_at_all(service: Service) -> None:
    """
    If it is not kept who closed it, it is not closed.
    """

    class Failing(InMemoryUnitOfWork):
        @override
        def commit(self) -> None:
            raise StorageUnavailable("gone")

    (found,) = standing(service)
    object.__setattr__(service.operations, "unit_of_work", partial(Failing, service.database))
    with pytest.raises(StorageUnavailable):
        close(service, found.id)

    assert standing(service) == [found]
    assert closings(service) == []
