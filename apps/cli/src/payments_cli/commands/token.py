"""
``payments token``.
"""

import os
from collections.abc import Iterable, Mapping, Sequence

import click

from payments_bootstrap import ConfigurationError
from payments_bootstrap.development.home import Home
from payments_bootstrap.permissions import ROLES, SERVICES
from payments_cli.examples import examples
from payments_cli.session import refusals

TEACHING = examples(
    "payments token --role Customer --sub alice",
    "payments token --service order-service",
)


@click.command("token", epilog=TEACHING)
@click.option(
    "--role", "roles", multiple=True, help="Customer, User, Ops, Finance, Admin; repeatable."
)
@click.option("--sub", "subject", help="Whose token; a customer owns what they make.")
@click.option("--service", help="For a service instead of a person, such as order-service.")
@click.option("--lifetime", type=click.IntRange(1, 86_400), default=3600, help="Seconds.")
def command(
    roles: tuple[str, ...], subject: str | None, service: str | None, lifetime: int
) -> None:
    """
    Print a token for trying the API (development only).

    Only a service that runs with ENVIRONMENT=development on this machine accepts it.
    """
    if bool(roles) == bool(service):
        raise click.UsageError("Say --role for a person, or --service for a service.")
    subject = subject or (f"service-account-{service}" if service else roles[0].lower())
    with refusals(development=True):
        home = _home(os.environ)
    _warn("role", roles, ROLES)
    _warn("service", [service] if service else [], SERVICES)
    click.echo(home.issuer.token(subject, roles, service, lifetime))


def _home(environ: Mapping[str, str]) -> Home:
    """
    Return the folder of the service that is to accept the token.

    Raises:
        ConfigurationError: There is none here, or this is another kind of environment.
    """
    kind = environ.get("ENVIRONMENT", "development")
    if kind != "development":
        raise ConfigurationError([f"ENVIRONMENT is {kind}: tokens come from Keycloak there"])
    home = Home()
    home.environ(environ)
    return home


def _warn(what: str, names: Sequence[str], known: Iterable[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        allowed = f"unless the settings say otherwise; known: {', '.join(known)}"
        click.echo(f"The {what} {', '.join(unknown)} allows nothing, {allowed}", err=True)
