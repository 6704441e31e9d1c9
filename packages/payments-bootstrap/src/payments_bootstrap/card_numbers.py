"""
Finding card numbers, so that none is accepted, stored or logged.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

SHORTEST: Final = 12
LONGEST: Final = 19

# About one UUID in a thousand would pass for a card number, its dashes for separators.
_UUID: Final = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_RUN: Final = re.compile(r"[0-9](?:[^0-9A-Za-z]*[0-9])+")
_GROUP: Final = re.compile(r"[0-9]+")
_ISSUED: Final = re.compile(
    r"4[0-9]{12}(?:[0-9]{3}|[0-9]{6})?"  # Visa
    r"|(?:5[1-5]|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]*"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0[0-59]|[689])[0-9]*"  # Diners Club
    r"|35(?:2[89]|[3-8][0-9])[0-9]*"  # JCB
    r"|6(?:011|4[4-9]|5|2)[0-9]*"  # Discover, UnionPay
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]*"  # Maestro
)
_LENGTHS: Final = {"2": {16}, "3": set(range(14, 20)), "4": {13, 16, 19}, "5": {16}}


def contains_card_number(text: str) -> bool:
    """
    Return whether a card number stands in the text, however its digits are separated.
    """
    return next(_spans(plain(text)), None) is not None


def mask_card_numbers(text: str) -> str:
    """
    Return the text with each card number replaced; a text without one as it is.
    """
    normal = plain(text)
    spans = list(_spans(normal))
    if not spans:
        return text
    for start, end in reversed(spans):
        normal = normal[:start] + "[card number]" + normal[end:]
    return normal


def plain(text: str) -> str:
    """
    Return the text with full-width digits and percent encoding undone.
    """
    return unicodedata.normalize("NFKC", unquote(text) if "%" in text else text)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    if sum(map(str.isdigit, text)) < SHORTEST:
        return
    text = _UUID.sub(lambda found: "x" * len(found[0]), text)
    for run in _RUN.finditer(text):
        groups = [(m.start(), m.end()) for m in _GROUP.finditer(text, run.start(), run.end())]
        yield from _in_run(text, groups)


def _in_run(text: str, groups: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    first = 0
    while first < len(groups):
        last = _last_group(text, groups, first)
        if last is not None:
            yield groups[first][0], groups[last][1]
        first = first + 1 if last is None else last + 1


def _last_group(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    digits = ""
    for index in range(first, len(groups)):
        digits += text[slice(*groups[index])]
        if len(digits) > LONGEST:
            return None
        if len(digits) >= SHORTEST and _is_card_number(digits):
            return index
    return None


def _is_card_number(digits: str) -> bool:
    allowed = _LENGTHS.get(digits[0])
    fits = allowed is None or len(digits) in allowed or _is_maestro(digits)
    return fits and _ISSUED.fullmatch(digits) is not None and _luhn(digits)


def _is_maestro(digits: str) -> bool:
    return digits.startswith(("5018", "5020", "5038", "5893"))


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])
    return (sum(int(d) for d in digits[-1::-2]) + sum(doubled)) % 10 == 0
