"""
``payments db``.
"""

import logging

import click

from payments_cli.examples import examples
from payments_cli.output import write_json
from payments_cli.refusal import ExitCode
from payments_cli.session import Session, with_session

TEACHING = examples(
    "payments db status || payments db migrate",
)


@click.group("db", epilog=TEACHING)
def command() -> None:
    """
    Bring the database's tables up to date, or see whether they are.
    """
    # Alembic tells of its own preparations at each call, also where nothing is done.
    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)


@command.command("migrate")
@with_session
def migrate(session: Session) -> None:
    """
    Bring the tables up to date; nothing happens if they are.
    """
    from payments_bootstrap.serving import migrate_database

    migrate_database(session.container)
    _write(session, current=True)


@command.command("status")
@with_session
def status(session: Session) -> None:
    """
    Say whether the tables are up to date.

    Exit code 1 if they are not.
    """
    from payments_bootstrap.serving import database_is_current

    current = database_is_current(session.container)
    _write(session, current=current)
    if not current:
        raise SystemExit(ExitCode.FAILED)


def _write(session: Session, *, current: bool) -> None:
    if session.as_json:
        write_json({"current": current})
    elif current:
        click.echo("The database is up to date.")
    else:
        click.echo("The database is not up to date: run `payments db migrate`.")
