"""
Run by Alembic, on the connection that `migrate` gives it.
"""

from alembic import context

from payments_postgres.migrations import VERSION_TABLE
from payments_postgres.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
