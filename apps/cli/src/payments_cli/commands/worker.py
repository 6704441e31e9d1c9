"""
``payments worker``.
"""

import click

from payments_cli.session import development_option, environment, refusals
from payments_cli.signals import until_stopped

PARTS = ("relay", "consumers", "webhooks")


@click.command("worker")
@development_option
@click.option(
    "--only",
    type=click.Choice(PARTS),
    multiple=True,
    help="Run this part alone; may be given twice. Any number of each may run at once.",
)
def command(*, development: bool, only: tuple[str, ...]) -> None:
    """
    Do what happens by itself, until interrupted.

    The relay publishes events, the consumers take commands and orders from RabbitMQ, and
    stored webhooks that were not processed are.
    """
    from payments_bootstrap import bootstrap, close
    from payments_bootstrap.worker import Part

    with refusals(development=development):
        container = bootstrap(environment(development=development))
        worker = container.worker(only=tuple(Part(name) for name in only))
    worker.start()
    until_stopped(lambda: False)
    worker.stop()
    close(container)
