"""
A service that takes money at the paper bank alone, as processes of its own.

The bank is registered in a copy of payments-bootstrap, by the steps of docs/adding-a-provider.md.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import requests

import payments_bootstrap
from payments_bootstrap.development.issuer import DevelopmentIssuer
from payments_bootstrap.rules import DEVELOPMENT_ISSUER
from scripts.servers.process import free_port

PAYMENTS: Final = str(Path(sys.executable).with_name("payments"))
REPOSITORY: Final = Path(__file__).parents[2]
SECRET: Final = "wax"

ADAPTER: Final = """
import attrs

from examples.paper_bank.bank import PaperBank
from examples.paper_bank.provider import PaperBankProvider
from payments_bootstrap.metrics.provider import CountedProvider


@attrs.frozen
class PaperBankSettings:
    secret: str = attrs.field(repr=False)


def open_paper_bank(settings):
    return CountedProvider(PaperBankProvider(PaperBank(settings.secret.encode())))
"""

_IMPORT: Final = "from payments_bootstrap.paperbank import "
_OPENED: Final = "_One(open_paper_bank, settings.provided.payment_providers.paperbank)"
STEPS: Final = (
    ("settings.py", "class Environment(", f"{_IMPORT}PaperBankSettings\n\n\n"),
    ("settings.py", "    stripe: Stripe", "    paperbank: PaperBankSettings | None = None\n"),
    ("settings.py", "    STRIPE =", '    PAPERBANK = "paperbank"\n'),
    ("container.py", "class Container(", f"{_IMPORT}open_paper_bank\n\n\n"),
    ("container.py", "    # By name; whoever", f"    paperbank = {_OPENED}\n"),
    ("container.py", "stripe=stripe.provider", "paperbank=paperbank.provider, "),
)
"""
What is written before what.
"""


def register(folder: Path) -> None:
    """
    Write the copy into a folder of Python's path.
    """
    copy = folder / "payments_bootstrap"
    shutil.copytree(Path(payments_bootstrap.__file__).parent, copy)
    (copy / "paperbank.py").write_text(ADAPTER)
    for name, place, line in STEPS:
        text = (copy / name).read_text("utf-8")
        assert text.count(place) == 1, f"{name} has no place any more that begins with {place!r}"
        (copy / name).write_text(text.replace(place, line + place), "utf-8")


@attrs.frozen
class PaperShop:
    """
    The settings of such a service, and what is done with them.
    """

    environ: Mapping[str, str] = attrs.field(repr=False)
    issuer: DevelopmentIssuer

    @classmethod
    def of(cls, folder: Path) -> "PaperShop":
        """
        Return a service whose tables are there.
        """
        register(folder)
        issuer = DevelopmentIssuer(folder / "issuer")
        issuer.directory.mkdir()
        issuer.prepare()
        clean = {k: v for k, v in os.environ.items() if "__" not in k and k != "SETTINGS_FILE"}
        shop = cls(
            clean
            | {
                "PYTHONPATH": f"{folder}:{REPOSITORY}",
                "ENVIRONMENT": "development",
                "DEFAULT_PROVIDER": "paperbank",
                "PAYMENT_PROVIDERS__PAPERBANK__SECRET": SECRET,
                "DATABASE__URL": f"sqlite:///{folder / 'payments.db'}",
                "KEYCLOAK__ISSUER": DEVELOPMENT_ISSUER,
                "KEYCLOAK__JWKS_URL": issuer.keys_url,
                "HTTP__PORT": str(free_port()),
                "HTTP__METRICS_PORT": "0",
                # The bank is in the process: another one would be another bank.
                "HTTP__WORKERS": "1",
                "WORKER__METRICS_PORT": "0",
            },
            issuer,
        )
        assert shop.run("db", "migrate").returncode == 0
        return shop

    def run(self, *words: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        """
        Run a command to its end.
        """
        return subprocess.run(
            [PAYMENTS, *words],
            env={**self.environ, **changes},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    @contextmanager
    def running(self, *words: str, until: Callable[[], bool]) -> Iterator[None]:
        """
        Start a command that goes on, and stop it in the end.
        """
        with subprocess.Popen([PAYMENTS, *words], env=self.environ) as process:
            try:
                deadline = time.monotonic() + 90
                while not until():
                    assert process.poll() is None, f"{words} ended by itself"
                    assert time.monotonic() < deadline, f"{words} did not begin"
                    time.sleep(0.1)
                yield
            finally:
                process.terminate()
        assert process.returncode == 0

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """
        Call the API as the customer alice.
        """
        headers = {"Authorization": f"Bearer {self.issuer.token('alice', ['Customer'])}"}
        headers |= options.pop("headers", {})
        url = f"http://127.0.0.1:{self.environ['HTTP__PORT']}{path}"
        return requests.request(method, url, headers=headers, timeout=60, **options)

    def checks(self) -> dict[str, str]:
        """
        Return how the API finds each thing that it needs; nothing while it does not answer.
        """
        try:
            found: dict[str, str] = self.call("GET", "/health/ready").json()["checks"]
        except requests.ConnectionError:
            return {}
        return found
