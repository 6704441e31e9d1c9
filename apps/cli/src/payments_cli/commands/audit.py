"""
``payments audit``.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import click

from payments_cli.audit_rows import audit_row, short_audit_row
from payments_cli.examples import examples
from payments_cli.layout import write_entries
from payments_cli.moments import MOMENT
from payments_cli.output import Row, number_of, tell_of_more, write_json, write_table
from payments_cli.progress import progress
from payments_cli.refusal import ExitCode
from payments_cli.session import PaymentId, Session, limit_option, with_session
from payments_core.application.verify_payments import Report, VerifyPaymentsCommand
from payments_core.domain.invariants import INVARIANTS
from payments_core.ports.audit import AuditFilter

TITLES = {
    "invariant": "promise",
    "violations": "broken",
    "example": "such as",
    "todo": "what to do",
}


TEACHING = examples(
    "payments audit list --payment PAYMENT        # who did what to it",
    "payments audit list --actor alice --since 3d",
    "payments audit verify                        # every payment",
    "payments audit verify --since 3d --provider  # and what the provider has",
)


@click.group("audit", epilog=TEACHING)
def command() -> None:
    """
    Show who did what, and check that no promise was broken.
    """


@command.command("list")
@click.option("--payment", type=PaymentId(), help="Only what was done to it.")
@click.option("--actor", "subject", help="Only what this person or service did.")
@click.option("--since", type=MOMENT, help="Only since then: 90m, 12h, 3d, a date.")
@limit_option(20)
@with_session
def list_entries(
    session: Session,
    *,
    payment: UUID | None,
    subject: str | None,
    since: datetime | None,
    limit: int,
) -> None:
    """
    List who did what, the last first.

    Customers and services by their tokens, people at this command line by user and machine.
    """
    wanted = AuditFilter(payment_id=payment, subject=subject, since=since)
    page = session.container.list_audit().execute(wanted, limit)
    if session.as_json:
        rows = [audit_row(record) for record in page.items]
        write_json({"items": rows, "more": page.next is not None})
        return
    write_entries([short_audit_row(record) for record in page.items], "Nothing was done.")
    if page.next:
        tell_of_more()


@command.command("verify")
@click.option("--since", type=MOMENT, help="Only what was made since then: 3d, 12h or a date.")
@click.option("--provider", is_flag=True, help="Also compare with the provider's own objects.")
@click.option(
    "--grace",
    type=click.IntRange(0),
    default=300,
    show_default=True,
    help="Seconds after which what should be over counts as forgotten.",
)
@with_session
def verify(session: Session, *, since: datetime | None, provider: bool, grace: int) -> None:
    """
    Check every promise that the database can show; change nothing.

    Amounts, what was told and what waits, keys, states and proofs of failure are checked
    payment by payment. With --provider, its objects of that time are listed and compared too.
    Ends with 0 if no promise was found broken, and with 1 otherwise.
    """
    verifier = session.container.verify_payments()
    asked = VerifyPaymentsCommand(since=since, provider=provider, grace=timedelta(seconds=grace))
    with progress("Checking payments", lambda: verifier.total(asked)) as step:
        report = verifier.execute(asked, step)
    _show(session, report)
    if not report.clean:
        raise SystemExit(ExitCode.FAILED)


def _show(session: Session, report: Report) -> None:
    rows = [_row(report, name) for name in INVARIANTS if name in report.counts]
    looked = (
        f"Looked at {number_of(report.payments, 'payment')},"
        f" {number_of(report.webhooks, 'webhook event')}"
        f" and {number_of(report.provider_objects, 'provider object')}."
    )
    if session.as_json:
        write_json(_document(report))
    elif rows:
        write_table(TITLES, rows)
        click.echo(f"\n{number_of(sum(report.counts.values()), 'violation')}. {looked}")
    else:
        click.echo(f"No promise is broken.\n{looked}")


def _row(report: Report, name: str) -> Row:
    example = report.examples[name][0]
    invariant = INVARIANTS[name]
    return {
        "invariant": f"{name} {invariant.promise}",
        "violations": report.counts[name],
        "example": f"{example.about}: {example.found}",
        "todo": invariant.advice,
    }


def _document(report: Report) -> Row:
    return {
        "checkedAt": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "payments": report.payments,
        "webhooks": report.webhooks,
        "providerObjects": report.provider_objects,
        "clean": report.clean,
        "violations": [
            {
                "invariant": name,
                "promise": INVARIANTS[name].promise,
                "count": count,
                "advice": INVARIANTS[name].advice,
                "examples": [{"about": v.about, "found": v.found} for v in report.examples[name]],
            }
            for name, count in report.counts.items()
        ],
    }
