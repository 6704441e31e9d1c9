"""
What the store alone tells about the invariants, one payment or webhook event at a time.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from payments_core.application.verification import secrets, states, told
from payments_core.application.verification.terms import Check, Terms
from payments_core.domain.invariants import INVARIANTS, Violation
from payments_core.ports.records import PaymentRecord
from payments_core.ports.webhooks import WebhookEvent, WebhookStatus

_CHECKS: Final = {**states.CHECKS, **told.CHECKS, **secrets.CHECKS}
CHECKS: Final[Mapping[str, Check]] = {n: _CHECKS[n] for n in INVARIANTS if n in _CHECKS}
"""
The check of each invariant that a payment's rows show.
"""


def check_payment(record: PaymentRecord, terms: Terms) -> Iterator[Violation]:
    """
    Yield every broken promise that a payment's rows show.
    """
    for name, check in CHECKS.items():
        for found in check(record, terms):
            yield Violation(name, str(record.payment.id), found)


def check_webhook(event: WebhookEvent, terms: Terms) -> Iterator[Violation]:
    """
    Yield every broken promise that a webhook event's row shows.
    """
    waits = event.status in {WebhookStatus.RECEIVED, WebhookStatus.PARKED}
    due = event.next_at or event.received_at
    if waits and terms.overdue(due):
        yield Violation("I12", event.event_id, f"{event.status}, and was due at {due:%F %T}")
    if event.status is WebhookStatus.DEAD:
        yield Violation("I12", event.event_id, f"given up: {event.error}")
    if secrets.holds_secret(event.payload):
        yield Violation("I22", event.event_id, "the payload holds a secret or a card number")
