"""
``payments operations``.
"""

from uuid import UUID

import click

from payments_cli.examples import examples
from payments_cli.output import Row, write_facts, write_json, write_table
from payments_cli.session import PaymentId, Session, limit_option, operator, with_session
from payments_core.application.look_again import LookAgainCommand
from payments_core.contracts.converter import timestamp
from payments_core.domain.operation import Operation

TITLES = {
    "operationId": "operation",
    "kind": "kind",
    "paymentId": "payment",
    "firstSentAt": "sent",
    "reason": "reason",
}

TEACHING = examples(
    "payments operations list                           # what waits for a person",
    "payments operations look-again PAYMENT OPERATION   # once it is put right",
)


@click.group("operations", epilog=TEACHING)
def command() -> None:
    """
    Look after operations that wait for a person.

    Nobody could find out what the provider made of them. Put right at the provider what is
    wrong, and hand them back: what the provider shows then ends them.
    """


@command.command("list")
@limit_option(50)
@with_session
def list_reviews(session: Session, *, limit: int) -> None:
    """
    List operations in review, oldest first.
    """
    waiting = session.container.report_reviews().waiting(limit)
    rows = [_row(payment_id, operation) for payment_id, operation in waiting]
    if session.as_json:
        write_json({"items": rows})
    elif rows:
        write_table(TITLES, rows)
    else:
        click.echo("Nothing waits for a person.")


@command.command("look-again")
@click.argument("payment", type=PaymentId())
@click.argument("operation", type=click.UUID)
@click.option("--reason", help="What was done about it, for the audit log.")
@with_session
def look_again(session: Session, *, payment: UUID, operation: UUID, reason: str | None) -> None:
    """
    Let the sweeper look at an operation in review.

    It looks within seconds, and never sends the operation again. If the provider has nothing,
    two looks must prove that: the second is due ten minutes after the first.
    """
    wanted = LookAgainCommand(
        payment_id=payment, operation_id=operation, reason=reason, actor=operator()
    )
    view = session.container.look_again().execute(wanted)
    row: Row = {
        "operationId": str(operation),
        "paymentId": str(view.id),
        "status": view.status.value,
        "unresolvedOperations": view.unresolved_operations,
    }
    if session.as_json:
        write_json(row)
    else:
        write_facts(row)


def _row(payment_id: UUID, operation: Operation) -> Row:
    return {
        "operationId": str(operation.id),
        "kind": operation.kind.value,
        "paymentId": str(payment_id),
        "firstSentAt": timestamp(operation.first_sent_at),
        "attempts": operation.attempts,
        "reason": operation.failure.code if operation.failure else None,
    }
