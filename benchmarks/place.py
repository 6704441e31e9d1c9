"""
Where it is measured: a PostgreSQL of our own, the servers under test, and their provider.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import attrs
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from benchmarks.flows import WEBHOOK_SECRET
from payments_bootstrap import Container
from payments_bootstrap.configuration import load
from payments_postgres import DatabaseSettings, create_engine, migrate
from scripts.servers import SERVERS
from scripts.servers.process import ROOT, await_port, free_port, own_folder, running
from scripts.servers.server import UnavailableError

SHIPPED: Final = "payments_http.wsgi:app"
INSTANT: Final = "benchmarks.instant:create_app()"
BARE: Final = "benchmarks.bare:create_app()"

_ISSUER: Final = "https://issuer.example/realms/bench"
_ANSWERS_WITHIN: Final = 60.0
_BLOCK: Final = 10**11


@attrs.frozen
class Place:
    """
    Servers and files of one run.

    Attributes:
        programs: Where PostgreSQL's programs are, pgbench among them.

        numbers: Fresh numbers; each makes ids that nobody used.
    """

    database_url: str
    programs: Path
    folder: Path
    key: RSAKey = attrs.field(repr=False)
    numbers: "itertools.count[int]" = attrs.field(factory=lambda: itertools.count(1))

    def block(self, length: int = _BLOCK) -> range:
        """
        Return fresh numbers that follow each other.
        """
        first = next(self.numbers) * _BLOCK
        return range(first, first + length)

    def environ(self, provider: int) -> dict[str, str]:
        """
        Return the settings of a production service whose provider listens on a port.
        """
        return {
            "DATABASE__URL": self.database_url,
            "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_benchmark",  # pragma: allowlist secret
            "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": WEBHOOK_SECRET,
            "PAYMENT_PROVIDERS__STRIPE__API_BASE": f"http://127.0.0.1:{provider}",
            "KEYCLOAK__ISSUER": _ISSUER,
            "KEYCLOAK__JWKS_URL": f"http://127.0.0.1:{provider}/keys",
            "HTTP__METRICS_PORT": str(free_port()),
        }

    def container(self, provider: int) -> Container:
        """
        Return the service's own container, to see what it does.
        """
        from benchmarks.instant import replaced

        return replaced(Container(settings=load(self.environ(provider))))

    def token(self, *roles: str) -> str:
        """
        Return an access token of the Order Service, as Keycloak writes it, with more roles.
        """
        now = int(time.time())
        claims = {
            "iss": _ISSUER,
            "aud": ["payment-service", "account"],
            "sub": "5f0c3d5e-8f5b-4a58-9d0e-6c1a2b3c4d5e",
            "typ": "Bearer",
            "azp": "order-service",
            "preferred_username": "service-account-order-service",
            "realm_access": {"roles": ["default-roles-bench", "offline_access", *roles]},
            "resource_access": {"account": {"roles": ["manage-account", "view-profile"]}},
            "scope": "profile email",
            "iat": now,
            "exp": now + 3600,
        }
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    @contextmanager
    def provider(self, seconds: float = 0.0) -> Iterator[int]:
        """
        Run a canned provider that takes so long to answer; yield its port.
        """
        keys = self.folder / "keys.json"
        keys.write_text(json.dumps(KeySet([self.key]).as_dict(private=False)))
        port = free_port()
        words = ("-m", "benchmarks.canned", str(port), str(seconds), str(keys))
        with self._running(port, words, {}):
            yield port

    @contextmanager
    def served(self, app: str, provider: int, **environ: str) -> Iterator[int]:
        """
        Run an app in the service's own server; yield its port.
        """
        port = free_port()
        words = ("-m", "gunicorn", "-c", "python:payments_http.serving", app)
        given = {**self.environ(provider), "HTTP__PORT": str(port), **environ}
        with self._running(port, words, given):
            yield port

    @contextmanager
    def _running(
        self, port: int, words: tuple[str, ...], environ: Mapping[str, str]
    ) -> Iterator[None]:
        folder = self.folder / str(port)
        folder.mkdir()
        mine = {name: value for name, value in os.environ.items() if "__" not in name}
        with running(
            [sys.executable, *words],
            folder,
            environment={**mine, "PYTHONPATH": str(ROOT), **environ},
        ) as process:
            await_port(port, process, folder)
            _await_answer(port, process, folder)
            yield


def _await_answer(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    """
    Return when a server answers anything: gunicorn listens before its workers have the app.
    """
    deadline = time.monotonic() + _ANSWERS_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", port, timeout=_ANSWERS_WITHIN)
            connection.request("GET", "/keys")
            connection.getresponse().read()
            connection.close()
            return
        time.sleep(0.1)
    raise UnavailableError(f"it did not answer: {(folder / 'log').read_text()[-2000:]}")


@contextmanager
def place() -> Iterator[Place]:
    """
    Start a PostgreSQL with its defaults, durable as it comes, and leave nothing behind.

    Raises:
        UnavailableError: It cannot be had.
    """
    server = SERVERS["postgres"]
    programs = server.programs() or server.wheel()
    if programs is None or not (programs / "pgbench").exists():
        raise UnavailableError("pgbench is not there; install PostgreSQL, or `make install` again")
    key = RSAKey.generate_key(2048, {"kid": "bench", "use": "sig", "alg": "RS256"})
    with (
        own_folder("bench") as folder,
        own_folder("bench-postgres") as data,
        server.private(programs, data) as url,
    ):
        migrated(url)
        yield Place(url, programs, folder, key)


def migrated(url: str) -> None:
    """
    Make the service's tables in a database, once its server answers.

    Raises:
        UnavailableError: It does not answer.
    """
    deadline = time.monotonic() + _ANSWERS_WITHIN
    while True:
        try:
            SERVERS["postgres"].version(url)
            break
        except UnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    engine = create_engine(DatabaseSettings(url))
    migrate(engine)
    engine.dispose()
