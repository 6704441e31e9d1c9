"""
The messages that other services send, read as tolerantly as .NET reads ours.

Names match whatever their case, and what is not known is passed over. Amounts may be
strings or numbers. What a sender leaves out because it is null is taken as null.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs

from payments_core.domain.errors import PaymentsError
from payments_core.masking import shows_secret

MAX_TEXT = 500


class MessageInvalid(PaymentsError):
    """
    The message lacks what it must have, or has it in a form that nobody can read.
    """

    code = "message_invalid"


@attrs.frozen(kw_only=True)
class RefundPaymentCommand:
    """
    Refund a payment.

    Attributes:
        payment_id: The payment.

        amount: In the payment's currency; None for all that is left.

        reason: Why, for people; the first 500 characters are kept.

        refund_request_id: The sender's idempotency key: the same key is the same refund;
            without one the message id is the key.

        currency: That of the payment, which None stands for; another one is refused.
    """

    payment_id: UUID
    amount: Decimal | None
    reason: str | None
    refund_request_id: str | None
    currency: str | None = None


@attrs.frozen(kw_only=True)
class CapturePaymentCommand:
    """
    Take what is authorised, of a payment or of an order's payment.

    Attributes:
        payment_id: The payment; it or an order must be named.

        order_id: An order, whose newest payment is meant; passed over if a payment is named.

        amount: In the payment's currency; None for all of it.

        currency: That of the payment, which None stands for; another one is refused.
    """

    payment_id: UUID | None
    order_id: UUID | None
    amount: Decimal | None
    currency: str | None = None


@attrs.frozen(kw_only=True)
class OrderCreated:
    """
    An order was placed.

    Attributes:
        order_id: The order.

        customer_id: Whose it is; ``customerId`` is read where ``userId`` is missing.

        total: What it costs; ``amount`` is read where ``totalAmount`` is missing.

        currency: Of the total; None for the configured default currency.
    """

    order_id: UUID
    customer_id: str | None
    total: Decimal | None
    currency: str | None


class Fields:
    """
    The fields of a message, found by their names whatever the case.
    """

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._values = {name.lower(): value for name, value in body.items()}

    def any_of(self, *names: str) -> Any:
        """
        Return the first of these fields that has a value, or None.
        """
        values = (self._values.get(name.lower()) for name in names)
        return next((value for value in values if value is not None), None)

    def guid(self, name: str) -> UUID | None:
        """
        Return a GUID; the empty one, which .NET writes for nothing, is None.
        """
        value = self.any_of(name)
        try:
            found = UUID(value) if isinstance(value, str) else None
        except ValueError:
            found = None
        if value is not None and found is None:
            raise MessageInvalid(f"{name} is not a GUID")
        return found if found and found.int else None

    def amount(self, *names: str) -> Decimal | None:
        """
        Return an amount, from a plain decimal string or a number.
        """
        value = self.any_of(*names)
        if value is None:
            return None
        plain = isinstance(value, str) and value.isascii() and value.strip() == value
        number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        try:
            amount = Decimal(value) if (plain and "_" not in value) or number else None
        except ArithmeticError:
            amount = None
        if amount is None or not amount.is_finite():
            raise MessageInvalid(f'{names[0]} is not a decimal such as "129.90"')
        return amount

    def name(self, *names: str) -> str | None:
        """
        Return a text that identifies something, so it must not be one that has to be masked.
        """
        value = self.text(*names)
        if value and shows_secret(value):
            raise MessageInvalid(
                f"{names[0]} looks like a card number or a secret; use another identifier"
            )
        return value

    def text(self, *names: str) -> str | None:
        """
        Return a text; a longer one than anybody reads is cut.
        """
        value = self.any_of(*names)
        if value is not None and not isinstance(value, str):
            raise MessageInvalid(f"{names[0]} is not a string")
        return value[:MAX_TEXT] or None if value else None


def read_refund(body: Mapping[str, Any]) -> RefundPaymentCommand:
    """
    Return the command.

    Raises:
        MessageInvalid: It names no payment, or something in it cannot be read.
    """
    fields = Fields(body)
    payment_id = fields.guid("paymentId")
    if payment_id is None:
        raise MessageInvalid("paymentId is missing")
    return RefundPaymentCommand(
        payment_id=payment_id,
        amount=fields.amount("amount"),
        reason=fields.text("reason"),
        refund_request_id=fields.name("refundRequestId"),
        currency=fields.text("currency"),
    )


def read_capture(body: Mapping[str, Any]) -> CapturePaymentCommand:
    """
    Return the command.

    Raises:
        MessageInvalid: It names neither payment nor order, or something cannot be read.
    """
    fields = Fields(body)
    command = CapturePaymentCommand(
        payment_id=fields.guid("paymentId"),
        order_id=fields.guid("orderId"),
        amount=fields.amount("amount"),
        currency=fields.text("currency"),
    )
    if command.payment_id is None and command.order_id is None:
        raise MessageInvalid("paymentId and orderId are missing; one of them is needed")
    return command


def read_order(body: Mapping[str, Any]) -> OrderCreated:
    """
    Return what is told of the order, whatever shape its sender gave the rest.

    Raises:
        MessageInvalid: It names no order, or something that we use cannot be read.
    """
    fields = Fields(body)
    order_id = fields.guid("orderId")
    if order_id is None:
        raise MessageInvalid("orderId is missing")
    return OrderCreated(
        order_id=order_id,
        customer_id=fields.name("userId", "customerId"),
        total=fields.amount("totalAmount", "amount"),
        currency=fields.text("currency"),
    )
