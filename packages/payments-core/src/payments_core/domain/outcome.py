"""
What a provider's object tells about an operation that was to change it.
"""

from collections.abc import Mapping
from typing import Final

from payments_core.domain.facts import ProviderPayment, ProviderPaymentStatus
from payments_core.domain.operation import Operation, OperationKind, OperationState
from payments_core.domain.requests import CreateIntent

P = ProviderPaymentStatus
O = OperationState  # noqa: E741 - the tables below read better with one letter

_ATTEMPT: Final[Mapping[ProviderPaymentStatus, OperationState]] = {
    P.REQUIRES_ACTION: O.ACTION_REQUIRED,
    P.PROCESSING: O.PENDING,
    P.REQUIRES_CAPTURE: O.SUCCEEDED,
    P.SUCCEEDED: O.SUCCEEDED,
    P.CANCELED: O.DECLINED,
}

_CAPTURE: Final[Mapping[ProviderPaymentStatus, OperationState]] = {
    P.SUCCEEDED: O.SUCCEEDED,
    P.CANCELED: O.DECLINED,
}

_CANCEL: Final[Mapping[ProviderPaymentStatus, OperationState]] = {
    P.CANCELED: O.SUCCEEDED,
    P.SUCCEEDED: O.DECLINED,
}


def outcome_of(
    operation: Operation, fact: ProviderPayment, *, reply: bool
) -> OperationState | None:
    """
    Return what the object proves about the operation, or None when it proves nothing.

    Args:
        reply: The object came as the answer to this very operation. Then it shows its
            effect; read at another time, it may still show the state before.
    """
    match operation.kind:
        case OperationKind.CREATE if _only_creates(operation):
            return O.SUCCEEDED
        case OperationKind.CREATE | OperationKind.CONFIRM:
            return _attempt(operation, fact, reply=reply)
        case OperationKind.CAPTURE:
            return _CAPTURE.get(fact.status, O.PENDING if reply else None)
        case OperationKind.CANCEL:
            return _CANCEL.get(fact.status, O.PENDING if reply else None)
        case OperationKind.REFUND:
            return None


def _only_creates(operation: Operation) -> bool:
    request = operation.request
    return isinstance(request, CreateIntent) and request.payment_method_id is None


def _attempt(operation: Operation, fact: ProviderPayment, *, reply: bool) -> OperationState | None:
    if fact.status in _ATTEMPT:
        return _ATTEMPT[fact.status]
    if fact.failure is None:
        return None
    # A failure on the object may be that of an earlier attempt, unless this operation
    # is the first one, or is known to have got past the provider's door.
    first = operation.kind is OperationKind.CREATE
    return O.DECLINED if reply or first or not operation.unresolved else None
