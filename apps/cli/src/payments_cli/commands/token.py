"""
``payments token``.
"""

import click


@click.command("token")
@click.option("--role", "roles", multiple=True, help="Customer, Ops, Finance, Admin; repeatable.")
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
    from payments_bootstrap.development.home import Home

    if bool(roles) == bool(service):
        raise click.UsageError("Say --role for a person, or --service for a service.")
    subject = subject or (f"service-account-{service}" if service else roles[0].lower())
    click.echo(Home().issuer.token(subject, roles, service, lifetime))
