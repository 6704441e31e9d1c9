"""
The folder of a developer's service: its database, keys and settings.
"""

import json
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from payments_bootstrap.configuration import FILE_VARIABLE, ConfigurationError
from payments_bootstrap.development.files import write_private
from payments_bootstrap.development.issuer import DevelopmentIssuer
from payments_bootstrap.rules import DEVELOPMENT_ISSUER

API_KEY = "sk_test_development"


@attrs.frozen
class Home:
    """
    Where everything is kept between two runs.
    """

    directory: Path = Path("var/development")

    @property
    def issuer(self) -> DevelopmentIssuer:
        """
        Who issues the tokens.
        """
        return DevelopmentIssuer(self.directory)

    @property
    def settings_file(self) -> Path:
        """
        The settings of the last start, which every command reads.
        """
        return self.directory / "settings.toml"

    @property
    def simulator_database(self) -> Path:
        """
        What the simulated Stripe remembers.
        """
        return self.directory / "stripe.db"

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """
        Return the environment with this folder's settings behind it.

        Raises:
            ConfigurationError: The service was never started here.
        """
        if not self.settings_file.exists():
            raise ConfigurationError(
                [f"{self.settings_file} is not there: start the service first, with `make run`"]
            )
        return {
            **environ,
            "ENVIRONMENT": "development",
            FILE_VARIABLE: str(self.settings_file.resolve()),
        }

    def webhook_secret(self) -> str:
        """
        Return the secret of the last start, or a new one.
        """
        if self.settings_file.exists():
            settings = tomllib.loads(self.settings_file.read_text())
            return str(settings["payment_providers"]["stripe"]["webhook_secrets"][0])
        return f"whsec_{secrets.token_hex(24)}"

    def prepare(self, *, port: int, simulator_port: int) -> None:
        """
        Make the issuer's keys and write the settings for a start on these ports.
        """
        self.issuer.prepare()
        database = (self.directory / "payments.db").resolve()
        groups: dict[str, dict[str, Any]] = {
            "database": {"url": f"sqlite:///{database}"},
            "http": {
                "port": port,
                "metrics_port": 0,
                "workers": 1,
                "allowed_return_urls": [f"localhost:{port}", f"127.0.0.1:{port}"],
            },
            "keycloak": {"issuer": [DEVELOPMENT_ISSUER], "jwks_url": self.issuer.keys_url},
            "log": {"level": "WARNING"},
            "worker": {"metrics_port": 0},
            # A developer asks for it, and for what has happened just now.
            "reconcile": {"schedule": "", "grace": "10s", "stuck_after": "1m"},
            "payment_providers.stripe": {
                "api_key": API_KEY,
                "api_base": f"http://127.0.0.1:{simulator_port}",
                "webhook_secrets": [self.webhook_secret()],
            },
        }
        write_private(self.settings_file, _toml(groups))


def _toml(groups: Mapping[str, Mapping[str, Any]]) -> str:
    """
    Return TOML; JSON's numbers, texts and lists are TOML's too.
    """
    lines = ["# Written at each start of the development service."]
    for group, values in groups.items():
        lines += ["", f"[{group}]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"
