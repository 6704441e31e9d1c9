"""
``payments outbox``.
"""

from collections.abc import Callable
from uuid import UUID

import click

from payments_cli.examples import examples
from payments_cli.output import Row, write_facts, write_json, write_table
from payments_cli.session import Session, confirm, limit_option, operator, with_session
from payments_core.contracts.converter import timestamp
from payments_core.domain.actor import Actor
from payments_core.ports.outbox import OutboxMessage

TITLES = {
    "messageId": "message",
    "name": "name",
    "status": "status",
    "attempts": "attempts",
    "createdAt": "written",
    "error": "error",
}

message_argument = click.argument("message", type=click.UUID)


TEACHING = examples(
    "payments outbox list",
    "payments outbox requeue MESSAGE   # try it again now",
    "payments outbox release MESSAGE   # give it up, so that later ones leave",
)


@click.group("outbox", epilog=TEACHING)
def command() -> None:
    """
    Look after messages to other services that have not left.
    """


@command.command("list")
@limit_option(50)
@with_session
def list_waiting(session: Session, *, limit: int) -> None:
    """
    List what has not left, oldest first.

    New, failing and parked messages; what left is in `payments show`.
    """
    rows = [_row(m) for m in session.container.manage_outbox().waiting(limit)]
    if session.as_json:
        write_json({"items": rows})
    elif rows:
        write_table(TITLES, rows)
    else:
        click.echo("Everything has left.")


@command.command("requeue")
@message_argument
@with_session
def requeue(session: Session, *, message: UUID) -> None:
    """
    Let the relay try a message again now.

    Its failures are forgotten; the order of its order's messages is kept.
    """
    _change(session, session.container.manage_outbox().requeue, message)


@command.command("release")
@message_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_session
def release(session: Session, *, message: UUID, yes: bool) -> None:
    """
    Give a message up for ever.

    The later ones of its order leave without it: another service never learns what it told.
    """
    confirm(f"Never send message {message}?", yes=yes)
    _change(session, session.container.manage_outbox().release, message)


def _change(
    session: Session, change: Callable[[UUID, Actor], OutboxMessage], message: UUID
) -> None:
    row = _row(change(message, operator()))
    if session.as_json:
        write_json(row)
    else:
        write_facts(row)


def _row(message: OutboxMessage) -> Row:
    return {
        "messageId": str(message.id),
        "name": message.name,
        "status": message.status.value,
        "orderId": str(message.order_id),
        "paymentId": str(message.payment_id),
        "sequence": message.sequence,
        "attempts": message.attempts,
        "createdAt": timestamp(message.created_at),
        "nextAt": timestamp(message.next_at) if message.next_at else None,
        "error": message.error,
    }
