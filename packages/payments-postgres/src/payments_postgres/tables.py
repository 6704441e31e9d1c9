"""
The tables, with every rule that the database itself can hold.

Amounts count the ISO minor units of the row's currency. Each index names its reader.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    false,
    text,
)

from payments_core.domain.actor import Channel
from payments_core.domain.discrepancy import Repair
from payments_core.domain.operation import UNRESOLVED, OperationKind, OperationState
from payments_core.domain.reconciliation import ACTIVE, RunStatus
from payments_core.domain.refund import RefundStatus
from payments_core.domain.requests import CaptureMethod
from payments_core.domain.status import CLOSED, PaymentStatus
from payments_core.ports.inbox import InboxStatus
from payments_core.ports.outbox import BLOCKING, OutboxStatus
from payments_core.ports.provider import NoticeTopic
from payments_core.ports.webhooks import OVER, WebhookStatus
from payments_postgres.column_types import CleanText, ExactText, UtcDateTime
from payments_postgres.dialects import only_where

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _words(values: Iterable[StrEnum]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _known(column: str, values: type[StrEnum]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({_words(values)})", name=f"{column}_known")


def _unless_closed(rule: str, name: str) -> CheckConstraint:
    """
    A rule of amounts; what arrives after a payment was closed is recorded as it is.
    """
    return CheckConstraint(f"{rule} OR status IN ({_words(sorted(CLOSED))})", name=name)


# Predicates of partial indexes. A query uses the index only if it says the very same words.
LIVE: Final = text(f"status NOT IN ({_words(sorted(CLOSED))})")
WAITING: Final = text(f"status IN ({_words((WebhookStatus.RECEIVED, WebhookStatus.PARKED))})")
KEPT: Final = text(f"status IN ({_words(sorted(set(WebhookStatus) - OVER))})")
BLOCKS: Final = text(f"status IN ({_words(sorted(BLOCKING))})")
UNFINISHED: Final = text(f"status IN ({_words(sorted(ACTIVE))})")
NO_OUTCOME: Final = text(f"state IN ({_words(sorted(UNRESOLVED))})")
UNSENT: Final = text("status = 'pending'")
DEFERRED: Final = text("status = 'waiting'")
HANDLED: Final = text("status = 'handled'")
DUE: Final = text("next_at IS NOT NULL")
IN_REVIEW: Final = text(f"state = '{OperationState.REVIEW}'")
STANDS: Final = text("repair IS NULL AND closed_at IS NULL")
AWAITED: Final = text(f"status = '{PaymentStatus.REQUIRES_ACTION}'")

payments: Final = Table(
    "payments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("customer_id", ExactText, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("authorized", BigInteger, nullable=False),
    Column("captured", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False),
    Column("capture_method", ExactText, nullable=False),
    Column("provider", ExactText, nullable=False),
    Column("payment_method_id", ExactText),
    Column("return_url", ExactText),
    Column("status", ExactText, nullable=False),
    Column("provider_payment_id", ExactText),
    Column("provider_status", ExactText),
    Column("client_secret", ExactText),
    Column("redirect_url", ExactText),
    Column("failure_code", CleanText),
    Column("failure_message", CleanText),
    Column("cancel_requested", Boolean, nullable=False),
    Column("expires_at", UtcDateTime),
    # Counted here so that one row shows a payment, and so that no query asks for no refunds.
    Column("unresolved_operations", Integer, nullable=False),
    Column("refund_count", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    _known("status", PaymentStatus),
    _known("capture_method", CaptureMethod),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint(
        "authorized >= 0 AND captured >= 0 AND refunded >= 0", name="amounts_not_negative"
    ),
    _unless_closed("refunded <= captured", "refunded_within_captured"),
    _unless_closed("captured <= authorized", "captured_within_authorized"),
    _unless_closed("authorized <= amount", "authorized_within_amount"),
    # One live payment per order; also read by `live_payment_of`.
    Index("uq_payments_live_order", "order_id", unique=True, **only_where(LIVE)),
    # Read by `find`.
    Index(
        "uq_payments_provider_payment_id",
        "provider",
        "provider_payment_id",
        unique=True,
        **only_where(text("provider_payment_id IS NOT NULL")),
    ),
    # Read backwards by the list: alone, and with each of its filters.
    Index("ix_payments_created_at", "created_at", "id"),
    Index("ix_payments_status", "status", "created_at", "id"),
    Index("ix_payments_customer_id", "customer_id", "created_at", "id"),
    Index("ix_payments_order_id", "order_id", "created_at", "id"),
    Index("ix_payments_provider", "provider", "created_at", "id"),
    # Read by `expired`.
    Index("ix_payments_expires_at", "expires_at", **only_where(AWAITED)),
)

payment_operations: Final = Table(
    "payment_operations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", ExactText, nullable=False),
    Column("request", ExactText, nullable=False),
    Column("request_key", ExactText),
    Column("first_sent_at", UtcDateTime, nullable=False),
    Column("state", ExactText, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("lease_token", Uuid, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_sent_at", UtcDateTime),
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("next_at", UtcDateTime),
    Column("key_spent", Boolean, nullable=False, server_default=false()),
    Column("first_pass_at", UtcDateTime),
    Column("second_pass_at", UtcDateTime),
    Column("resolved_at", UtcDateTime),
    Column("provider_status", CleanText),
    Column("failure_code", CleanText),
    Column("failure_message", CleanText),
    _known("kind", OperationKind),
    _known("state", OperationState),
    CheckConstraint("number > 0", name="number_positive"),
    # Read with the payment, in this order.
    UniqueConstraint("payment_id", "number"),
    Index(
        "uq_payment_operations_request_key",
        "payment_id",
        "request_key",
        unique=True,
        **only_where(text("request_key IS NOT NULL")),
    ),
    # Read by reconciliation.
    Index("ix_payment_operations_no_outcome", "first_sent_at", "id", **only_where(NO_OUTCOME)),
    # Read by `claim`, and by `in_review`.
    Index("ix_payment_operations_due", "next_at", **only_where(DUE)),
    Index("ix_payment_operations_review", "first_sent_at", **only_where(IN_REVIEW)),
)

refunds: Final = Table(
    "refunds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("reason", CleanText),
    Column("request_key", ExactText),
    Column("compensates", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("status", ExactText, nullable=False),
    Column("provider_refund_id", ExactText),
    Column("failure_code", CleanText),
    Column("failure_message", CleanText),
    Column("completed_at", UtcDateTime),
    _known("status", RefundStatus),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("number > 0", name="number_positive"),
    # Read with the payment, in this order.
    UniqueConstraint("payment_id", "number"),
    Index(
        "uq_refunds_provider_refund_id",
        "payment_id",
        "provider_refund_id",
        unique=True,
        **only_where(text("provider_refund_id IS NOT NULL")),
    ),
    # Read backwards by reconciliation.
    Index("ix_refunds_created_at", "created_at", "id"),
)

# This table, the outbox and the audit log are kept by month on PostgreSQL (`months`): there each
# month has the keys that stand here. No foreign keys: a month that goes would lock the payments.
webhook_events: Final = Table(
    "webhook_events",
    metadata,
    Column("provider", ExactText, primary_key=True),
    Column("event_id", ExactText, primary_key=True),
    Column("type", CleanText, nullable=False),
    Column("topic", ExactText, nullable=False),
    Column("provider_payment_id", ExactText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("payload", CleanText, nullable=False),
    Column("sha256", ExactText, nullable=False),
    Column("headers", CleanText, nullable=False),
    Column("status", ExactText, nullable=False),
    Column("payment_id", Uuid),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime),
    Column("error", CleanText),
    Column("backfilled", Boolean, nullable=False, server_default=false()),
    _known("topic", NoticeTopic),
    _known("status", WebhookStatus),
    # Read backwards by the list: alone, and by status.
    Index("ix_webhook_events_received_at", "received_at", "provider", "event_id"),
    Index("ix_webhook_events_status", "status", "received_at", "provider", "event_id"),
    # Read by `claim`.
    Index("ix_webhook_events_waiting", "next_at", **only_where(WAITING)),
    # Read by the timeline, and backwards by the list.
    Index(
        "ix_webhook_events_payment_id",
        "payment_id",
        "received_at",
        "provider",
        "event_id",
        **only_where(text("payment_id IS NOT NULL")),
    ),
)

orders: Final = Table(
    "orders",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("event_seq", BigInteger, nullable=False),
    Column("customer_id", ExactText),
    Column("total", BigInteger),
    Column("currency", String(3)),
    # A payment makes its order's row for the sequence; the Order Service may never tell of it.
    Column("known", Boolean, nullable=False, server_default=false()),
    CheckConstraint("event_seq >= 0", name="event_seq_not_negative"),
    CheckConstraint("total IS NULL OR total >= 0", name="total_not_negative"),
)

outbox: Final = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Without an order it waits for no other message.
    Column("order_id", Uuid),
    Column("payment_id", Uuid),
    Column("sequence", BigInteger, nullable=False),
    Column("name", ExactText, nullable=False),
    Column("destination", ExactText, nullable=False),
    Column("content_type", ExactText, nullable=False),
    Column("body", CleanText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("status", ExactText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime),
    Column("published_at", UtcDateTime),
    Column("error", CleanText),
    Column("correlation_id", ExactText),
    Column("traceparent", ExactText),
    _known("status", OutboxStatus),
    CheckConstraint("sequence > 0", name="sequence_positive"),
    UniqueConstraint("order_id", "sequence"),
    # Read by the timeline.
    Index("ix_outbox_payment_id", "payment_id"),
    # Read by `claim`: what is due, and whether something of its order comes before it.
    Index("ix_outbox_due", "next_at", **only_where(UNSENT)),
    Index("ix_outbox_blocking", "order_id", "sequence", **only_where(BLOCKS)),
    # Read by `waiting`.
    Index("ix_outbox_waiting", "created_at", **only_where(BLOCKS)),
)

inbox: Final = Table(
    "inbox",
    metadata,
    Column("endpoint", ExactText, primary_key=True),
    Column("message_id", Uuid, primary_key=True),
    Column("content", CleanText, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("status", ExactText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime),
    Column("error", CleanText),
    _known("status", InboxStatus),
    # Read by `claim`.
    Index("ix_inbox_deferred", "next_at", **only_where(DEFERRED)),
    # Read by `forget`.
    Index("ix_inbox_handled", "received_at", **only_where(HANDLED)),
)

discrepancies: Final = Table(
    "discrepancies",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Without one where the provider has an object of which nothing is known here.
    Column("payment_id", Uuid, ForeignKey("payments.id")),
    Column("kind", ExactText, nullable=False),
    Column("provider_object_id", ExactText, nullable=False),
    Column("local_value", CleanText, nullable=False),
    Column("provider_value", CleanText, nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("run_id", Uuid, ForeignKey("reconciliation_runs.id")),
    Column("repair", ExactText),
    Column("repaired_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Column("closed_by", CleanText),
    # The same note again is the same answer.
    Column("note", ExactText),
    _known("repair", Repair),
    # Read by the timeline, and backwards by the list.
    Index("ix_discrepancies_payment_id", "payment_id", "found_at", "id"),
    # Read by `found`.
    Index(
        "ix_discrepancies_run_id",
        "run_id",
        "found_at",
        "id",
        **only_where(text("run_id IS NOT NULL")),
    ),
    # Read backwards by the count of those that stand, and by their list: alone, and by kind.
    Index("ix_discrepancies_standing", "found_at", "id", "kind", **only_where(STANDS)),
    Index("ix_discrepancies_standing_kind", "kind", "found_at", "id", **only_where(STANDS)),
    # Read backwards by the list of all: alone, and by kind.
    Index("ix_discrepancies_found_at", "found_at", "id"),
    Index("ix_discrepancies_kind", "kind", "found_at", "id"),
)

reconciliation_runs: Final = Table(
    "reconciliation_runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider", ExactText, nullable=False),
    Column("window_start", UtcDateTime, nullable=False),
    Column("window_end", UtcDateTime, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("requested_by", CleanText, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("status", ExactText, nullable=False),
    Column("leg", ExactText),
    Column("cursor", UtcDateTime),
    Column("unseen", ExactText, nullable=False),
    Column("checked", BigInteger, nullable=False),
    Column("found", BigInteger, nullable=False),
    Column("fresh", BigInteger, nullable=False),
    Column("repaired", BigInteger, nullable=False),
    Column("kinds", ExactText, nullable=False),
    Column("findings", CleanText, nullable=False),
    Column("lease_until", UtcDateTime),
    Column("lease_token", Uuid),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("error", CleanText),
    _known("status", RunStatus),
    CheckConstraint("window_start <= window_end", name="window_forwards"),
    # One at a time; also read by `active` and `claim`.
    Index("uq_reconciliation_runs_active", "provider", unique=True, **only_where(UNFINISHED)),
)

# Rows are added and nothing else: triggers of the migration refuse every change. Hence no foreign
# key either, whose parent could not go away any more.
audit_log: Final = Table(
    "audit_log",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("channel", ExactText, nullable=False),
    Column("issuer", CleanText, nullable=False),
    Column("subject", CleanText, nullable=False),
    Column("client", CleanText, nullable=False),
    Column("request_id", CleanText, nullable=False),
    Column("action", ExactText, nullable=False),
    Column("payment_id", Uuid),
    Column("refund_id", Uuid),
    Column("operation_id", Uuid),
    Column("about", CleanText),
    Column("amount", BigInteger),
    Column("currency", String(3)),
    Column("before", ExactText),
    Column("after", ExactText),
    Column("reason", CleanText),
    _known("channel", Channel),
    # Read backwards by the list: alone, by payment, and by who it was.
    Index("ix_audit_log_at", "at", "id"),
    Index(
        "ix_audit_log_payment_id",
        "payment_id",
        "at",
        "id",
        **only_where(text("payment_id IS NOT NULL")),
    ),
    Index("ix_audit_log_subject", "subject", "at", "id"),
)

# No foreign key to the payment: its check would wait for whoever holds the payment, and keys are
# taken before payments are locked.
idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("key", ExactText, primary_key=True),
    Column("fingerprint", ExactText, nullable=False),
    Column("payment_id", Uuid, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("result", ExactText),
    # Read by `forget`.
    Index("ix_idempotency_keys_expires_at", "expires_at"),
)

# What retention has removed: of each history everything older may be gone.
retention: Final = Table(
    "retention",
    metadata,
    Column("history", ExactText, primary_key=True),
    Column("removed_before", UtcDateTime, nullable=False),
)

# As many rows as there are workers, so that it needs no index but its key.
heartbeats: Final = Table(
    "heartbeats",
    metadata,
    Column("worker", CleanText, primary_key=True),
    Column("parts", ExactText, nullable=False),
    Column("broker", Boolean),
    Column("at", UtcDateTime, nullable=False),
)
