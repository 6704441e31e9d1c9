"""
Keeping secrets and card numbers out of everything that is written down.
"""

import re
from collections.abc import MutableMapping
from typing import Any, Final

from payments_bootstrap.card_numbers import mask_card_numbers

_SECRETS: Final = (
    (re.compile(r"\b((?:sk|rk)_(?:live|test)_)\w+"), r"\1***"),
    (re.compile(r"\b(whsec_)\w+"), r"\1***"),
    (re.compile(r"\b((?:pi|seti)_[A-Za-z0-9]+_secret_)\w+"), r"\1***"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)*"), "eyJ***"),
    (re.compile(r"(?i)(authorization\W{1,4}(?:basic |bearer )?)[^\s\"',}]+"), r"\1***"),
    (re.compile(r"(://[^:/?#\s]*:)[^\s/]+@"), r"\1***@"),
)

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def mask(text: str) -> str:
    """
    Return the text without keys, tokens, client secrets, passwords and card numbers.
    """
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return mask_card_numbers(text)


def one_line(text: str) -> str:
    """
    Return the text with everything that could break or colour a line made visible.
    """
    return _UNPRINTABLE.sub(lambda m: m[0].encode("unicode_escape").decode(), text)


def mask_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """
    Mask each value of a log record, as a processor of structlog.
    """
    for name, value in event.items():
        if name.startswith("_") or value is None or isinstance(value, bool | int | float):
            continue
        text = mask(value if isinstance(value, str) else repr(value))
        event[name] = text if name == "exception" else one_line(text)
    return event
