"""
Lists of webhook events, and which of them never arrived by themselves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """
    Add the column and the indexes.
    """
    op.add_column(
        "webhook_events",
        sa.Column("backfilled", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    place = ["received_at", "provider", "event_id"]
    op.create_index("ix_webhook_events_received_at", "webhook_events", place)
    op.create_index("ix_webhook_events_status", "webhook_events", ["status", *place])
    of_payment = sa.text("payment_id IS NOT NULL")
    op.drop_index("ix_webhook_events_payment_id", "webhook_events")
    op.create_index(
        "ix_webhook_events_payment_id",
        "webhook_events",
        ["payment_id", *place],
        postgresql_where=of_payment,
        sqlite_where=of_payment,
    )
