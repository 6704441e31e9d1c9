"""
Secrets that are planted wherever somebody could put them, and a search for them afterwards.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

API_KEY: Final = "sk_test_plantedApiKey7f3a"
WEBHOOK_SECRET: Final = "whsec_plantedWebhookSecret9b1c"
PASSWORD: Final = "plantedPassword5d2e"
SECURITY_CODE: Final = "739173917"
"""
Longer than any, so that nothing else looks like it.
"""
FOREIGN_TOKEN: Final = "eyJhbGciOiJub25lIn0.eyJwbGFudGVkIjoiVG9rZW4ifQ.cGxhbnRlZFNpZ25hdHVyZQ"


def card_number(serial: int) -> str:
    """
    Return a number that passes for a Visa card's; each serial has its own.
    """
    digits = f"4{serial:014}"
    doubled = (int(d) * (2 - place % 2) for place, d in enumerate(digits))
    total = sum(sum(divmod(d, 10)) for d in doubled)
    return f"{digits}{-total % 10}"


class Cards:
    """
    Gives each place a card number of its own, so that a find tells where it was planted.
    """

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}

    def __call__(self, place: str, separator: str = "") -> str:
        """
        Return the next number, in groups of four.
        """
        serial = len(self.planted)
        number = card_number(987_650_000_000 + serial)
        self.planted[f"card number {serial}, in {place}"] = number
        return separator.join(number[at : at + 4] for at in range(0, 16, 4))


@attrs.frozen
class Find:
    """
    A planted secret that turned up.
    """

    secret: str
    source: str
    around: str


def finds(sources: Mapping[str, str], secrets: Mapping[str, str]) -> list[Find]:
    """
    Return each secret that is in one of the sources, also with other signs between its digits.
    """
    return [found for source, text in sources.items() for found in _in(source, text, secrets)]


def _in(source: str, text: str, secrets: Mapping[str, str]) -> Iterator[Find]:
    compact = re.sub(r"[\W_]+", "", text)
    for name, secret in secrets.items():
        if secret in text or (secret.isdigit() and secret in compact):
            yield from (Find(name, source, around) for around in _places(text, secret))


def _places(text: str, secret: str) -> Iterator[str]:
    pattern = r"[\W_]*".join(secret) if secret.isdigit() else re.escape(secret)
    for found in re.finditer(pattern, text):
        yield text[max(0, found.start() - 60) : found.end() + 60]
