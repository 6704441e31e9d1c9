"""
Finding card numbers, so that none is accepted, stored or logged.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate
from typing import Final
from urllib.parse import unquote

SHORTEST: Final = 12
LONGEST: Final = 19
CARD: Final = "[card number]"
"""
What stands where a card number was.
"""
_ENCODINGS: Final = 3
"""
How often a text may have been percent-encoded on its way.
"""

_UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_HASH: Final = r"(?:[0-9a-fA-F]{32}){1,2}"
# W3C's trace context: its last id may be sixteen decimal digits.
_TRACE: Final = r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
# "24 14:05:00.123456+00" has the digits of a Mastercard, and on such days one moment in ten has
# its check digit. The ranges leave little room for what is no moment.
_MOMENT: Final = (
    r"(?:19|20)[0-9]{2}([-/])(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])"
    r"[ T](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-6][0-9](?:[.,][0-9]{1,9})?)?"
    r"(?:Z|\ ?[+-](?:0[0-9]|1[0-4])(?::?(?:00|30|45))?)?"
)
_PYTHONS_MOMENT: Final = (
    r"datetime\((?:19|20)[0-9]{2}, (?:[1-9]|1[0-2]), (?:[1-9]|[12][0-9]|3[01])"
    r", (?:1?[0-9]|2[0-3]), [1-5]?[0-9](?:, [1-5]?[0-9](?:, [0-9]{1,6})?)?"
)
# One UUID in two thousand would pass for a card number, and so would other hexadecimal ids.
_IDENTIFIER: Final = re.compile(
    rf"(?<![0-9A-Za-z])(?:{_UUID}|{_HASH}|{_TRACE}|{_MOMENT}|{_PYTHONS_MOMENT})(?![0-9A-Za-z])"
)
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
_RUN: Final = re.compile(r"[0-9](?:[^0-9A-Za-z]*[0-9])+")
_GROUP: Final = re.compile(r"[0-9]+")
_ISSUED: Final = re.compile(
    rb"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    rb"|5[1-5][0-9]{14}|(?=222[1-9]|22[3-9]|2[3-6]|27[01]|2720)[0-9]{16}"  # Mastercard
    rb"|3[47][0-9]{13}"  # American Express
    rb"|3(?:0[0-59]|[689][0-9])[0-9]{11,16}"  # Diners Club
    rb"|35(?:2[89]|[3-8][0-9])[0-9]{12,15}"  # JCB
    rb"|6(?:011|4[4-9][0-9]|5[0-9]{2}|2[0-9]{2})[0-9]{12,15}"  # Discover, UnionPay
    rb"|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{8,15}"  # Maestro
)
_FIRST_DIGITS: Final = b"23456"
_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def contains_card_number(text: str) -> bool:
    """
    Return whether a card number stands in the text, however its digits are separated.
    """
    return not _too_short(text) and next(_spans(plain(text)), None) is not None


def mask_card_numbers(text: str) -> str:
    """
    Return the text with each card number replaced; a text without one as it is.
    """
    if _too_short(text):
        return text
    normal = plain(text)
    spans = list(_spans(normal))
    if not spans:
        return text
    for start, end in reversed(spans):
        normal = normal[:start] + CARD + normal[end:]
    return normal


def plain(text: str) -> str:
    """
    Return the text with its encodings undone, and the digits of all scripts as ASCII.
    """
    for _ in range(_ENCODINGS):
        text = unquote(text) if "%" in text else text
    if "\\" in text:
        text = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
    normal = unicodedata.normalize("NFKC", text)
    return normal if normal.isascii() else "".join(map(_ascii_digit, normal))


def _too_short(text: str) -> bool:
    # One character of another script may stand for several digits; ASCII only gets shorter.
    return len(text) < SHORTEST and text.isascii()


def _ascii_digit(character: str) -> str:
    return str(unicodedata.digit(character, character))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    if sum(map(str.isdigit, text)) < SHORTEST:
        return
    text = _IDENTIFIER.sub(lambda found: "x" * len(found[0]), text)
    for run in _RUN.finditer(text):
        groups = [m.span() for m in _GROUP.finditer(text, *run.span())]
        digits = "".join(text[start:end] for start, end in groups).encode()
        for first, last in _in_run(digits, groups):
            yield groups[first][0], groups[last][1]


def _in_run(digits: bytes, groups: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """
    Yield the first and last group of each number that consecutive groups make up.
    """
    ends = list(accumulate(end - start for start, end in groups))
    following = 0
    for first, start in enumerate([0, *ends[:-1]]):
        if first < following or digits[start] not in _FIRST_DIGITS:
            continue
        last = _last_group(digits, start, ends, first)
        if last is not None:
            yield first, last
            following = last + 1


def _last_group(digits: bytes, start: int, ends: list[int], first: int) -> int | None:
    for last in range(first, len(ends)):
        length = ends[last] - start
        if length > LONGEST:
            return None
        if length >= SHORTEST and _is_card_number(digits[start : ends[last]]):
            return last
    return None


def _is_card_number(digits: bytes) -> bool:
    return _ISSUED.fullmatch(digits) is not None and _luhn(digits)


def _luhn(digits: bytes) -> bool:
    # Summing bytes is quick, and this runs over every text that comes in.
    plain_sum = sum(digits[::-2]) - ord("0") * len(digits[::-2])
    return (plain_sum + sum(digits[-2::-2].translate(_DOUBLED))) % 10 == 0
