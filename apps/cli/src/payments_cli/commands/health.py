"""
``payments health``.
"""

import click

from payments_bootstrap.health import Condition
from payments_cli.errors import ExitCode
from payments_cli.examples import examples
from payments_cli.output import write_facts, write_json
from payments_cli.session import Session, with_session

TEACHING = examples(
    "payments health --development",
    "payments health --output json || echo not ready",
)


@click.command("health", epilog=TEACHING)
@with_session
def command(session: Session) -> None:
    """
    Ask everything that the service stands on.

    Exit code 1 if something that HEALTH__REQUIRED names is missing: by default the database,
    and not a provider, whose outage is "degraded".
    """
    report = session.container.health().report()
    checks = {name: str(condition) for name, condition in report.checks.items()}
    if session.as_json:
        write_json({"status": str(report.status), "checks": checks})
    else:
        write_facts({"status": report.status, **checks})
    if report.status is Condition.UNAVAILABLE:
        raise SystemExit(ExitCode.FAILED)
