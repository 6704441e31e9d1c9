"""
Entries of the audit log as they are shown.
"""

from typing import Any

from payments_cli.output import short_time
from payments_core.contracts.converter import timestamp
from payments_core.ports.audit import AuditRecord


def audit_row(record: AuditRecord) -> dict[str, Any]:
    """
    Return what is shown of an entry.
    """
    entry, actor = record.entry, record.entry.actor
    return {
        "at": timestamp(entry.at),
        "action": entry.action,
        "actor": {
            "subject": actor.subject,
            "channel": actor.channel.value,
            "issuer": actor.issuer,
            "client": actor.client,
            "requestId": actor.request_id,
        },
        "paymentId": _text(entry.payment_id),
        "refundId": _text(entry.refund_id),
        "operationId": _text(entry.operation_id),
        "about": entry.about,
        "amount": entry.amount.text if entry.amount else None,
        "currency": entry.amount.currency if entry.amount else None,
        "before": entry.before,
        "after": entry.after,
        "outcome": record.outcome.value if record.outcome else None,
        "reason": entry.reason,
    }


def short_audit_row(record: AuditRecord) -> dict[str, str]:
    """
    Return what people look for in an entry.
    """
    entry, actor = record.entry, record.entry.actor
    details = {
        "payment": entry.payment_id,
        "of": entry.about,
        "reason": entry.reason,
        "by": f"{actor.channel} {actor.client} {actor.issuer}".strip(),
    }
    amount = f" {entry.amount}" if entry.amount else ""
    return {
        "at": short_time(entry.at),
        "what": f"{actor.subject or 'somebody'} {entry.action}{amount}",
        "state": _state(record),
        "details": ", ".join(f"{name}: {value}" for name, value in details.items() if value),
    }


def _state(record: AuditRecord) -> str:
    # What is asked for a run is its beginning; the entry does not learn how it ended.
    after = "" if record.entry.action == "reconcile" else record.entry.after
    return str(record.outcome or after or "")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
