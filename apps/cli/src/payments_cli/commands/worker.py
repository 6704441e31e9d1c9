"""
``payments worker``.
"""

import click

from payments_cli.session import development_option, environment, refusals
from payments_cli.signals import until_stopped


@click.command("worker")
@development_option
def command(*, development: bool) -> None:
    """
    Do what happens by itself, such as processing webhooks, until interrupted.
    """
    from payments_bootstrap import bootstrap

    with refusals():
        worker = bootstrap(environment(development=development)).worker()
    worker.start()
    until_stopped(lambda: False)
    worker.stop()
