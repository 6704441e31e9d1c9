"""
``payments health``.
"""

import logging

import click

from payments_bootstrap.health import Condition
from payments_cli.examples import examples
from payments_cli.output import write_facts, write_json
from payments_cli.refusal import ExitCode
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
    and not a provider, whose outage is "degraded". What it knows of RabbitMQ it knows from the
    workers.
    """
    # What it would log is written below, in words for people.
    logging.getLogger("payments_bootstrap.health").setLevel(logging.ERROR)
    report = session.container.health().report()
    checks = {name: str(condition) for name, condition in report.checks.items()}
    if session.as_json:
        write_json({"status": str(report.status), "checks": checks})
    else:
        write_facts({"status": report.status, **checks})
        for name, reason in report.reasons.items():
            click.echo(f"{name}: {reason}", err=True)
    if report.status is Condition.UNAVAILABLE:
        raise SystemExit(ExitCode.FAILED)
