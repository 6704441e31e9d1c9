"""
Events written with the payment that they tell of.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import insert

from payments_core.contracts.messages import message_of
from payments_core.domain.payment import Payment
from payments_postgres.dialects import add_up
from payments_postgres.tables import orders, outbox
from payments_postgres.transaction import Transaction, Values

_INSERT: Final = insert(outbox)


def write_events(transaction: Transaction, payment: Payment) -> None:
    """
    Put the payment's new events behind those of its order, in their order; two statements.

    The order's row hands out the numbers and stays locked until the transaction ends. So
    numbers have no gap, and are committed in their order. It is locked after all else: two
    transactions that wait for each other there cannot be.
    """
    if payment.events:
        first = _last_number(transaction, payment) - len(payment.events) + 1
        transaction.change(_INSERT, _rows(payment, first))
        payment.events.clear()


def _last_number(transaction: Transaction, payment: Payment) -> int:
    statement = add_up(transaction.dialect, orders, "order_id", "event_seq")
    values = {"order_id": payment.order_id, "event_seq": len(payment.events)}
    return int(transaction.rows(statement, values)[0].event_seq)


def _rows(payment: Payment, first: int) -> Sequence[Values]:
    messages = [(event, message_of(event)) for event in payment.events]
    return [
        {
            "id": message.id,
            "order_id": event.order_id,
            "payment_id": event.payment_id,
            "sequence": sequence,
            "name": message.name,
            "body": message.body,
            "created_at": event.occurred_at,
        }
        for sequence, (event, message) in enumerate(messages, start=first)
    ]
