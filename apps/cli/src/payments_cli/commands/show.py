"""
``payments show``.
"""

from collections.abc import Sequence
from uuid import UUID

import click

from payments_cli.examples import examples
from payments_cli.layout import entry_lines
from payments_cli.output import (
    Row,
    entry_row,
    payment_row,
    short_entry_row,
    terminal_width,
    write_facts,
    write_json,
    write_table,
)
from payments_cli.session import PaymentId, Session, with_session

TITLES = {"at": "at, UTC", "what": "what", "state": "state", "details": "details"}


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
        _write_timeline([short_entry_row(e) for e in entries])


def _write_timeline(rows: Sequence[Row]) -> None:
    width = terminal_width()
    if width:
        click.echo("\n".join(entry_lines(rows, width)))
    else:
        write_table(TITLES, rows)
