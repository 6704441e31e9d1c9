"""
Payments with their operations, refunds, webhooks, events and discrepancies.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """
    Create the tables.
    """
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("authorized", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("capture_method", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("payment_method_id", sa.Text()),
        sa.Column("return_url", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("provider_payment_id", sa.Text()),
        sa.Column("provider_status", sa.Text()),
        sa.Column("client_secret", sa.Text()),
        sa.Column("redirect_url", sa.Text()),
        sa.Column("failure_code", sa.Text()),
        sa.Column("failure_message", sa.Text()),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("unresolved_operations", sa.Integer(), nullable=False),
        sa.Column("refund_count", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "authorized <= amount OR status IN ('Canceled', 'Failed')",
            name=op.f("ck_payments_authorized_within_amount"),
        ),
        sa.CheckConstraint(
            "capture_method IN ('automatic', 'manual')",
            name=op.f("ck_payments_capture_method_known"),
        ),
        sa.CheckConstraint(
            "captured <= authorized OR status IN ('Canceled', 'Failed')",
            name=op.f("ck_payments_captured_within_authorized"),
        ),
        sa.CheckConstraint(
            "refunded <= captured OR status IN ('Canceled', 'Failed')",
            name=op.f("ck_payments_refunded_within_captured"),
        ),
        sa.CheckConstraint(
            "status IN ('Pending', 'RequiresAction', 'Authorized', 'Succeeded', 'Refunded', 'Failed', 'Canceled')",
            name=op.f("ck_payments_status_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount_positive")),
        sa.CheckConstraint(
            "authorized >= 0 AND captured >= 0 AND refunded >= 0",
            name=op.f("ck_payments_amounts_not_negative"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
    )
    op.create_index("ix_payments_created_at", "payments", ["created_at", "id"])
    op.create_index("ix_payments_customer_id", "payments", ["customer_id", "created_at", "id"])
    op.create_index("ix_payments_order_id", "payments", ["order_id", "created_at", "id"])
    op.create_index("ix_payments_provider", "payments", ["provider", "created_at", "id"])
    op.create_index("ix_payments_status", "payments", ["status", "created_at", "id"])
    op.create_index(
        "uq_payments_live_order",
        "payments",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status NOT IN ('Canceled', 'Failed')"),
        sqlite_where=sa.text("status NOT IN ('Canceled', 'Failed')"),
    )
    op.create_index(
        "uq_payments_provider_payment_id",
        "payments",
        ["provider", "provider_payment_id"],
        unique=True,
        postgresql_where=sa.text("provider_payment_id IS NOT NULL"),
        sqlite_where=sa.text("provider_payment_id IS NOT NULL"),
    )
    op.create_table(
        "payment_operations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("request_key", sa.Text()),
        sa.Column("first_sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_token", sa.Uuid(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_sent_at", sa.DateTime(timezone=True)),
        sa.Column("resolved_at", sa.DateTime(timezone=True)),
        sa.Column("provider_status", sa.Text()),
        sa.Column("failure_code", sa.Text()),
        sa.Column("failure_message", sa.Text()),
        sa.CheckConstraint(
            "kind IN ('create', 'confirm', 'capture', 'cancel', 'refund')",
            name=op.f("ck_payment_operations_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('sent', 'unknown', 'pending', 'action_required', 'succeeded', 'declined', 'absent', 'review')",
            name=op.f("ck_payment_operations_state_known"),
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_payment_operations_number_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_payment_operations_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_operations")),
        sa.UniqueConstraint(
            "payment_id", "number", name=op.f("uq_payment_operations_payment_id_number")
        ),
    )
    op.create_index(
        "uq_payment_operations_request_key",
        "payment_operations",
        ["payment_id", "request_key"],
        unique=True,
        postgresql_where=sa.text("request_key IS NOT NULL"),
        sqlite_where=sa.text("request_key IS NOT NULL"),
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("request_key", sa.Text()),
        sa.Column("compensates", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("provider_refund_id", sa.Text()),
        sa.Column("failure_code", sa.Text()),
        sa.Column("failure_message", sa.Text()),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "status IN ('Pending', 'Succeeded', 'Failed', 'Canceled')",
            name=op.f("ck_refunds_status_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount_positive")),
        sa.CheckConstraint("number > 0", name=op.f("ck_refunds_number_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("payment_id", "number", name=op.f("uq_refunds_payment_id_number")),
    )
    op.create_index(
        "uq_refunds_provider_refund_id",
        "refunds",
        ["payment_id", "provider_refund_id"],
        unique=True,
        postgresql_where=sa.text("provider_refund_id IS NOT NULL"),
        sqlite_where=sa.text("provider_refund_id IS NOT NULL"),
    )
    op.create_table(
        "webhook_events",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("provider_payment_id", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        sa.CheckConstraint(
            "status IN ('received', 'processed', 'parked', 'ignored', 'dead')",
            name=op.f("ck_webhook_events_status_known"),
        ),
        sa.CheckConstraint(
            "topic IN ('payment', 'refund', 'other')", name=op.f("ck_webhook_events_topic_known")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_webhook_events_payment_id")
        ),
        sa.PrimaryKeyConstraint("provider", "event_id", name=op.f("pk_webhook_events")),
    )
    op.create_index(
        "ix_webhook_events_payment_id",
        "webhook_events",
        ["payment_id"],
        postgresql_where=sa.text("payment_id IS NOT NULL"),
        sqlite_where=sa.text("payment_id IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_events_waiting",
        "webhook_events",
        ["next_at"],
        postgresql_where=sa.text("status IN ('received', 'parked')"),
        sqlite_where=sa.text("status IN ('received', 'parked')"),
    )
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.Text()),
        sa.Column("total", sa.BigInteger()),
        sa.Column("currency", sa.String(length=3)),
        sa.CheckConstraint("event_seq >= 0", name=op.f("ck_orders_event_seq_not_negative")),
        sa.CheckConstraint(
            "total IS NULL OR total >= 0", name=op.f("ck_orders_total_not_negative")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_outbox_sequence_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_outbox_order_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_outbox_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("order_id", "sequence", name=op.f("uq_outbox_order_id_sequence")),
    )
    op.create_index("ix_outbox_payment_id", "outbox", ["payment_id"])
    op.create_index(
        "ix_outbox_unpublished",
        "outbox",
        ["order_id", "sequence"],
        postgresql_where=sa.text("published_at IS NULL"),
        sqlite_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "discrepancies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("provider_object_id", sa.Text(), nullable=False),
        sa.Column("local_value", sa.Text(), nullable=False),
        sa.Column("provider_value", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_discrepancies_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancies")),
    )
    op.create_index("ix_discrepancies_payment_id", "discrepancies", ["payment_id"])
