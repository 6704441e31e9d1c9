"""
``payments cancel``.
"""

from uuid import UUID

import click

from payments_cli.changes import write_changed
from payments_cli.session import PaymentId, Session, confirm, with_session
from payments_core.application.cancel_payment import CancelPaymentCommand


@click.command("cancel")
@click.argument("payment", type=PaymentId())
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_session
def command(session: Session, *, payment: UUID, yes: bool) -> None:
    """
    Call a payment off before its money is taken.
    """
    found = session.container.get_payment().execute(payment)
    confirm(f"Cancel payment {payment} of {found.amount}?", yes=yes)
    done = session.container.cancel_payment().execute(CancelPaymentCommand(payment_id=payment))
    write_changed(session, done)
