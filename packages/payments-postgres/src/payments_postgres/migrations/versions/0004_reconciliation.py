"""
Reconciliation: its runs, and differences and messages that belong to no payment.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UNFINISHED = sa.text("status IN ('requested', 'running')")
_NO_OUTCOME = sa.text("state IN ('review', 'sent', 'unknown')")
_OF_RUN = sa.text("run_id IS NOT NULL")


def upgrade() -> None:
    """
    Add what runs need; on SQLite a table is made anew around its rows to loosen a column.
    """
    _create_runs()
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("order_id", existing_type=sa.Uuid(), nullable=True)
        outbox.alter_column("payment_id", existing_type=sa.Uuid(), nullable=True)
    with op.batch_alter_table("discrepancies") as discrepancies:
        discrepancies.alter_column("payment_id", existing_type=sa.Uuid(), nullable=True)
        discrepancies.add_column(sa.Column("run_id", sa.Uuid()))
        discrepancies.add_column(sa.Column("repair", sa.Text()))
        discrepancies.add_column(sa.Column("repaired_at", sa.DateTime(timezone=True)))
        discrepancies.create_foreign_key(
            op.f("fk_discrepancies_run_id"), "reconciliation_runs", ["run_id"], ["id"]
        )
        discrepancies.create_check_constraint(
            op.f("ck_discrepancies_repair_known"), "repair IN ('settled', 'begun', 'stored')"
        )
    _index("ix_discrepancies_run_id", "discrepancies", ["run_id", "found_at", "id"], _OF_RUN)
    _index(
        "ix_payment_operations_no_outcome",
        "payment_operations",
        ["first_sent_at", "id"],
        _NO_OUTCOME,
    )
    op.create_index("ix_refunds_created_at", "refunds", ["created_at", "id"])


def _create_runs() -> None:
    op.create_table(
        "reconciliation_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("leg", sa.Text()),
        sa.Column("cursor", sa.DateTime(timezone=True)),
        sa.Column("unseen", sa.Text(), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.Column("fresh", sa.BigInteger(), nullable=False),
        sa.Column("repaired", sa.BigInteger(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("lease_token", sa.Uuid()),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        sa.CheckConstraint(
            "status IN ('requested', 'running', 'completed', 'partial', 'failed')",
            name=op.f("ck_reconciliation_runs_status_known"),
        ),
        sa.CheckConstraint(
            "window_start <= window_end", name=op.f("ck_reconciliation_runs_window_forwards")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_runs")),
    )
    op.create_index(
        "uq_reconciliation_runs_active",
        "reconciliation_runs",
        ["provider"],
        unique=True,
        postgresql_where=_UNFINISHED,
        sqlite_where=_UNFINISHED,
    )


def _index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)
