"""
What the audit log says of a change to a payment, and looking at it.
"""

from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

import attrs
from attrs.converters import optional

from payments_core.domain.actor import Actor
from payments_core.domain.ids import child_id
from payments_core.domain.operation import Operation
from payments_core.domain.payment import Payment
from payments_core.domain.status import PaymentStatus
from payments_core.masking import mask
from payments_core.ports.audit import (
    AuditCursor,
    AuditEntry,
    AuditFilter,
    AuditPage,
    IAuditQueries,
)
from payments_core.ports.webhooks import WebhookEvent, WebhookStatus


@attrs.frozen(kw_only=True)
class Asked:
    """
    What somebody wants of a payment, for the record.
    """

    action: str
    actor: Actor
    reason: str | None = attrs.field(default=None, converter=optional(mask))

    def entry(
        self, payment: Payment, operation: Operation | None, before: PaymentStatus | None
    ) -> AuditEntry:
        """
        Return what the audit log says once the payment is saved.

        Its version makes the id: a transaction changes a payment once, and is told once.
        """
        request = operation.request if operation else None
        return AuditEntry(
            id=child_id(payment.id, "audit", payment.version),
            at=payment.updated_at,
            actor=self.actor,
            action=self.action,
            payment_id=payment.id,
            refund_id=getattr(request, "refund_id", None),
            operation_id=operation.id if operation else None,
            amount=getattr(request, "amount", None),
            before=before,
            after=payment.status,
            reason=self.reason,
        )


def about_webhook(
    event: WebhookEvent,
    action: str,
    actor: Actor,
    now: datetime,
    before: WebhookStatus | None = None,
) -> AuditEntry:
    """
    Return what the audit log says of something that a person did to a stored event.
    """
    about = f"webhook {event.event_id}"
    return AuditEntry(
        id=uuid5(NAMESPACE_OID, f"{action} {event.provider} {about} {now.isoformat()}"),
        at=now,
        actor=actor,
        action=action,
        payment_id=event.payment_id,
        about=about,
        before=before,
        after=event.status,
    )


@attrs.frozen
class ListAudit:
    """
    Shows who did what, newest first, a page at a time.
    """

    queries: IAuditQueries

    def execute(
        self, wanted: AuditFilter, limit: int, after: AuditCursor | None = None
    ) -> AuditPage:
        """
        Return up to `limit` entries from the cursor on.
        """
        return self.queries.list(wanted, limit, after)
