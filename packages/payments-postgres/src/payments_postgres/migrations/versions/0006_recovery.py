"""
What recovery notes on operations, and when payments that wait for their customer end.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """
    Let recovery find the operations that nobody looked after so far.
    """
    operations = "payment_operations"
    op.add_column(operations, sa.Column("looks", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(
        operations,
        sa.Column("key_spent", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    for name in ("next_at", "first_pass_at", "second_pass_at"):
        op.add_column(operations, sa.Column(name, _MOMENT))
    op.execute("""
        UPDATE payment_operations SET next_at = lease_until
        WHERE state IN ('sent', 'unknown', 'pending', 'action_required')
    """)
    op.add_column("payments", sa.Column("expires_at", _MOMENT))
    _let_the_waiting_wait()
    for name, table, column, where in (
        ("ix_payment_operations_due", operations, "next_at", "next_at IS NOT NULL"),
        ("ix_payment_operations_review", operations, "first_sent_at", "state = 'review'"),
        ("ix_payments_expires_at", "payments", "expires_at", "status = 'RequiresAction'"),
    ):
        only = sa.text(where)
        op.create_index(name, table, [column], postgresql_where=only, sqlite_where=only)


def _let_the_waiting_wait() -> None:
    """
    Give customers who were never told of an end a day from now on.
    """
    payments = sa.table("payments", sa.column("status"), sa.column("expires_at", _MOMENT))
    open_ = payments.c.status.in_(["Pending", "RequiresAction"])
    tomorrow = datetime.now(UTC) + timedelta(hours=24)
    op.execute(payments.update().where(open_).values(expires_at=tomorrow))
