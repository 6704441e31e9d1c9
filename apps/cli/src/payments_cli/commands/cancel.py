"""
``payments cancel``.
"""

from uuid import UUID

import click

from payments_cli.changes import repeatable, write_canceled
from payments_cli.examples import examples
from payments_cli.session import PaymentId, Session, confirm, operator, with_session
from payments_core.application.cancel_payment import CancelPaymentCommand
from payments_core.domain.status import CLOSED

TEACHING = examples(
    "payments cancel PAYMENT",
)


@click.command("cancel", epilog=TEACHING)
@click.argument("payment", type=PaymentId())
@click.option("--reason", help="Why, for the record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_session
def command(session: Session, *, payment: UUID, reason: str | None, yes: bool) -> None:
    """
    Call a payment off before its money is taken.
    """
    found = session.container.get_payment().execute(payment)
    if found.status not in CLOSED:
        confirm(f"Cancel payment {payment} of {found.amount}?", yes=yes)
    with repeatable(session):
        asked = CancelPaymentCommand(payment_id=payment, reason=reason, actor=operator())
        done = session.container.cancel_payment().execute(asked)
    write_canceled(session, found, done.payment)
