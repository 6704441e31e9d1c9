"""
What stands in the messages that other services receive.

The fields are the union of what the neighbours' contracts ask for, so one value may stand
under two names (``providerPaymentId`` and ``providerReference``). What is said of them here
is what the neighbours read, in ``docs/messages.md`` and in ``docs/asyncapi.json``.
"""

from datetime import datetime
from uuid import UUID

import attrs


@attrs.frozen(kw_only=True)
class IPaymentSucceeded:
    """
    The amount was captured. ``IPaymentAuthorized`` has the same fields.

    Attributes:
        payment_id: The payment, under the name that it has in the API.

        order_id: The order that it pays.

        amount: What was captured, of an authorization what is reserved: a decimal such as
            ``129.90``, with the digits of its currency.

        currency: ISO 4217, such as ``EUR``.

        provider: Who moves the money, such as ``stripe``.

        provider_payment_id: The provider's object, such as ``pi_…``.

        provider_reference: The same again, under the name that others look for.

        occurred_at: When it happened.

        timestamp: The same again.
    """

    payment_id: UUID
    order_id: UUID
    amount: str
    currency: str
    provider: str
    provider_payment_id: str
    provider_reference: str
    occurred_at: datetime
    timestamp: datetime


@attrs.frozen(kw_only=True)
class IPaymentFailed:
    """
    The payment failed or was canceled, for good.

    Attributes:
        payment_id: The payment, under the name that it has in the API.

        order_id: The order that is not paid by it.

        provider: Who was asked to move the money, such as ``stripe``.

        provider_payment_id: The provider's object; None if none was made.

        error_code: Why, as a word: the provider's, such as ``card_declined``, or ours, such as
            ``canceled``, ``expired`` and ``authorization_expired``.

        error_message: Why, for people.

        reason: The same again, under the name that others look for.

        occurred_at: When it happened.

        timestamp: The same again.
    """

    payment_id: UUID
    order_id: UUID
    provider: str
    provider_payment_id: str | None
    error_code: str
    error_message: str
    reason: str
    occurred_at: datetime
    timestamp: datetime


@attrs.frozen(kw_only=True)
class IRefundIssued:
    """
    A refund succeeded.

    Attributes:
        payment_id: The payment whose money goes back.

        order_id: The order that it pays.

        refund_id: The refund, under the name that it has in the API.

        amount: What goes back, of this refund alone: a decimal such as ``29.90``.

        currency: That of the payment.

        provider_refund_id: The provider's object, such as ``re_…``.

        occurred_at: When it happened.

        timestamp: The same again.
    """

    payment_id: UUID
    order_id: UUID
    refund_id: UUID
    amount: str
    currency: str
    provider_refund_id: str
    occurred_at: datetime
    timestamp: datetime


@attrs.frozen(kw_only=True)
class IRefundFailed:
    """
    A refund was refused, failed or was reversed.

    Attributes:
        payment_id: The payment whose money stays, or came back.

        refund_id: The refund; None when it was refused before it existed.

        refund_request_id: That of the command, or else the id of its message; None where
            nobody asked by a message.

        amount: What was to go back; None when all that was left was asked for, or no amount.

        currency: Of the amount; None where there is none.

        error_code: Why, as a word, such as ``already_refunded``.

        reason: Why, for people.

        occurred_at: When it happened.
    """

    payment_id: UUID
    refund_id: UUID | None
    refund_request_id: str | None
    amount: str | None
    currency: str | None
    error_code: str
    reason: str
    occurred_at: datetime


@attrs.frozen(kw_only=True)
class IPaymentDiscrepancyFound:
    """
    The provider and this service do not say the same.

    Attributes:
        payment_id: The payment; None for an object of which this service knows nothing.

        order_id: The payment's order; None without a payment.

        run_id: The comparison that found it; None if a reply or a webhook did.

        kind: What does not match, such as ``amount_mismatch``.

        provider_object_id: What it was found at: the provider's name of it or, for what is
            ours alone, ours.

        local_value: What this service holds, for people.

        provider_value: What the provider says, for people.

        repaired: Whether it was gone, or its end had begun, when it was told.

        occurred_at: When it was found.
    """

    payment_id: UUID | None
    order_id: UUID | None
    run_id: UUID | None
    kind: str
    provider_object_id: str
    local_value: str
    provider_value: str
    repaired: bool
    occurred_at: datetime


@attrs.frozen(kw_only=True)
class IReconciliationCompleted:
    """
    A comparison with the provider has ended.

    Attributes:
        run_id: The comparison, under the name that it has in the API.

        provider: With whom, such as ``stripe``.

        status: ``completed``; ``partial`` if something could not be read; ``failed``.

        window_start: Of the time that was compared.

        window_end: Its end, which is not in it.

        checked: How many things were compared.

        found: How many differences there are.

        new: So many of them were not known before.

        repaired: So many of them are gone now.

        occurred_at: When it ended.
    """

    run_id: UUID
    provider: str
    status: str
    window_start: datetime
    window_end: datetime
    checked: int
    found: int
    new: int
    repaired: int
    occurred_at: datetime
