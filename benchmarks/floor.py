"""
The same work by hand: psycopg and SQL, without rules, mapping or types.
"""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg

_PAYMENT = """
INSERT INTO payments (id, order_id, customer_id, amount, currency, authorized, captured, refunded,
    capture_method, provider, status, cancel_requested, unresolved_operations, refund_count,
    version, created_at, updated_at)
VALUES (%(id)s, %(order_id)s, 'alice', 1000, 'EUR', 0, 0, 0, 'automatic', 'fake', 'Pending', false,
    1, 0, 1, %(now)s, %(now)s)
"""
_OPERATION = """
INSERT INTO payment_operations (id, payment_id, number, kind, request, first_sent_at, state,
    lease_until, lease_token, attempts, last_sent_at)
VALUES (%(operation_id)s, %(id)s, 1, 'create', '{}', %(now)s, 'sent', %(now)s, %(id)s, 1, %(now)s)
"""
_PAID = """
UPDATE payments SET status = 'Succeeded', authorized = 1000, captured = 1000, version = 2,
    provider_payment_id = %(object_id)s, provider_status = 'succeeded', unresolved_operations = 0,
    updated_at = %(now)s WHERE id = %(id)s AND version = 1
"""
_DONE = """
UPDATE payment_operations SET state = 'succeeded', resolved_at = %(now)s,
    provider_status = 'succeeded' WHERE id = %(operation_id)s
"""
_NUMBER = """
INSERT INTO orders (order_id, event_seq) VALUES (%(order_id)s, 1)
ON CONFLICT (order_id) DO UPDATE SET event_seq = orders.event_seq + 1 RETURNING event_seq
"""
_EVENT = """
INSERT INTO outbox (id, order_id, payment_id, sequence, name, destination, content_type, body,
    created_at, status, attempts, next_at)
VALUES (%(event_id)s, %(order_id)s, %(id)s, 1, 'IPaymentSucceeded', 'x', 'application/json', '{}',
    %(now)s, 'pending', 0, %(now)s)
"""


def create(connection: psycopg.Connection) -> UUID:
    """
    Write what one paid payment writes, in two transactions; return the payment's id.
    """
    values = {
        name: uuid4() for name in ("id", "order_id", "operation_id", "event_id", "object_id")
    } | {"now": datetime.now(UTC)}
    with connection.transaction():
        connection.execute(_PAYMENT, values)
        connection.execute(_OPERATION, values)
    with connection.transaction():
        connection.execute("SELECT * FROM payments WHERE id = %(id)s FOR UPDATE", values)
        connection.execute("SELECT * FROM payment_operations WHERE payment_id = %(id)s", values)
        connection.execute(_PAID, {**values, "object_id": str(values["object_id"])})
        connection.execute(_DONE, values)
        connection.execute(_NUMBER, values)
        connection.execute(_EVENT, values)
    return UUID(str(values["id"]))


def get(connection: psycopg.Connection, payment_id: UUID) -> None:
    """
    Read one payment.
    """
    with connection.transaction():
        connection.execute("SELECT * FROM payments WHERE id = %s", (payment_id,)).fetchone()
