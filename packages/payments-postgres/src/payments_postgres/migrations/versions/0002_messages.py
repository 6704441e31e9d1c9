"""
Messages that leave through a relay, messages that come in, and facts of orders.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BLOCKS = sa.text("status IN ('parked', 'pending')")
_UNSENT = sa.text("status = 'pending'")
_DEFERRED = sa.text("status = 'waiting'")


def upgrade() -> None:
    """
    Make the outbox anew around its rows, since SQLite cannot add rules to a table.
    """
    op.add_column(
        "orders", sa.Column("known", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute("CREATE TABLE outbox_before AS SELECT * FROM outbox")
    op.drop_table("outbox")
    _create_outbox()
    # Before there was a relay nobody could be told anything: nobody waits for these.
    op.execute("""
        INSERT INTO outbox (id, order_id, payment_id, sequence, name, destination, content_type,
            body, created_at, status, attempts, published_at)
        SELECT id, order_id, payment_id, sequence, name, name, 'application/json',
            body, created_at, 'released', 0, published_at
        FROM outbox_before
    """)
    op.drop_table("outbox_before")
    _create_inbox()


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        sa.CheckConstraint(
            "status IN ('pending', 'published', 'unrouted', 'superseded', 'parked', 'released')",
            name=op.f("ck_outbox_status_known"),
        ),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_outbox_sequence_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_outbox_order_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_outbox_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("order_id", "sequence", name=op.f("uq_outbox_order_id_sequence")),
    )
    op.create_index("ix_outbox_payment_id", "outbox", ["payment_id"])
    for name, columns, where in (
        ("ix_outbox_due", ["next_at"], _UNSENT),
        ("ix_outbox_blocking", ["order_id", "sequence"], _BLOCKS),
        ("ix_outbox_waiting", ["created_at"], _BLOCKS),
    ):
        op.create_index(name, "outbox", columns, postgresql_where=where, sqlite_where=where)


def _create_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        sa.CheckConstraint(
            "status IN ('waiting', 'handled', 'dead')", name=op.f("ck_inbox_status_known")
        ),
        sa.PrimaryKeyConstraint("endpoint", "message_id", name=op.f("pk_inbox")),
    )
    op.create_index(
        "ix_inbox_deferred",
        "inbox",
        ["next_at"],
        postgresql_where=_DEFERRED,
        sqlite_where=_DEFERRED,
    )
