"""
Starting and stopping a developer's whole service.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs

from payments_bootstrap import bootstrap, close
from payments_bootstrap.development.home import API_KEY, Home
from payments_bootstrap.development.processes import (
    Process,
    StartError,
    answers,
    free_port,
    listens,
    start,
)
from payments_bootstrap.serving import WEB_SERVER, migrate_database


@attrs.frozen
class RunningService:
    """
    A developer's service while it runs.
    """

    url: str
    simulator_url: str
    processes: tuple[Process, ...]

    def broken(self) -> str | None:
        """
        Return the name of a part that ended by itself, if one did.
        """
        return next((p.name for p in self.processes if not p.alive), None)


@contextmanager
def running(home: Home, environ: Mapping[str, str], port: int) -> Iterator[RunningService]:
    """
    Run the simulator, the worker and the API until the block ends.

    Raises:
        StartError: A port is taken, or a part did not start.
        ConfigurationError: The environment contradicts a developer's service.
    """
    if listens(port) or free_port(port) != port:
        raise StartError(
            f"Port {port} is taken: stop what listens there, or choose another with --port"
        )
    simulator_port = free_port(port + 1)
    home.prepare(port=port, simulator_port=simulator_port)
    settings = home.environ(environ)
    container = bootstrap(settings)
    with ExitStack() as stack:
        stack.callback(close, container)
        migrate_database(container)
        simulator = _started(stack, _simulator(home, environ, port, simulator_port))
        api = _started(stack, _api(settings, port))
        worker = container.worker()
        worker.start()
        stack.callback(worker.stop)
        url = f"http://localhost:{port}"
        yield RunningService(url, f"http://localhost:{simulator_port}", (simulator, api))


def _started(stack: ExitStack, process: Process) -> Process:
    stack.callback(process.stop)
    return process


def _simulator(home: Home, environ: Mapping[str, str], port: int, own_port: int) -> Process:
    # By environment, not by argument: everybody can read a process's arguments.
    options = {
        "API_KEY": API_KEY,
        "DATABASE": str(home.simulator_database),
        "PORT": str(own_port),
        "WEBHOOK_SECRET": home.webhook_secret(),
        "WEBHOOK_URL": f"http://127.0.0.1:{port}/api/payments/webhooks/stripe",
    }
    variables = {f"STRIPE_SIMULATOR_{name}": value for name, value in options.items()}
    program = str(Path(sys.executable).with_name("stripe-simulator"))
    return start("Stripe simulator", [program], {**environ, **variables}, lambda: listens(own_port))


def _api(settings: Mapping[str, str], port: int) -> Process:
    return start("API", WEB_SERVER, settings, lambda: answers(port, "/health/live"))
