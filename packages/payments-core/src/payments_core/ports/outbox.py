"""
Messages that were written with the payment, and wait to be sent.
"""

from datetime import datetime
from uuid import UUID

import attrs


@attrs.frozen(kw_only=True)
class OutboxMessage:
    """
    A message to other services, kept in the transaction of what it tells.

    Attributes:
        sequence: Its place among the messages of its order, from 1 without gaps.

        name: The message type without namespace, such as ``IPaymentSucceeded``.

        body: JSON text.
    """

    id: UUID
    order_id: UUID
    payment_id: UUID
    sequence: int
    name: str
    body: str
    created_at: datetime
    published_at: datetime | None = None
