"""
How a command that moved money ends: done, refused, or not known yet.
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import click

from payments_cli.output import Row, payment_row, refund_row, write_facts, write_json
from payments_cli.refusal import ExitCode, Refusal
from payments_cli.session import Session
from payments_core.domain.errors import StorageUnavailable
from payments_core.domain.refund import RefundStatus
from payments_core.domain.status import CLOSED
from payments_core.ports.queries import PaymentView, RefundView

NO_ANSWER: Final = (
    "The provider did not answer, so nobody knows yet whether it was done. It is pending and"
    " will be completed: `payments explain` tells when it is looked at again"
)
INTERRUPTED: Final = (
    "Interrupted before the answer came. Nothing is lost: what was sent is on record, and"
    " `payments show` tells what became of it"
)
WAITS: Final = "The cancellation is asked for; it is done when the earlier answer is known"


def fresh_key() -> str:
    """
    Return an idempotency key that nobody used.
    """
    return secrets.token_hex(16)


def request_key(idempotency_key: str, payment: UUID | None = None) -> str:
    """
    Return the key for a request of this command line.

    Args:
        payment: Makes it unique to the payment; of one payment's operations it is so anyway.
    """
    about = f"{payment}\n" if payment else ""
    return hashlib.sha256(f"cli\n{about}{idempotency_key}".encode()).hexdigest()


@contextmanager
def repeatable(session: Session, idempotency_key: str | None = None) -> Iterator[None]:
    """
    Tell how to repeat the block's request if its end is never seen.

    Raises:
        Refusal: The database went away, or somebody stopped the command.
    """
    try:
        yield
    except StorageUnavailable as error:
        raise _unknown(session, str(error), idempotency_key) from None
    except KeyboardInterrupt:
        unknown = _unknown(session, INTERRUPTED, idempotency_key)
        code = ExitCode.INTERRUPTED
        raise Refusal(
            "interrupted", unknown.message, code, as_json=session.as_json, **unknown.details
        ) from None


def write_captured(
    session: Session, before: PaymentView, after: PaymentView, idempotency_key: str
) -> None:
    """
    Write a payment after a capture.

    Raises:
        Refusal: Nobody knows yet whether it is captured.
    """
    row = payment_row(after)
    if not after.captured:
        raise _unknown(session, NO_ANSWER, idempotency_key, row)
    _write(session, row)
    if before.captured:
        click.echo(f"Nothing to do: already captured {after.captured}.", err=True)


def write_canceled(session: Session, before: PaymentView, after: PaymentView) -> None:
    """
    Write a payment after a cancellation.

    Raises:
        Refusal: It is not over yet, or its money turned out to be taken.
    """
    row = payment_row(after)
    if after.captured:
        message = f"The money was taken first: {after.captured}; refund it"
        raise _refusal(session, "invalid_state", message, ExitCode.REFUSED, row)
    if after.status not in CLOSED:
        waits = after.unresolved_operations <= before.unresolved_operations
        raise _unknown(session, WAITS if waits else NO_ANSWER, None, row)
    _write(session, row)
    if before.status in CLOSED:
        click.echo(f"Nothing to do: already {before.status}.", err=True)


def write_refunded(session: Session, refund: RefundView, idempotency_key: str) -> None:
    """
    Write a refund.

    Raises:
        Refusal: Nobody knows yet whether it was made.
        SystemExit: It failed.
    """
    row = refund_row(refund)
    if refund.status is RefundStatus.PENDING and refund.provider_refund_id is None:
        raise _unknown(session, NO_ANSWER, idempotency_key, row)
    _write(session, row)
    if refund.status in {RefundStatus.FAILED, RefundStatus.CANCELED}:
        raise SystemExit(ExitCode.REFUSED)


def _unknown(
    session: Session, message: str, idempotency_key: str | None, row: Row | None = None
) -> Refusal:
    details: dict[str, Any] = dict(row or {})
    if idempotency_key:
        details["idempotencyKey"] = idempotency_key
        message += f".\nTo repeat it safely, add: --idempotency-key {idempotency_key}"
    return _refusal(session, "outcome_unknown", message, ExitCode.UNKNOWN, details)


def _refusal(session: Session, code: str, message: str, exit_code: ExitCode, row: Row) -> Refusal:
    if not session.as_json:
        write_facts(row)
    return Refusal(code, message, exit_code, as_json=session.as_json, **row)


def _write(session: Session, row: Row) -> None:
    if session.as_json:
        write_json(row)
    else:
        write_facts(row)
