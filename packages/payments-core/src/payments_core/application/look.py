"""
Going to the provider to see what became of operations; nothing is changed there.
"""

from collections.abc import Collection, Iterator
from uuid import UUID

import attrs

from payments_core.domain.facts import ProviderPayment
from payments_core.domain.operation import Operation, OperationKind, OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.settlement import Answer, Look
from payments_core.ports.errors import ProviderError, ProviderMisconfigured
from payments_core.ports.provider import IPaymentProvider, Window


def read(provider: IPaymentProvider, payment: Payment, operation: Operation, look: Look) -> Answer:
    """
    Return what the payment's object shows now; for a refund, with all refunds of it.

    It never raises a `ProviderError`: what could not be read whole says nothing.
    """
    refunding = operation.kind is OperationKind.REFUND
    try:
        seen = shown(provider, operation.object_id or payment.object_id, refunds=refunding)
    except ProviderError as error:
        return not_seen(operation.id, error)
    return attrs.evolve(seen, operation_id=operation.id, look=look)


def shown(provider: IPaymentProvider, object_id: str, *, refunds: bool) -> Answer:
    """
    Return a payment object as it is now, with all refunds of it if they are asked for.

    Raises:
        ProviderError: It could not be read whole.
    """
    payment = provider.retrieve(object_id)
    return Answer(payment=payment, refunds=provider.refunds_of(object_id) if refunds else ())


def find(
    provider: IPaymentProvider, wanted: Collection[UUID], window: Window
) -> Iterator[tuple[UUID, ProviderPayment]]:
    """
    Go through all objects of a time, and yield each that one of these operations made.

    Its end is the proof that there are no more.

    Raises:
        ProviderError: The listing broke off; it proves the absence of nothing.
    """
    for fact in provider.list_payments(window):
        if fact.operation_id is not None and fact.operation_id in wanted:
            yield fact.operation_id, fact


def not_seen(operation_id: UUID, error: ProviderError) -> Answer:
    """
    Return what a look says that did not come to its end: nothing.
    """
    return Answer(
        operation_id=operation_id,
        state=OperationState.UNKNOWN,
        failure=error.failure,
        misconfigured=isinstance(error, ProviderMisconfigured),
    )


def window_of(operation: Operation, policy: Policy) -> Window:
    """
    Return the time in which the provider must have made what an operation made.
    """
    last = operation.last_sent_at or operation.first_sent_at
    margin = policy.listing_margin
    return Window(operation.first_sent_at - margin, last + margin)
