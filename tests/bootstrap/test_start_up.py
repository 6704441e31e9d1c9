"""
A process whose settings are unsafe does not start, whichever it is, and says why.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from payments_bootstrap.configuration import EXIT_CONFIGURATION
from payments_bootstrap.serving import WEB_SERVER
from payments_cli.main import main
from tests.bootstrap.test_configuration import GOOD

PAYMENTS: Final = str(Path(sys.executable).with_name("payments"))
STRIPE: Final = "PAYMENT_PROVIDERS__STRIPE"
LIVE: Final = "sk_" + "live_51Habcdefghijklmnop"

UNSAFE: Final = {
    "V01 no webhook secret": (
        {f"{STRIPE}__WEBHOOK_SECRET": ""},
        f"{STRIPE}__WEBHOOK_SECRET: it must hold one signing secret or more",
    ),
    "V02 no tolerance": (
        {f"{STRIPE}__WEBHOOK_TOLERANCE": "0"},
        f"{STRIPE}__WEBHOOK_TOLERANCE: it must be between 1 and 3600 seconds",
    ),
    "V03 live key in development": (
        {f"{STRIPE}__API_KEY": LIVE, "ENVIRONMENT": "development"},
        f"{STRIPE}__API_KEY: a live key must not be used in development",
    ),
    "V04 no issuer": (
        {"KEYCLOAK__ISSUER": ""},
        "KEYCLOAK__ISSUER: name at least one issuer whose tokens are accepted",
    ),
    "no proxy that can be used": (
        {"HTTPS_PROXY": "socks5://proxy.example:1080"},
        "HTTPS_PROXY: it must name an http or https proxy, or be unset",
    ),
    "no certificates": (
        {"REQUESTS_CA_BUNDLE": "/nowhere.pem"},
        "REQUESTS_CA_BUNDLE: it must name a readable file or folder of certificates",
    ),
    "V04 no audience": ({"KEYCLOAK__AUDIENCE": ""}, "KEYCLOAK__AUDIENCE: it must not be empty"),
}
"""
What is set, and how the one line about it begins.
"""

COMMANDS: Final = {
    "serve": ["serve"],
    "worker": ["worker"],
    "relay": ["worker", "--only", "relay"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe(name: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Exit code 78, and exactly one line, which names the setting and not its value.
    """
    changes, beginning = UNSAFE[name]
    for variable, value in (GOOD | changes).items():
        monkeypatch.setenv(variable, value)
    ended = CliRunner().invoke(main, COMMANDS[command])
    told, *problems, advice = ended.stderr.splitlines()

    assert ended.exit_code == EXIT_CONFIGURATION
    assert told == "Error: The settings do not allow a start:"
    assert [p[: len(beginning)] for p in problems] == [beginning]
    assert "--development" in advice
    assert LIVE not in ended.output


@pytest.mark.parametrize(
    "entry", [*([PAYMENTS, *words] for words in COMMANDS.values()), list(WEB_SERVER)], ids=" ".join
)
def test_all_at_once(entry: list[str]) -> None:
    """
    Each entry, as a process, names every mistake, each on its own line, and ends with 78.
    """
    clean = {k: v for k, v in os.environ.items() if "__" not in k}
    wrong = {k: v for changes, _ in UNSAFE.values() for k, v in changes.items()}
    ended = subprocess.run(
        entry, env=clean | GOOD | wrong, capture_output=True, text=True, timeout=300, check=False
    )
    lines = ended.stderr.splitlines()

    assert ended.returncode == EXIT_CONFIGURATION
    for _, beginning in UNSAFE.values():
        assert sum(line.startswith(beginning) for line in lines) == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert LIVE not in ended.stderr
