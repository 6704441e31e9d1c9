"""
How a command that moved money ends: done, refused, or not known yet.
"""

import hashlib
import secrets

from payments_cli.errors import ExitCode, Refusal
from payments_cli.output import Row, payment_row, refund_row, write_facts, write_json
from payments_cli.session import Session
from payments_core.domain.refund import RefundStatus
from payments_core.ports.queries import PaymentView, RefundView

LATER = "The provider did not answer; the outcome is found out and completed later"


def request_key(idempotency_key: str | None) -> str:
    """
    Return the key for a request of this command line; a fresh one if none was given.
    """
    text = f"cli\n{idempotency_key or secrets.token_hex(16)}"
    return hashlib.sha256(text.encode()).hexdigest()


def write_changed(session: Session, payment: PaymentView) -> None:
    """
    Write a payment after a change.

    Raises:
        Refusal: Nobody knows yet whether the change was made.
    """
    _write(session, payment_row(payment), unknown=payment.unresolved_operations > 0)


def write_refunded(session: Session, refund: RefundView) -> None:
    """
    Write a refund.

    Raises:
        Refusal: It failed, or nobody knows yet.
    """
    pending = refund.status is RefundStatus.PENDING
    row = refund_row(refund)
    _write(session, row, unknown=pending and refund.provider_refund_id is None)
    if refund.status in {RefundStatus.FAILED, RefundStatus.CANCELED}:
        raise SystemExit(ExitCode.REFUSED)


def _write(session: Session, row: Row, *, unknown: bool) -> None:
    if session.as_json:
        write_json(row)
    else:
        write_facts(row)
    if unknown and session.as_json:
        raise SystemExit(ExitCode.UNKNOWN)
    if unknown:
        raise Refusal("outcome_unknown", LATER, ExitCode.UNKNOWN)
