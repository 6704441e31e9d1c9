"""
The command: settings from arguments and environment, a welcome, and an orderly end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from stripe_simulator.cli import read_settings

COMMAND = [sys.executable, "-c", "from stripe_simulator.cli import main; main()"]


@contextmanager
def running(*arguments: str, **environ: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """
    The command as a process, and the address that it names.
    """
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
    )
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield process, line.split()[3]
        process.send_signal(signal.SIGTERM)


def test_serves_until_it_is_ended() -> None:
    """
    It says where it listens, serves, and ends with 0 on SIGTERM.
    """
    with running(STRIPE_SIMULATOR_API_KEY="sk_test_from_environ") as (process, url):
        answer = requests.get(f"{url}/v1/balance", auth=("sk_test_from_environ", ""), timeout=60)

    assert answer.status_code == 200
    assert process.returncode == 0


def test_fault_script(tmp_path: Path) -> None:
    """
    A script of faults is in force from the start.
    """
    script = tmp_path / "faults.json"
    script.write_text(json.dumps([{"kind": "rate_limited", "times": 1}]))

    with running("--faults", str(script)) as (_, url):
        statuses = [
            requests.get(
                f"{url}/v1/balance", auth=("sk_test_simulator", ""), timeout=60
            ).status_code
            for _ in "ab"
        ]

    assert statuses == [429, 200]


def test_arguments_win_over_the_environment() -> None:
    """
    What is given on the command line counts before what the environment says.
    """
    environ = {
        "STRIPE_SIMULATOR_SEED": "3",
        "STRIPE_SIMULATOR_WEBHOOK_SECRET": "whsec_from_environ",
    }

    settings, rules = read_settings(["--seed", "4"], environ)

    assert (settings.seed, settings.webhook_secret, settings.port) == (
        4,
        "whsec_from_environ",
        12111,
    )
    assert rules == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--api-key", "sk_live_1"], "sk_test_"),
        (["--webhook-secret", "secret"], "whsec_"),
    ],
)
def test_bad_settings_are_said(arguments: list[str], message: str) -> None:
    """
    A setting that does not fit ends the command with a line that says what would.
    """
    ended = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_script_has_to_be_a_list(tmp_path: Path) -> None:
    """
    A fault script that is no list is refused by name.
    """
    script = tmp_path / "faults.json"
    script.write_text("{}")

    with pytest.raises(ValueError, match="JSON list of rules"):
        read_settings(["--faults", str(script)], {})


def test_secrets_are_not_shown() -> None:
    """
    Settings can be logged: their repr has neither the key nor the webhook secret.
    """
    settings, _ = read_settings(
        ["--api-key", "sk_test_hidden", "--webhook-secret", "whsec_hidden"], {}
    )

    assert "hidden" not in repr(settings)


def test_pages_are_where_customers_reach_them() -> None:
    """
    A customer is sent to the address that was given, wherever it listens itself.
    """
    payment = {
        "amount": "1999",
        "currency": "eur",
        "confirm": "true",
        "payment_method": "pm_card_threeDSecure2Required",
        "return_url": "http://localhost/done",
    }
    with running("--public-url", "http://shop.example:12111") as (_, url):
        answer = requests.post(
            f"{url}/v1/payment_intents", payment, auth=("sk_test_simulator", ""), timeout=60
        )
    page = answer.json()["next_action"]["redirect_to_url"]["url"]

    assert page.startswith("http://shop.example:12111/authenticate/pi_")
