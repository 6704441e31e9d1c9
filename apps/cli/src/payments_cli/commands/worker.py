"""
``payments worker``.
"""

import signal

import click

from payments_cli.examples import examples
from payments_cli.progress import tell
from payments_cli.refusal import ExitCode
from payments_cli.session import begin, development_option, refusals
from payments_cli.signals import Stop

PARTS = ("relay", "consumers", "webhooks", "sweeper", "reconciliation")


TEACHING = examples(
    "payments worker --development   # beside `payments serve`",
    "payments worker --only relay     # one part, in a process of its own",
)


@click.command("worker", epilog=TEACHING)
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

    The relay publishes events, the consumers take commands and orders from RabbitMQ, stored
    webhooks that were not processed are, the sweeper resolves operations whose answer was lost
    and ends payments that nobody paid in time, and reconciliations run when they are due or
    were asked for. Ctrl-C and SIGTERM let it finish what is under way, a second Ctrl-C does not;
    whatever ends it, the next worker goes on where it stopped.
    """
    from payments_bootstrap import close
    from payments_bootstrap.worker import Part

    # From here on, since a process that is the first of its container would not hear it before.
    stop = Stop()
    with refusals(development=development):
        container = begin(development=development)
        worker = container.worker(only=tuple(Part(name) for name in only))
    metrics = container.worker_metrics()
    metrics.start()
    worker.start()
    tell(f"Working: {', '.join(job.name for job in worker.jobs)}. Ctrl-C stops.")
    stop.wait()
    tell("Finishing what is under way …")
    worker.stop()
    metrics.stop()
    close(container)
    tell("Stopped. Nothing is lost: what waits is stored, and the next worker goes on with it.")
    if stop.number == signal.SIGINT:
        raise SystemExit(ExitCode.INTERRUPTED)
