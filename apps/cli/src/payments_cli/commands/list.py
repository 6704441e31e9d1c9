"""
``payments list``.
"""

from uuid import UUID

import click

from payments_cli.examples import examples
from payments_cli.layout import payment_lines
from payments_cli.output import (
    payment_row,
    short_payment_row,
    tell_of_more,
    terminal_width,
    write_json,
    write_table,
)
from payments_cli.session import PROVIDER_ID, Session, limit_option, with_session
from payments_core.domain.status import PaymentStatus
from payments_core.ports.queries import Page, PaymentFilter

TITLES = {
    "paymentId": "payment",
    "status": "status",
    "amount": "amount",
    "createdAt": "created, UTC",
    "customerId": "customer",
}

STATUSES = [status.value for status in PaymentStatus]


TEACHING = examples(
    "payments list --status Succeeded --limit 5",
    "payments list --provider-id pi_…        # what Stripe's page shows",
    "payments list --customer alice --output json | jq -r '.items[].paymentId'",
)


@click.command("list", epilog=TEACHING)
@click.option(
    "--status",
    type=click.Choice(STATUSES, case_sensitive=False),
    metavar="STATUS",
    help=f"Only those in it: {', '.join(STATUSES)}.",
)
@click.option("--order", "order_id", type=click.UUID, help="Only this order's.")
@click.option("--customer", "customer_id", help="Only this customer's.")
@click.option("--provider", help="Only this provider's.")
@click.option(
    "--provider-id",
    type=PROVIDER_ID,
    help="Only what the provider knows by this id; the default one if none is named.",
)
@limit_option(20)
@with_session
def command(
    session: Session,
    *,
    status: str | None,
    order_id: UUID | None,
    customer_id: str | None,
    provider: str | None,
    provider_id: str | None,
    limit: int,
) -> None:
    """
    List payments, newest first.
    """
    wanted = PaymentFilter(
        status=PaymentStatus(status) if status else None,
        order_id=order_id,
        customer_id=customer_id,
        provider=session.provider(provider) if provider_id else provider,
        provider_payment_id=provider_id,
    )
    page = session.container.list_payments().execute(wanted, limit)
    if session.as_json:
        rows = [payment_row(p) for p in page.items]
        write_json({"items": rows, "more": page.next is not None})
    else:
        _write_page(page)


def _write_page(page: Page) -> None:
    rows = [short_payment_row(payment) for payment in page.items]
    width = terminal_width()
    if not rows:
        click.echo("No payments.")
    elif width:
        click.echo("\n".join(payment_lines(TITLES, rows, width)))
    else:
        write_table(TITLES, rows)
    if page.next:
        tell_of_more()
