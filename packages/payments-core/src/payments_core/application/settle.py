"""
Saving what a provider's answer did to a payment, and telling what differs.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from payments_core.domain.discrepancy import Discrepancy
from payments_core.domain.events import PaymentDiscrepancyFound
from payments_core.domain.operation import Operation
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.settlement import Answer, apply
from payments_core.ports.unit_of_work import IUnitOfWork

_log = logging.getLogger(__name__)


def settle(
    uow: IUnitOfWork, payment: Payment, answer: Answer, now: datetime, policy: Policy
) -> Sequence[Operation]:
    """
    Apply an answer to a payment that this unit of work holds locked, and save it.

    Nothing is committed: the caller may add to the same transaction. Recovery and
    reconciliation decide something between the same two steps, `apply` and `keep`.

    Returns:
        Operations that follow from the answer. They are to be sent after the commit.
    """
    following = apply(payment, answer, now, policy)
    keep(uow, payment)
    return following


def keep(uow: IUnitOfWork, payment: Payment) -> Sequence[Discrepancy]:
    """
    Save a payment with its differences from the provider; return those that are news.

    Each is told to whoever listens, once.
    """
    # The payment first: who finds the same difference waits there, and nobody for each other.
    uow.payments.save(payment)
    news = [found for found in payment.discrepancies if uow.discrepancies.add(found)]
    payment.discrepancies.clear()
    uow.outbox.add([tell_discrepancy(found, payment.order_id) for found in news])
    return news


def tell_discrepancy(found: Discrepancy, order_id: UUID | None) -> PaymentDiscrepancyFound:
    """
    Write a difference that is news to the log, and return the event that tells it.
    """
    _log.log(
        logging.WARNING if found.repair else logging.ERROR,
        "Payment %s: %s of %s, here %s, at the provider %s (%s)",
        found.payment_id or "unknown",
        found.kind,
        found.provider_object_id,
        found.local_value,
        found.provider_value,
        found.repair or "a person must look",
    )
    return PaymentDiscrepancyFound(
        id=found.id,
        payment_id=found.payment_id,
        order_id=order_id,
        occurred_at=found.found_at,
        kind=found.kind,
        provider_object_id=found.provider_object_id,
        local_value=found.local_value,
        provider_value=found.provider_value,
        run_id=found.run_id,
        repaired=found.repair is not None,
    )
