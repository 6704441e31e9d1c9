"""
``payments show``.
"""

from uuid import UUID

import click

from payments_cli.examples import examples
from payments_cli.layout import write_entries
from payments_cli.output import (
    entry_row,
    payment_row,
    short_entry_row,
    write_facts,
    write_json,
)
from payments_cli.session import AnyPaymentId, Session, with_session

TEACHING = examples(
    "payments show PAYMENT",
    "payments show pi_…                           # by the provider's own id",
    "payments show PAYMENT --output json | jq .status",
)


@click.command("show", epilog=TEACHING)
@click.argument("payment", type=AnyPaymentId())
@with_session
def command(session: Session, payment: UUID | str) -> None:
    """
    Show a payment and everything that happened to it.
    """
    found = session.payment(payment)
    entries = session.container.show_timeline().execute(found.id)
    if session.as_json:
        write_json({**payment_row(found), "timeline": [entry_row(e) for e in entries]})
    else:
        write_facts(payment_row(found))
        click.echo()
        write_entries([short_entry_row(e) for e in entries], "")
