"""
The handled messages by their age, so that old ones are found without reading the others.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """
    Add the index; while it is made, about a second for a million rows, messages wait.
    """
    only = sa.text("status = 'handled'")
    name, table = "ix_inbox_handled", "inbox"
    op.create_index(name, table, ["received_at"], postgresql_where=only, sqlite_where=only)
