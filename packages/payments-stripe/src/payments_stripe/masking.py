"""
Taking secrets and card numbers out of what Stripe says, before it is kept or shown.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

MASK: Final = "[masked]"

_SECRET_NAMES: Final = frozenset(
    {"account_number", "client_secret", "cvc", "cvv", "number", "secret"}
)
_SECRET_TEXT: Final = re.compile(
    r"\b(?:sk|rk)_(?:live|test)_[\w*]+|\bwhsec_\w+|\b\w+_secret_\w+", re.ASCII
)
_DIGITS: Final = re.compile(r"(?<!\w)(?<!\d\.)\d(?:[ -]?\d){12,18}(?!\w|\.\d)", re.ASCII)


def masked(text: str) -> str:
    """
    Return the text without keys, client secrets and card numbers.
    """
    return _DIGITS.sub(_mask_card, _SECRET_TEXT.sub(MASK, text))


def masked_tree(value: Any) -> Any:
    """
    Return JSON of the same shape, without secrets in any of its texts.
    """
    match value:
        case Mapping():
            return {masked(name): _masked_field(name, inner) for name, inner in value.items()}
        case list():
            return [masked_tree(inner) for inner in value]
        case str():
            return masked(value)
    return value


def _masked_field(name: str, value: Any) -> Any:
    secret = name in _SECRET_NAMES and isinstance(value, str | int)
    return MASK if secret else masked_tree(value)


def _mask_card(found: re.Match[str]) -> str:
    return MASK if _luhn(re.sub(r"\D", "", found.group())) else found.group()


def _luhn(digits: str) -> bool:
    """
    Return whether the check digit of a card number fits (ISO/IEC 7812-1).
    """
    doubled = (int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits)))
    return sum(sum(divmod(d, 10)) for d in doubled) % 10 == 0
