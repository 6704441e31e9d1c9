"""
Sending one operation to its provider, and putting whatever happens into an answer.
"""

import logging
from uuid import UUID

import attrs

from payments_core.application.look import shown
from payments_core.domain.failure import Failure
from payments_core.domain.operation import Operation, OperationKind, OperationState
from payments_core.domain.requests import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    RefundCapture,
)
from payments_core.domain.settlement import Answer
from payments_core.ports.errors import (
    ProviderConflict,
    ProviderDeclined,
    ProviderError,
    ProviderFailed,
    ProviderKeyMismatch,
    ProviderMisconfigured,
    ProviderRejected,
)
from payments_core.ports.provider import IPaymentProvider

_log = logging.getLogger(__name__)


def send(provider: IPaymentProvider, operation: Operation) -> Answer:
    """
    Ask the provider for what the operation says; never raises a `ProviderError`.

    The operation must be committed, and no transaction may be open.
    """
    try:
        return _call(provider, operation)
    except (ProviderConflict, ProviderRejected) as error:
        return _refused(provider, operation, error)
    except ProviderError as error:
        return no_answer(operation, error)


def no_answer(operation: Operation, error: ProviderError) -> Answer:
    """
    Return what an error says of an operation: a refusal for good, or that nobody knows.
    """
    match error:
        case ProviderDeclined():
            return _said(operation, OperationState.DECLINED, error.failure, error)
        case ProviderRejected():
            return _said(operation, OperationState.DECLINED, error.failure)
        case ProviderKeyMismatch() | ProviderMisconfigured():
            _log.error("A person must look at %s %s of %s: %s", *_about(operation, error))
        case _:
            _log.warning("No answer to %s %s of %s: %s", *_about(operation, error))
    review = isinstance(error, ProviderKeyMismatch)
    state = OperationState.REVIEW if review else OperationState.UNKNOWN
    return attrs.evolve(
        _said(operation, state, error.failure),
        key_spent=isinstance(error, ProviderFailed),
        misconfigured=isinstance(error, ProviderMisconfigured),
    )


def _about(operation: Operation, error: ProviderError) -> tuple[str, UUID, str, str]:
    # Adapters note what the provider's support would ask for, such as a request id.
    words = "; ".join([str(error), *getattr(error, "__notes__", ())])
    match operation.request:
        case CreateIntent(payment_id=payment_id) | RefundCapture(payment_id=payment_id):
            subject = f"payment {payment_id}"
        case request:
            subject = request.provider_payment_id
    return operation.kind, operation.id, subject, words


def _call(provider: IPaymentProvider, operation: Operation) -> Answer:
    key = operation.provider_key
    match operation.request:
        case CreateIntent() as request:
            payment = provider.create_intent(request, idempotency_key=key)
        case ConfirmIntent() as request:
            payment = provider.confirm(request, idempotency_key=key)
        case CaptureIntent() as request:
            payment = provider.capture(request, idempotency_key=key)
        case CancelIntent() as request:
            payment = provider.cancel(request, idempotency_key=key)
        case RefundCapture() as request:
            refund = provider.refund(request, idempotency_key=key)
            return Answer(refunds=(refund,), operation_id=operation.id)
    return Answer(payment=payment, operation_id=operation.id)


def _said(
    operation: Operation,
    state: OperationState,
    failure: Failure,
    declined: ProviderDeclined | None = None,
) -> Answer:
    payment = declined.payment if declined else None
    return Answer(payment=payment, operation_id=operation.id, state=state, failure=failure)


def _refused(
    provider: IPaymentProvider, operation: Operation, error: ProviderConflict | ProviderRejected
) -> Answer:
    """
    Refused: what the object shows now decides, and the refusal only where it shows nothing else.

    A refusal tells of this request alone. What was asked may stand there all the same, by
    an earlier sending of it, or by somebody at the provider.
    """
    if operation.object_id is None:
        return no_answer(operation, error)
    refunding = operation.kind is OperationKind.REFUND
    try:
        seen = shown(provider, operation.object_id, refunds=refunding)
    except ProviderError as unread:
        return _said(operation, OperationState.UNKNOWN, unread.failure)
    refusal = _said(operation, OperationState.DECLINED, error.failure)
    return attrs.evolve(refusal, payment=seen.payment, refunds=seen.refunds)
