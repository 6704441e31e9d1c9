"""
Print a .env for docker-compose.yml: .env.example with a fresh secret behind each name.

    python3 scripts/env.py > .env
"""

import re
import secrets
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / ".env.example"
NAME = re.compile(r"^([A-Z_]+)=$", re.MULTILINE)
OPTIONAL = {"STRIPE_API_BASE"}


def value(name: str) -> str:
    """
    Return a fresh value for a name; Stripe's begin with what they are.
    """
    if name in OPTIONAL:
        return ""
    beginning = {"STRIPE_API": "sk_test_", "STRIPE_WEBHOOK": "whsec_"}
    return beginning.get(name.rpartition("_")[0], "") + secrets.token_hex(16)


def filled(example: str) -> str:
    """
    Return the example with a value behind each name that needs one.
    """
    return NAME.sub(lambda found: f"{found[1]}={value(found[1])}", example)


if __name__ == "__main__":
    print(filled(EXAMPLE.read_text("utf-8")), end="")
