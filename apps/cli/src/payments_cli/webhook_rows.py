"""
Webhook events as they are shown.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import click

from payments_cli.output import Row, short_time
from payments_cli.visible import visible
from payments_core.application.backfill_webhooks import Gap
from payments_core.application.replay_webhook import ReplayPreview
from payments_core.contracts.converter import timestamp
from payments_core.ports.webhooks import WebhookEvent

FACTS = {
    "status": "status",
    "authorized": "authorizedAmount",
    "captured": "capturedAmount",
    "refunded": "refundedAmount",
    "failure": "failure",
    "provider_payment_id": "providerPaymentId",
    "provider_status": "providerStatus",
    "unresolved_operations": "unresolvedOperations",
}
"""
The facts that a replay can change, in the API's words.
"""


def event_row(event: WebhookEvent, *, payload: bool = False) -> dict[str, Any]:
    """
    Return what is shown of an event.
    """
    row = {
        "eventId": event.event_id,
        "provider": event.provider,
        "type": event.type,
        "topic": event.topic.value,
        "status": event.status.value,
        "paymentId": str(event.payment_id) if event.payment_id else None,
        "providerPaymentId": event.provider_payment_id,
        "createdAt": timestamp(event.created_at),
        "receivedAt": timestamp(event.received_at),
        "backfilled": event.backfilled,
        "attempts": event.attempts,
        "nextAt": timestamp(event.next_at) if event.next_at else None,
        "error": event.error,
        "headers": dict(event.headers),
        "sha256": event.sha256,
    }
    return row | ({"payload": json.loads(event.payload)} if payload else {})


def short_event_row(event: WebhookEvent) -> dict[str, str]:
    """
    Return what tells one event from another.
    """
    details = {
        "event": event.event_id,
        "payment": event.payment_id,
        "object": None if event.payment_id else event.provider_payment_id,
        "backfilled": "yes" if event.backfilled else None,
        "error": event.error,
        "next": short_time(event.next_at) if event.next_at else None,
    }
    return {
        "at": short_time(event.received_at),
        "what": event.type,
        "state": event.status.value,
        "details": ", ".join(f"{name}: {value}" for name, value in details.items() if value),
    }


def gap_row(gap: Gap) -> Row:
    """
    Return what is shown of an event that never arrived.
    """
    return {
        "eventId": gap.notice.id,
        "provider": gap.provider,
        "type": gap.notice.type,
        "providerPaymentId": gap.notice.provider_payment_id,
        "createdAt": timestamp(gap.notice.created_at),
        "status": gap.status.value if gap.status else None,
    }


def preview_row(found: ReplayPreview) -> Row:
    """
    Return what is shown of what a replay would do.
    """
    return {
        "eventId": found.event.event_id,
        "type": found.event.type,
        "status": found.event.status.value,
        "statusAfter": found.status.value,
        "paymentId": str(found.payment.id) if found.payment else None,
        "changes": [
            {"name": FACTS[c.name], "before": c.before or None, "after": c.after or None}
            for c in found.changes
        ],
        "tells": list(found.tells),
        "discrepancies": list(found.discrepancies),
        "sends": list(found.sends),
    }


def preview_lines(previews: Iterable[ReplayPreview]) -> Iterator[str]:
    """
    Yield for people what replays would do.
    """
    for found in previews:
        yield click.style(visible(f"{found.event.event_id}  {found.event.type}"), bold=True)
        yield from (f"  {name:<22}{visible(text)}" for name, text in _facts(found))
    yield "Nothing was changed: this was a dry run."


def _facts(found: ReplayPreview) -> Iterator[tuple[str, str]]:
    yield "event", _arrow(found.event.status, found.status)
    yield "payment", str(found.payment.id) if found.payment else "none here"
    for change in found.changes:
        yield FACTS[change.name], _arrow(change.before or "nothing", change.after or "nothing")
    if found.payment and not found.changes:
        yield "changes", "none: what the provider says is known here"
    for title, words in (
        ("would be told", found.tells),
        ("would be reported", found.discrepancies),
        ("would be sent", found.sends),
    ):
        if words:
            yield title, ", ".join(words)


def _arrow(before: str, after: str) -> str:
    return str(before) if before == after else f"{before} → {after}"
