"""
Finding and masking card numbers.
"""

import random
import string
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from payments_core.masking.card_numbers import contains_card_number, mask_card_numbers

PUBLISHED = [
    "4242424242424242",  # Visa
    "4000056655665556",
    "4222222222222",  # 13 digits
    "5555555555554444",  # Mastercard
    "2223003122003222",
    "5105105105105100",
    "378282246310005",  # American Express
    "371449635398431",
    "378734493671000",
    "6011111111111117",  # Discover
    "6011000990139424",
    "3056930009020004",  # Diners Club, 16 digits
    "36227206271667",  # Diners Club, 14 digits
    "30569309025904",
    "38520000023237",
    "6555900000604105",
    "3566002020360505",  # JCB
    "6200000000000005",  # UnionPay
    "6759649826438453",  # Maestro
]

DISGUISES = [
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    "4242.4242.4242.4242",
    "4242+4242+4242+4242",
    "4242%204242%204242%204242",
    "4242  4242\n4242\t4242",
    "4242\u200b4242\u200b4242\u200b4242",
    "\uff14\uff12" * 8,
    "\u0664\u0662" * 8,  # Arabic-Indic
    "\u06f4\u06f2" * 8,  # Persian
    "\u096a\u0968" * 8,  # Devanagari
    "%25D9%25A4%25D9%25A2" * 8,
    "4242%25204242%25204242%25204242",
    "%2534%2532" * 8,
    "order 12: 4242 4242 4242 4242, thanks",
    "2026-11-24 14:05:00.123456+00:00 4242 4242 4242 4242",
    "4242 4242 4242 4242 2026-11-24 14:05:00",
    "2026-11-24 4242424242424242",
    "2026-42-42 42:42:42.424242 4242424242424242",
    "4242-42-42 42:42:42.42",
    "datetime(2026, 42, 42, 42, 42, 42, 424242)",
    "00-0af7651916cd43dd8448eb211c80319c-4242424242424242",
    "1 4242424242424242 2",
]

HARMLESS = [
    "",
    "4242424242424241",  # fails the check digit
    "1795392000000",  # milliseconds since 1970
    "129.90",
    "pi_3MtwBwLkdIwHu7ix28a3tqPa",
    "2026-11-22T12:00:00.000000Z",
    "4242 4242",
    "42424242-4242-4242-8888-123456789012",
    "424242424242424242424242",  # longer than any card number
]


