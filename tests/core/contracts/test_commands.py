"""
Messages of .NET services are read whatever serializer wrote them, and nonsense is refused.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from payments_core.contracts.commands import (
    MessageInvalid,
    read_capture,
    read_order,
    read_refund,
)

ONE = "13a63ae8-2ea3-4cd8-91fd-96e00e08248e"
EMPTY = "00000000-0000-0000-0000-000000000000"
Read = Callable[[Mapping[str, Any]], object]


@pytest.mark.parametrize(
    "body",
    [
        {"paymentId": ONE, "amount": "10", "reason": "damaged"},
        {"PaymentId": ONE.upper(), "Amount": "10", "Reason": "damaged"},
        {"paymentid": ONE, "amount": 10, "reason": "damaged", "refundRequestId": None, "more": []},
        {"paymentId": ONE.replace("-", ""), "amount": Decimal(10), "reason": "damaged"},
        {"paymentId": f"{{{ONE}}}", "amount": "1E+1", "reason": "damaged"},
    ],
)
def test_refund_in_every_spelling(body: dict[str, Any]) -> None:
    """
    Names match whatever the case, amounts as text or number, GUIDs in .NET's forms.
    """
    command = read_refund(body)

    assert command.payment_id == UUID(ONE)
    assert command.amount == 10
    assert command.reason == "damaged"
    assert command.refund_request_id is None


def test_refund_of_everything() -> None:
    """
    Newtonsoft leaves nulls out; both forms mean all that is left.
    """
    assert read_refund({"paymentId": ONE}) == read_refund(
        {"paymentId": ONE, "amount": None, "reason": None, "refundRequestId": None}
    )
    assert read_refund({"paymentId": ONE}).amount is None


@pytest.mark.parametrize(
    ("read", "body", "names"),
    [
        (read_refund, {}, "paymentId"),
        (read_refund, {"paymentId": EMPTY}, "paymentId"),
        (read_refund, {"paymentId": 7}, "paymentId"),
        (read_refund, {"paymentId": "pay_1"}, "paymentId"),
        (read_refund, {"payment_id": ONE}, "paymentId"),
        (read_refund, {"paymentId": ONE, "reason": 5}, "reason"),
        (read_refund, {"paymentId": ONE, "refundRequestId": {}}, "refundRequestId"),
        (read_capture, {}, "paymentId"),
        (read_capture, {"paymentId": EMPTY, "orderId": EMPTY}, "paymentId"),
        (read_order, {}, "orderId"),
        (read_order, {"orderId": EMPTY}, "orderId"),
        (read_order, {"orderId": ONE, "totalAmount": "much"}, "totalAmount"),
        (read_order, {"orderId": ONE, "userId": 5}, "userId"),
    ],
)
def test_nonsense_is_refused(read: Read, body: dict[str, Any], names: str) -> None:
    """
    What must be there, and what is there, must be readable; the field is named, not its value.
    """
    with pytest.raises(MessageInvalid, match=names):
        read(body)


@pytest.mark.parametrize(
    "amount", ["19,99", " 5", "1_000", "١٢", "NaN", "Infinity", "", True, [], {}]
)
def test_amount_that_is_none_is_refused(amount: object) -> None:
    """
    .NET reads "19,99" as 1999: only digits and one point are an amount here.
    """
    with pytest.raises(MessageInvalid, match="amount"):
        read_refund({"paymentId": ONE, "amount": amount})


def test_capture_by_payment_or_order() -> None:
    """
    One of the two is enough; the empty GUID, which .NET writes for nothing, is none.
    """
    assert read_capture({"paymentId": ONE, "orderId": EMPTY}).order_id is None
    assert read_capture({"orderId": ONE}).order_id == UUID(ONE)
    assert read_capture({"orderId": ONE, "amount": 5}).amount == 5


@pytest.mark.parametrize(
    "body",
    [
        {"orderId": ONE, "userId": "u", "totalAmount": "129.90", "timestamp": "2026-11-22T22:36Z"},
        {"orderId": ONE, "customerId": "u", "amount": Decimal("129.90"), "items": [{}]},
    ],
)
def test_orders_of_every_shape(body: dict[str, Any]) -> None:
    """
    The customer and the total are found under either name.
    """
    order = read_order(body)

    assert (order.order_id, order.customer_id, order.total) == (
        UUID(ONE),
        "u",
        Decimal("129.90"),
    )
    assert read_order({"orderId": ONE}).total is None


def test_long_text_is_cut() -> None:
    """
    A reason is for people: nobody reads more than 500 characters.
    """
    command = read_refund({"paymentId": ONE, "reason": "x" * 2000})

    assert command.reason == "x" * 500


@pytest.mark.parametrize(
    "text", ["4242424242424242", "4000 0566 5566 5556", "[card number]", "***"]
)
def test_identifiers_that_would_be_masked(text: str) -> None:
    """
    Two of them would be alike once they are masked, and one refund would pass for the other.
    """
    with pytest.raises(MessageInvalid, match="refundRequestId looks like a card number"):
        read_refund({"paymentId": ONE, "refundRequestId": text})
    with pytest.raises(MessageInvalid, match="userId looks like a card number"):
        read_order({"orderId": ONE, "userId": text})
