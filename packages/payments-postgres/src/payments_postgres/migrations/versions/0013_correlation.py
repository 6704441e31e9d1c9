"""
Under which ids a message was written; those of earlier versions have none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """
    Add the columns; an earlier version that writes beside this one leaves them empty.
    """
    op.add_column("outbox", sa.Column("correlation_id", sa.Text()))
    op.add_column("outbox", sa.Column("traceparent", sa.Text()))
