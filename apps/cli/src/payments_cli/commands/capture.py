"""
``payments capture``.
"""

from uuid import UUID

import click

from payments_cli.changes import fresh_key, repeatable, request_key, write_captured
from payments_cli.examples import examples
from payments_cli.session import PaymentId, Session, confirm, money, operator, with_session
from payments_core.application.capture_payment import CapturePaymentCommand

TEACHING = examples(
    "payments capture PAYMENT                 # all that is authorised",
    "payments capture PAYMENT --amount 60.00  # the rest is released",
)


@click.command("capture", epilog=TEACHING)
@click.argument("payment", type=PaymentId())
@click.option("--amount", help="How much, such as 12.50; all that is authorised if left out.")
@click.option("--idempotency-key", help="The same key again captures once.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_session
def command(
    session: Session, *, payment: UUID, amount: str | None, idempotency_key: str | None, yes: bool
) -> None:
    """
    Take what is authorised, in whole or in part; the rest is released.
    """
    found = session.container.get_payment().execute(payment)
    wanted = money(session, amount, found.amount.currency)
    # Captured money is captured once: there is nothing left to agree to.
    if not found.captured:
        confirm(f"Capture {wanted or found.authorized} of payment {payment}?", yes=yes)
    key = idempotency_key or fresh_key()
    asked = CapturePaymentCommand(
        payment_id=payment,
        amount=wanted,
        request_key=request_key(key),
        idempotency_key=request_key(key, payment),
        actor=operator(),
    )
    with repeatable(session, key):
        done = session.container.capture_payment().execute(asked)
    write_captured(session, found, done.payment, key)
