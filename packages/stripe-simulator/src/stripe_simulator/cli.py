"""
The command `stripe-simulator`: serves until it is interrupted, and says what to try.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stripe_simulator.faults import Rule
from stripe_simulator.settings import Settings
from stripe_simulator.simulator import Simulator

PREFIX = "STRIPE_SIMULATOR_"
PORT = 12111

WELCOME = """stripe-simulator listens on {url} (seed {seed}, database {database})

  secret key       {api_key}
  publishable key  {publishable_key}
  webhooks         {webhooks}

Take a payment:

  curl {url}/v1/payment_intents -u {api_key}: -d amount=1999 -d currency=eur \\
    -d confirm=true -d payment_method=pm_card_visa -d return_url=http://localhost/done

See what became of it:   curl {url}/_simulator/state
Break something:         curl {url}/_simulator/faults -H 'Content-Type: application/json' \\
                           -d '{{"kind": "effect_then_timeout", "operation": "refunds.create"}}'
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stripe-simulator",
        description="A stateful server that speaks Stripe's HTTP API, for tests without an account.",
        epilog=f"Every option is also an environment variable, for example {PREFIX}WEBHOOK_SECRET;"
        " keep secrets there.",
    )
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help=f"port to listen on (default {PORT})")
    parser.add_argument("--public-url", help="where customers open its pages, if not there")
    parser.add_argument("--api-key", help="secret key, sk_test_…")
    parser.add_argument("--publishable-key", help="key for browsers, pk_test_…")
    parser.add_argument("--webhook-url", help="where events are sent")
    parser.add_argument("--webhook-secret", help="what signs them, whsec_…")
    parser.add_argument("--webhook-workers", type=int, help="deliveries at once (default 1)")
    parser.add_argument("--database", help="SQLite file (default: memory)")
    parser.add_argument("--seed", type=int, help="makes ids and faults repeat")
    parser.add_argument("--delay-seconds", type=float, help="how long late outcomes take")
    parser.add_argument("--merchant", help="the name that customers see")
    parser.add_argument("--faults", type=Path, help="JSON file with a list of fault rules")
    return parser


def read_settings(
    arguments: Sequence[str], environ: Mapping[str, str]
) -> tuple[Settings, list[Rule]]:
    """
    Settings and fault rules from the command line, then from the environment.

    Raises:
        ValueError: A value does not fit; the message says which would.
    """
    parser = _parser()
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of its options
        name = f"{PREFIX}{action.dest.upper()}"
        if name in environ:
            action.default = environ[name]
    given = {
        name: value
        for name, value in vars(parser.parse_args(arguments)).items()
        if value is not None
    }
    script = given.pop("faults", None)
    return Settings(**{"port": PORT, **given}), _rules(script) if script else []


def _rules(script: Path) -> list[Rule]:
    lines: Any = json.loads(script.read_text(encoding="utf-8"))
    if not isinstance(lines, list):
        raise ValueError(f"{script}: a fault script is a JSON list of rules.")  # noqa: TRY004 - the file is wrong, not a type
    return [Rule.from_json(line) for line in lines]


def main() -> None:
    """
    Serves until SIGINT or SIGTERM.
    """
    try:
        settings, rules = read_settings(sys.argv[1:], os.environ)
        simulator = Simulator(settings)
    except (ValueError, OSError) as error:
        sys.exit(f"stripe-simulator: {error}")
    for rule in rules:
        simulator.faults.add(rule)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with simulator:
        sys.stdout.write(welcome(simulator))
        sys.stdout.flush()
        stopped.wait()


def welcome(simulator: Simulator) -> str:
    """
    Where it listens and what to try.
    """
    settings = simulator.settings
    target = f"to {settings.webhook_url}" if settings.webhook_url else "none; give --webhook-url"
    return WELCOME.format(
        url=simulator.url,
        seed=simulator.seed,
        database=settings.database,
        api_key=settings.api_key,
        publishable_key=settings.publishable_key,
        webhooks=target,
    )
