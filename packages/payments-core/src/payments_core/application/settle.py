"""
The one way by which a provider's answer reaches a payment, whoever brings it.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

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

    Replies, webhooks, recovery and reconciliation all come through here. Nothing is
    committed: the caller may add to the same transaction.

    Returns:
        Operations that follow from the answer. They are to be sent after the commit.
    """
    following = apply(payment, answer, now, policy)
    _announce(uow, payment)
    uow.payments.save(payment)
    return following


def _announce(uow: IUnitOfWork, payment: Payment) -> None:
    for found in payment.discrepancies:
        if uow.discrepancies.add(found):
            _log.error(
                "Payment %s: %s of %s, here %s, at the provider %s",
                payment.id,
                found.kind,
                found.provider_object_id,
                found.local_value,
                found.provider_value,
            )
            payment.events.append(
                PaymentDiscrepancyFound(
                    id=found.id,
                    payment_id=payment.id,
                    order_id=payment.order_id,
                    occurred_at=found.found_at,
                    kind=found.kind,
                    provider_object_id=found.provider_object_id,
                    local_value=found.local_value,
                    provider_value=found.provider_value,
                )
            )
    payment.discrepancies.clear()
