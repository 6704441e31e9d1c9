"""
``payments discrepancies``.
"""

from uuid import UUID

import click

from payments_cli.discrepancy_rows import discrepancy_row, short_discrepancy_row
from payments_cli.examples import examples
from payments_cli.layout import write_entries
from payments_cli.output import tell_of_more, write_facts, write_json
from payments_cli.session import PaymentId, Session, limit_option, operator, with_session
from payments_core.application.close_discrepancy import CloseDiscrepancyCommand
from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.ports.reconciliation import DiscrepancyFilter

KINDS = [kind.value for kind in DiscrepancyKind]

TEACHING = examples(
    "payments discrepancies list                   # what a person must look at",
    "payments discrepancies list --payment PAYMENT --all",
    'payments discrepancies close ID --note "refunded by hand, ticket 4711"',
)


@click.group("discrepancies", epilog=TEACHING)
def command() -> None:
    """
    Look after differences from the provider.

    One stands until it is repaired, or a person who looked at it closes it. What each kind
    means, and what to do: docs/reconciliation.md.
    """


@command.command("list")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    metavar="KIND",
    help=f"Only those of it: {', '.join(KINDS)}.",
)
@click.option("--payment", type=PaymentId(), help="Only those of this payment.")
@click.option("--all", "ended", is_flag=True, help="Also those that are repaired or closed.")
@limit_option(20)
@with_session
def list_discrepancies(
    session: Session, *, kind: str | None, payment: UUID | None, ended: bool, limit: int
) -> None:
    """
    List those that stand, the last found first.
    """
    wanted = DiscrepancyFilter(
        kind=DiscrepancyKind(kind) if kind else None, payment_id=payment, ended=ended
    )
    found = session.container.list_discrepancies().execute(wanted, limit)
    if session.as_json:
        rows = [discrepancy_row(one) for one in found.items]
        write_json({"items": rows, "more": found.next is not None})
        return
    nothing = "No differences." if ended else "No difference stands."
    write_entries([short_discrepancy_row(one) for one in found.items], nothing)
    if found.next:
        tell_of_more()


@command.command("close")
@click.argument("discrepancy", metavar="ID", type=click.UUID)
@click.option("--note", required=True, help="What was done about it, for the record.")
@with_session
def close(session: Session, *, discrepancy: UUID, note: str) -> None:
    """
    Say that a difference is done with.

    It stands no more, also when it is found again; when the provider says something else,
    that is another one. No payment changes by it.
    """
    asked = CloseDiscrepancyCommand(discrepancy_id=discrepancy, note=note, actor=operator())
    row = discrepancy_row(session.container.close_discrepancy().execute(asked))
    if session.as_json:
        write_json(row)
    else:
        write_facts(row)
