"""
``payments refund``.
"""

from uuid import UUID

import click

from payments_cli.changes import request_key, write_refunded
from payments_cli.session import PaymentId, Session, confirm, money, with_session
from payments_core.application.refund_payment import RefundPaymentCommand


@click.command("refund")
@click.argument("payment", type=PaymentId())
@click.option("--amount", help="How much, such as 12.50; all that is left if left out.")
@click.option("--reason", help="Why, for the record.")
@click.option("--idempotency-key", help="The same key again is the same refund.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_session
def command(
    session: Session,
    *,
    payment: UUID,
    amount: str | None,
    reason: str | None,
    idempotency_key: str | None,
    yes: bool,
) -> None:
    """
    Give captured money back, in whole or in part.
    """
    found = session.container.get_payment().execute(payment)
    wanted = money(amount, found.amount.currency)
    how_much = wanted or f"all that is left of {found.captured}"
    confirm(f"Refund {how_much} of payment {payment}?", yes=yes)
    done = session.container.refund_payment().execute(
        RefundPaymentCommand(
            payment_id=payment,
            amount=wanted,
            reason=reason,
            request_key=request_key(idempotency_key),
        )
    )
    write_refunded(session, done.refund)
