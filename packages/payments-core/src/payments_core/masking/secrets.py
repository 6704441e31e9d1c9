"""
Finding keys, tokens, client secrets, passwords and security codes by how they look or are named.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from payments_core.masking.card_numbers import CARD, contains_card_number, mask_card_numbers

MASK: Final = "***"
"""
What stands where a secret was; where a card number was, it says so.
"""

SECRET_NAMES: Final = frozenset(
    {"accountnumber", "authorization", "cardnumber", "clientsecret", "cvc", "cvn", "cvv", "cvv2"}
    | {"accesstoken", "apikey", "idtoken", "number", "pan", "password", "refreshtoken", "secret"}
    | {"securitycode", "track1", "track2", "webhooksecret"}
)
"""
Names under which secrets travel, in lower case without separators.
"""

_REST: Final = r"[^\s\"'`,;&(){}\[\]<>\\]+"
_NAMES: Final = "cvc|cvn|cvv2?|security[ _-]?code|password|client[_-]?secret|api[_-]?key"
_SECRETS: Final = tuple(
    map(
        re.compile,
        (
            rf"\b((?:sk|rk)_(?:live|test)_){_REST}",
            rf"\b(whsec_){_REST}",
            r"\b(\w+_secret_)[\w%-]+",
            r"\b(eyJ)[\w-]+\.[\w-]+(?:\.[\w-]*)*",
            r"(?i)(authorization\W{1,4}(?:basic |bearer )?)[^\s\"',}]+",
            r"(?i)\b(bearer )[\w.~+/-]{16,}=*",
            r"(://[^:/?#\s]*:)[^\s/]+(?=@)",
            rf"(?i)\b((?:{_NAMES})[\"'\\]{{0,2}}\s?[:=]\s?[\"'\\]{{0,2}}){_REST}",
        ),
    )
)
"""
How secrets look; what says of which kind one is stays, as the first group.
"""

_SHORT: Final = 64
"""
As long as names are that people give to fields.
"""

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def mask(text: str) -> str:
    """
    Return the text without keys, tokens, client secrets, passwords, security and card numbers.
    """
    for pattern in _SECRETS:
        text = pattern.sub(_hidden, text)
    return mask_card_numbers(text)


def _hidden(found: re.Match[str]) -> str:
    # A template in its place ("\\1***") costs more than the search, each time.
    return f"{found[1]}{MASK}"


def mask_tree(value: Any) -> Any:
    """
    Return JSON of the same shape, without secrets in its names, texts and numbers.
    """
    match value:
        # First what is met most: to be a Mapping is asked of an abstract class, and that is slow.
        case str():
            return mask(value)
        case bool() | None:
            return value
        case list() | tuple():
            return [mask_tree(inner) for inner in value]
        case Mapping():
            return dict(_mask_field(str(name), inner) for name, inner in value.items())
    return mask(str(value)) if contains_card_number(str(value)) else value


def shows_secret(text: str) -> bool:
    """
    Return whether there is, or was before it was masked, a secret or card number in the text.

    Such a text must not identify anything: two of them are alike once they are masked.
    """
    return CARD in text or MASK in text or mask(text) != text


def one_line(text: str) -> str:
    """
    Return the text with everything that could break or colour a line made visible.
    """
    return _UNPRINTABLE.sub(lambda m: m[0].encode("unicode_escape").decode(), text)


def plain_name(name: str) -> str:
    """
    Return a field's name as the tables of names hold it.
    """
    return "".join(filter(str.isalnum, name)).lower()


def _mask_field(name: str, value: Any) -> tuple[str, Any]:
    read = _read_name if len(name) <= _SHORT else _read_name.__wrapped__
    shown, secret = read(name)
    leaf = value is not None and not isinstance(value, bool | Mapping | list | tuple)
    return shown, MASK if secret and leaf else mask_tree(value)


@lru_cache(maxsize=1024)
def _read_name(name: str) -> tuple[str, bool]:
    """
    Return a name as it may be shown, and whether what it names is secret.

    Documents of one kind have the same names, so the short ones are remembered.
    """
    return mask(name), plain_name(name) in SECRET_NAMES
