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
BEGIN = {"STRIPE_API_KEY": "sk_test_", "STRIPE_WEBHOOK_SECRET": "whsec_"}  # pragma: allowlist secret


def filled(example: str) -> str:
    """
    Return the example with a value behind each name that needs one.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return (
            name + "=" + ("" if name in OPTIONAL else BEGIN.get(name, "") + secrets.token_hex(16))
        )

    return NAME.sub(value, example)


if __name__ == "__main__":
    print(filled(EXAMPLE.read_text("utf-8")), end="")