@pytest.mark.parametrize("text", PUBLISHED + DISGUISES)
def test_found(text: str) -> None:
    """
    Published test numbers are found, however their digits are separated.
    """
    assert contains_card_number(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_passed_over(text: str) -> None:
    """
    Amounts, times and identifiers are no card numbers.
    """
    assert not contains_card_number(text)


def test_moments_beside_a_number() -> None:
    """
    What is masked is the number, and not the moment at which it was written.
    """
    masked = mask_card_numbers("2026-11-24 14:05:00.000010+00:00: 4242424242424242")

    assert masked == "2026-11-24 14:05:00.000010+00:00: [card number]"


def test_masked() -> None:
    """
    Only the number is replaced.
    """
    masked = mask_card_numbers("pay 4242 4242 4242 4242 now")

    assert masked == "pay [card number] now"


def test_kept() -> None:
    """
    A text without a card number comes back as it is, full-width digits included.
    """
    assert mask_card_numbers("\uff11\uff12 apples") == "\uff11\uff12 apples"


SEPARATORS = [
    "",
    " ",
    "-",
    ".",
    "+",
    "/",
    "_",
    "%20",
    "%2520",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\u00a0",
    "\u200b",
    "\u2060",
    "\u2013",
    "\\u200b",
]


def _disguised() -> Iterator[str]:
    for number in PUBLISHED:
        for separator in SEPARATORS:
            groups = [number[at : at + 4] for at in range(0, len(number), 4)]
            yield f"pay {separator.join(groups)} now"
            yield f"{separator.join(number)}"
        yield "".join(chr(0xFF10 + int(digit)) for digit in number)
        yield "".join(chr(0x0660 + int(digit)) for digit in number)
        yield "".join(f"%3{digit}" for digit in number)


def test_recall() -> None:
    """
    Each published number is found in every disguise: grouped, spaced out, encoded, in other digits.
    """
    missed = [text for text in _disguised() if not contains_card_number(text)]

    assert not missed
    assert len(list(_disguised())) == len(PUBLISHED) * (2 * len(SEPARATORS) + 3)


def _milliseconds(chance: random.Random) -> str:
    return str(chance.randrange(1_600_000_000_000, 2_000_000_000_000))


def _moment(chance: random.Random) -> datetime:
    return datetime.fromtimestamp(chance.uniform(1_600_000_000, 2_000_000_000), UTC)


def _span(chance: random.Random) -> str:
    # Sixteen decimal digits of a Visa are a span's id too.
    return f"{chance.randrange(4 * 10**15, 5 * 10**15)}"


def _stripes(chance: random.Random) -> str:
    letters = string.ascii_letters + string.digits
    return "pi_3" + "".join(chance.choices(letters, k=23))


INNOCENT: dict[str, Callable[[random.Random], str]] = {
    "uuid4": lambda chance: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
    "32 hexadecimal digits": lambda chance: f"{chance.getrandbits(128):032x}",
    "sha256": lambda chance: f"{chance.getrandbits(256):064x}",
    "milliseconds": _milliseconds,
    "microseconds": lambda chance: _milliseconds(chance) + "123",
    "nanoseconds": lambda chance: _milliseconds(chance) + "123456",
    "amounts": lambda chance: f"{chance.randrange(10**9)}.{chance.randrange(100):02}",
    "Stripe's ids": _stripes,
    "an id behind its kind": lambda chance: f"pay_{uuid.UUID(int=chance.getrandbits(128))}",
    "trace contexts": lambda chance: f"00-{chance.getrandbits(128):032x}-{_span(chance)}-01",
    "moments": lambda chance: str(_moment(chance)),
    "moments of ISO 8601": lambda chance: _moment(chance).isoformat(),
    "moments with Z": lambda chance: f"{_moment(chance):%Y-%m-%dT%H:%M:%S.%fZ}",
    "moments without zone": lambda chance: f"{_moment(chance):%Y-%m-%d %H:%M:%S.%f}",
    "PostgreSQL's moments": lambda chance: f"{_moment(chance):%Y-%m-%d %H:%M:%S.%f}+00",
    "moments of a log": lambda chance: f"{_moment(chance):%Y/%m/%d %H:%M:%S,123}",
    "moments in Python": lambda chance: repr(_moment(chance)),
    "pairs of moments": lambda chance: f"{_moment(chance)} {_moment(chance)}",
}
"""
What looks like numbers in the log of this service, and is none of a card.
"""


def _mistaken(kind: str, count: int) -> list[str]:
    chance = random.Random(1)
    values = (INNOCENT[kind](chance) for _ in range(count))
    return [value for value in values if contains_card_number(f"order {value}, paid")]


@pytest.mark.parametrize("kind", INNOCENT)
def test_false_positives(kind: str) -> None:
    """
    Of the identifiers, times and amounts that logs are full of none is taken for a card number.
    """
    assert not _mistaken(kind, 5_000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", INNOCENT)
def test_false_positives_of_many(kind: str) -> None:
    """
    Nor among 200,000 of each kind, which is what the documentation says.
    """
    assert not _mistaken(kind, 200_000)


def test_long_text_is_quick() -> None:
    """
    64 KiB of digits and separators take no time that an attacker could use.
    """
    started = time.process_time()
    for text in (
        "4 " * 32_768,
        "4" * 65_536,
        "%34" * 21_845,
        "%25" * 21_845,
        "\u0664 " * 32_768,
        "51 " * 21_845,
    ):
        contains_card_number(text)

    assert time.process_time() - started < 2
