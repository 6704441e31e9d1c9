"""
Every error that crosses a port, with the code that callers see.

::

    PaymentsError
    ├── DomainError
    │   ├── InvalidMoney: AmountFormat · AmountPrecision · AmountNotPositive · AmountTooLarge
    │   │                 · CurrencyInvalid · CurrencyMismatch · AmountNotSupported
    │   ├── InvalidTransition
    │   ├── InvalidState · AlreadyRefunded
    │   ├── RefundExceedsCaptured · CaptureExceedsAuthorized
    │   ├── OrderMismatch
    │   ├── WindowInvalid · NoteInvalid
    │   ├── CardDataNotAllowed
    │   └── OperationRefused
    ├── NotFound: PaymentNotFound · UnknownProvider
    │             · OrderNotFound: OrderUnknown (both retryable)
    ├── Conflict: OrderAlreadyHasPayment · OperationInProgress · RequestKeyReused
    │             · RequestInProgress (retryable)
    │             · ConcurrentUpdate (retryable) · ReconciliationRunning
    ├── StorageUnavailable (retryable) · StorageRefused
    └── ProviderError and WebhookInvalid: see `payments_core.ports.errors`
"""

from typing import ClassVar

from payments_core.domain.failure import Failure


class PaymentsError(Exception):
    """
    Anything that this service refuses or fails to do.

    Attributes:
        code: A stable word for programs; the text of the error is for people.

        retryable: Whether the same call may succeed later without a change.
    """

    code: ClassVar[str] = "payments_error"
    retryable: ClassVar[bool] = False


class DomainError(PaymentsError):
    """
    A rule of payments forbids it.
    """

    code = "domain_error"


class InvalidMoney(DomainError):
    """
    This is no amount of money, or none that may be asked for.
    """

    code = "amount_invalid"


class AmountFormat(InvalidMoney):
    """
    The amount is not a plain decimal number such as ``"129.90"``.
    """

    code = "amount_format"


class AmountPrecision(InvalidMoney):
    """
    The amount has more digits than its currency; it is never rounded.
    """

    code = "amount_precision"


class AmountNotPositive(InvalidMoney):
    """
    The amount must be above zero.
    """

    code = "amount_not_positive"


class AmountTooLarge(InvalidMoney):
    """
    The amount is beyond what can be stored or sent.
    """

    code = "amount_too_large"


class AmountNotSupported(InvalidMoney):
    """
    The chosen provider cannot take this amount in this currency.
    """

    code = "amount_not_supported"


class CurrencyInvalid(InvalidMoney):
    """
    The currency is no ISO 4217 code of money in use.
    """

    code = "currency_invalid"


class CurrencyMismatch(InvalidMoney):
    """
    Two amounts of different currencies were put together.
    """

    code = "currency_mismatch"


class InvalidTransition(DomainError):
    """
    The status table does not allow this step.
    """

    code = "invalid_transition"


class InvalidState(DomainError):
    """
    The payment, or what else it is about, is in a state in which this cannot be done.
    """

    code = "invalid_state"


class AlreadyRefunded(InvalidState):
    """
    Nothing is left to refund.
    """

    code = "already_refunded"


class RefundExceedsCaptured(DomainError):
    """
    More would be refunded than was captured.
    """

    code = "refund_exceeds_captured"


class CaptureExceedsAuthorized(DomainError):
    """
    More would be captured than was authorised.
    """

    code = "capture_exceeds_authorized"


class OrderMismatch(DomainError):
    """
    The order is known, and costs something else.
    """

    code = "order_amount_mismatch"


class WindowInvalid(DomainError):
    """
    A stretch of time that cannot be compared with the provider.
    """

    code = "window_invalid"


class NoteInvalid(DomainError):
    """
    Words for the record that are none, too many, or not one line.
    """

    code = "note_invalid"


class CardDataNotAllowed(DomainError):
    """
    A card number stands where it would be kept.
    """

    code = "card_data_not_allowed"


class OperationRefused(DomainError):
    """
    The provider refused for good; nothing changed.

    Attributes:
        failure: The provider's reason.
    """

    code = "operation_refused"

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"The provider refused: {failure.message} ({failure.code})")
        self.failure = failure


class NotFound(PaymentsError):
    """
    There is no such thing, or none that the caller may see.
    """

    code = "not_found"


class PaymentNotFound(NotFound):
    """
    There is no payment with this id, or none that the caller may see.
    """


class OrderNotFound(NotFound):
    """
    There is no such order of this customer, as far as the Order Service told.
    """

    retryable = True


class OrderUnknown(OrderNotFound):
    """
    Payments are taken for known orders only, and this one was not told yet.
    """


class UnknownProvider(NotFound):
    """
    No provider of this name is configured.
    """

    code = "provider_unknown"


class Conflict(PaymentsError):
    """
    Something else happened first.
    """

    code = "conflict"


class OrderAlreadyHasPayment(Conflict):
    """
    The order has a live payment that differs from the one asked for.
    """

    code = "order_already_has_payment"


class OperationInProgress(Conflict):
    """
    Another operation on the payment has no answer yet; ask again soon.
    """

    code = "operation_in_progress"
    retryable = True


class RequestKeyReused(Conflict):
    """
    The idempotency key was used for another request.
    """

    code = "idempotency_key_reused"


class RequestInProgress(Conflict):
    """
    The same request, by its idempotency key, is being done this moment; ask again soon.
    """

    code = "idempotency_in_progress"
    retryable = True


class ConcurrentUpdate(Conflict):
    """
    Somebody else changed the payment meanwhile; read it again and retry.
    """

    code = "concurrent_update"
    retryable = True


class ReconciliationRunning(Conflict):
    """
    The provider is being reconciled; wait until that has ended.
    """

    code = "reconcile_running"


class StorageUnavailable(PaymentsError):
    """
    The database did not answer; whether the last commit holds is unknown.
    """

    code = "storage_unavailable"
    retryable = True


class StorageRefused(PaymentsError):
    """
    The database forbids what our own code should never have asked; it is a bug, and nothing was kept.
    """

    code = "storage_refused"
