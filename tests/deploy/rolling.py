"""
Two of everything behind nginx, as shipped, each of which can be stopped and started again.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import requests

from scripts.servers.process import await_port, free_port, own_folder, running
from scripts.servers.programs import program
from tests.faults.world import KEY, Place
from tests.http.conftest import ISSUER

SITE: Final = Path(__file__).parents[2] / "deploy" / "nginx" / "payments.conf"
PAYMENTS: Final = str(Path(sys.executable).with_name("payments"))
WITHIN: Final = 300.0  # seconds for what takes two on an idle machine
LIMIT: Final = 120.0  # seconds in which a process ends that was told to

MAIN: Final = """
pid nginx.pid;
error_log stderr warn;
daemon off;
worker_processes 1;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    scgi_temp_path scgi;
    uwsgi_temp_path uwsgi;
    include site.conf;
}
"""
"""
What Debian's package brings besides, in a folder of our own.
"""


@contextmanager
def nginx(*ports: int) -> Iterator[int]:
    """
    Run nginx with the site that ships in front of these ports, and yield its own.
    """
    own, site = free_port(), SITE.read_text("utf-8")
    for shipped, real in zip((8080, 8081, 8082), (own, *ports), strict=True):
        listens = f"listen {shipped};"
        site = site.replace(listens, f"listen 127.0.0.1:{real};")
        site = site.replace(f"127.0.0.1:{shipped} ", f"127.0.0.1:{real} ")
    with own_folder("nginx") as folder:
        (folder / "site.conf").write_text(site, "utf-8")
        (folder / "nginx.conf").write_text(MAIN, "utf-8")
        command = (program("nginx", "nginx"), "-e", "stderr", "-p", folder, "-c", "nginx.conf")
        with running(command, folder) as process:
            await_port(own, process, folder)
            yield own


def environ_of(place: Place, keys: str, secret: str) -> dict[str, str]:
    """
    Return the settings that all processes of an installation share.

    Args:
        keys: Where the issuer's keys are. secret: What the provider signs webhooks with.
    """
    rabbit = place.rabbit
    ours = {
        "DATABASE__URL": place.database,
        "DATABASE__POOL_SIZE": "12",
        "PAYMENT_PROVIDERS__STRIPE__API_KEY": KEY,
        "PAYMENT_PROVIDERS__STRIPE__API_BASE": place.simulator,
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": secret,
        "KEYCLOAK__ISSUER": ISSUER,
        "KEYCLOAK__JWKS_URL": keys,
        "HTTP__TRUSTED_PROXIES": "1",
        "HTTP__METRICS_PORT": "0",
        "LIMITS__ENABLED": "false",
        "LOG__LEVEL": "ERROR",
        "RABBITMQ__URL": rabbit.url,
        "RABBITMQ__PAYMENTS_NAMESPACE": rabbit.payments_namespace,
        "RABBITMQ__ORDER_CREATED": rabbit.order_created[0],
        "RABBITMQ__REFUND_QUEUE": rabbit.refund_queue,
        "RABBITMQ__CAPTURE_QUEUE": rabbit.capture_queue,
        "RABBITMQ__ORDER_QUEUE": rabbit.order_queue,
    }
    return {k: v for k, v in os.environ.items() if "__" not in k} | ours


@attrs.define
class Instance:
    """
    A process of the service that is replaced by its like.

    Attributes:
        ends: The exit code of each that was stopped.
    """

    command: str
    environ: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    port: int = attrs.field(factory=free_port)
    ends: list[int] = attrs.field(factory=list)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """
        Start one.
        """
        environ = {**self.environ, "HTTP__PORT": str(self.port)}
        self.process = subprocess.Popen([PAYMENTS, self.command], env=environ)

    def tell(self) -> None:
        """
        Ask it to end.
        """
        assert self.process is not None
        self.process.terminate()

    def replace(self) -> None:
        """
        Wait until it has ended, and start the next.
        """
        assert self.process is not None
        self.ends.append(self.process.wait(LIMIT))
        self.start()

    def until_ready(self) -> None:
        """
        Return when it says so; only an API can.
        """
        deadline = time.monotonic() + WITHIN
        while not self._is_ready():
            assert time.monotonic() < deadline, f"{self.command} is not ready"
            time.sleep(0.1)

    def kill(self) -> None:
        """
        End it, whatever it does.
        """
        if self.process:
            self.process.kill()
            self.process.wait()

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=10).ok
        except requests.RequestException:
            return False
