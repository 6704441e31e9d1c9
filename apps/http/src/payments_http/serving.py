"""
How gunicorn serves the app: ``gunicorn -c python:payments_http.serving payments_http.wsgi:app``.
"""

import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import gunicorn.http.wsgi  # type: ignore[import-untyped]  # gunicorn ships no types

from payments_bootstrap.configuration import (
    EXIT_CONFIGURATION,
    ConfigurationError,
    load,
    warn_of_strangers,
)
from payments_bootstrap.logging import configure
from payments_http.leaving import STOPS, let_nobody_in

try:
    _settings = load(os.environ)
except ConfigurationError as error:
    sys.stderr.write(f"The settings do not allow a start:\n{error}\n")
    # gunicorn would catch SystemExit's friends and end with its own number.
    os._exit(EXIT_CONFIGURATION)

configure(json=not _settings.development, level=_settings.log.level)
warn_of_strangers(os.environ)

# Which server this is concerns nobody.
gunicorn.http.wsgi.SERVER = "payments"

# The processes leave their figures here, and the master serves them as one. The library
# looks at the variable when it is imported, so it must be set before that.
_figures = Path(tempfile.mkdtemp(prefix="payments-metrics-"))
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_figures)

bind = f"{_settings.http.host}:{_settings.http.port}"
worker_class = "payments_http.worker.Worker"
workers = _settings.http.workers
threads = _settings.http.threads
timeout = 30
# The slowest request asks the provider twice (what was declined is called off), 12 s each.
graceful_timeout = 30
# Longer than callers keep a connection that they do not use (.NET: 60 s): whoever closes while the
# other sends loses a request, and a caller knows when it sends.
keepalive = 75
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - memory, so a slow disk kills no worker
accesslog = None
errorlog = None
loglevel = _settings.log.level.lower()
control_socket_disable = True
# gunicorn would let whoever calls from this machine move the path (SCRIPT_NAME) and the scheme.
# Whom we stand behind is a setting of ours, and it concerns addresses alone.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}


def on_starting(server: Any) -> None:
    """
    Let gunicorn's records go the way of all others, and load what all processes share.

    The port opens after this: whoever is let in need not wait until the modules are there.
    """
    import payments_http.app  # noqa: F401 - only loaded: each process makes its own

    server.log.error_log.propagate = True


def when_ready(server: Any) -> None:
    """
    Serve the figures of all processes, and see to it that the port is left in order.
    """
    from payments_bootstrap.metrics.serving import MetricsServer, registry_of

    http = _settings.http
    MetricsServer(http.metrics_port, http.host, registry_of(_figures)).start()
    _leave_in_order(server)
    _lose_no_signal(server)


def post_worker_init(worker: Any) -> None:
    """
    Say once at the start what is missing, such as the tables; from then on changes are told.
    """
    from payments_http.access import EXTENSION

    # On a developer's machine everything else is being started at this moment too.
    if worker.age == 1 and not _settings.development:
        health = worker.wsgi.extensions[EXTENSION].container.health()
        threading.Thread(target=health.report, daemon=True).start()


def _leave_in_order(server: Any) -> None:
    stop = server.stop

    def leave(graceful: bool = True) -> None:  # noqa: FBT001, FBT002 - gunicorn's own signature
        # A socket that somebody else goes on with must stay as it is.
        if not (server.reexec_pid or server.systemd):
            let_nobody_in(server.LISTENERS)
        stop(graceful)

    server.stop = leave


def _lose_no_signal(server: Any) -> None:
    """
    Keep from a new process what it is told until it can hear: the worker lets it in.

    Until then it would have the master's ears, whose words nobody reads in it. It would go on, and
    be killed at the end of the grace period.
    """
    spawn = server.spawn_worker

    def spawn_worker() -> Any:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        try:
            return spawn()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    server.spawn_worker = spawn_worker


def worker_exit(_server: Any, worker: Any) -> None:
    """
    Close what the process opened, if it got as far as an app.
    """
    from payments_bootstrap import close
    from payments_http.access import EXTENSION

    # A process whose app did not load has none, or gunicorn's page about that.
    state = getattr(getattr(worker, "wsgi", None), "extensions", {}).get(EXTENSION)
    if state:
        close(state.container)


def child_exit(_server: Any, worker: Any) -> None:
    """
    Forget the gauges of a process that ended.
    """
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid, str(_figures))  # type: ignore[no-untyped-call]  # it has no types


def on_exit(_server: Any) -> None:
    """
    Leave nothing behind.
    """
    shutil.rmtree(_figures, ignore_errors=True)
