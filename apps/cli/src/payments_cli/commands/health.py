"""
``payments health``.
"""

import click

from payments_bootstrap.health import Condition
from payments_cli.errors import ExitCode
from payments_cli.output import write_facts, write_json
from payments_cli.session import Session, with_session


@click.command("health")
@with_session
def command(session: Session) -> None:
    """
    Ask everything that the service stands on; exit code 1 if payments cannot be taken.
    """
    report = session.container.health().report()
    checks = {name: str(condition) for name, condition in report.checks.items()}
    if session.as_json:
        write_json({"status": str(report.status), "checks": checks})
    else:
        write_facts({"status": report.status, **checks})
    if report.status is Condition.UNAVAILABLE:
        raise SystemExit(ExitCode.FAILED)
