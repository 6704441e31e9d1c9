"""
The discrepancies that nobody has repaired, so that counting them reads no others.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """
    Add the index; a table of exceptions is short, so who writes one waits for a moment only.
    """
    only = sa.text("repair IS NULL")
    name, table = "ix_discrepancies_standing", "discrepancies"
    columns = ["found_at", "kind"]
    op.create_index(name, table, columns, postgresql_where=only, sqlite_where=only)
