"""
``payments serve``.
"""

import os
from typing import NoReturn

import click

from payments_cli.banner import banner
from payments_cli.examples import examples
from payments_cli.refusal import ExitCode, Refusal
from payments_cli.session import refusals
from payments_cli.signals import Stop

DEVELOPMENT_PORT = 5004


TEACHING = examples(
    "payments serve --development              # everything, on localhost:5004",
    "payments serve --development --port 5010  # the same elsewhere",
    "payments serve                            # the API alone, in production",
)


@click.command("serve", epilog=TEACHING)
@click.option("--development", is_flag=True, help="The whole service, with a simulated Stripe.")
@click.option(
    "--port", type=click.IntRange(1, 65_535), help="5004 in development, else HTTP__PORT."
)
def command(*, development: bool, port: int | None) -> None:
    """
    Serve the API.

    With --development nothing else is needed: SQLite and keys under var/, the Stripe
    simulator, the worker, and tokens by `payments token`.
    """
    if development:
        _develop(port or DEVELOPMENT_PORT)
    else:
        _serve(port)


def _develop(port: int) -> None:
    from payments_bootstrap.development.home import Home
    from payments_bootstrap.development.processes import StartError, listens
    from payments_bootstrap.development.service import running

    try:
        with refusals(development=True), running(Home(), os.environ, port) as service:
            stop = Stop()
            click.echo(banner(service.url, service.simulator_url))
            stop.wait(lambda: service.broken() is not None)
            broken = service.broken()
            click.echo("Stopping …")
    except StartError as error:
        taken = f'; with make: `make run ARGS="--port {port + 2}"`' if listens(port) else ""
        message = str(error) + taken
        raise Refusal("not_started", message, ExitCode.FAILED) from None
    if broken:
        message = f"The {broken} ended by itself; its messages are above"
        raise Refusal("ended", message, ExitCode.FAILED)


def _serve(port: int | None) -> NoReturn:
    from payments_bootstrap.configuration import load
    from payments_bootstrap.serving import WEB_SERVER

    environ = dict(os.environ)
    if port is not None:
        environ["HTTP__PORT"] = str(port)
    with refusals():
        load(environ)
    # The web server takes this process's place, so that signals reach it directly.
    os.execve(WEB_SERVER[0], WEB_SERVER, environ)  # noqa: S606 - our own server, no shell
