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
from payments_cli.session import PaymentId, Session, with_session

TEACHING = examples(
    "payments show PAYMENT",
    "payments show PAYMENT --output json | jq .status",
)


@click.command("show", epilog=TEACHING)
@click.argument("payment", type=PaymentId())
@with_session
def command(session: Session, payment: UUID) -> None:
    """
    Show a payment and everything that happened to it.
    """
    found = payment_row(session.container.get_payment().execute(payment))
    entries = session.container.show_timeline().execute(payment)
    if session.as_json:
        write_json({**found, "timeline": [entry_row(e) for e in entries]})
    else:
        write_facts(found)
        click.echo()
        write_entries([short_entry_row(e) for e in entries], "")
