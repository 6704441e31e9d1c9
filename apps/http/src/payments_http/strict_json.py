"""
Reading JSON without surprises: what is unusual is refused, not guessed.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final, NoReturn

from payments_core.masking import contains_card_number
from payments_http.problems import Problem

MAX_DEPTH: Final = 32
MAX_DIGITS: Final = 18

CARD_FIELDS: Final = frozenset(
    {"card", "cardnumber", "pan", "cvc", "cvv", "cvv2", "cvn", "expmonth", "expyear", "expiry"}
    | {"securitycode", "track1", "track2", "magstripe"}
)
"""
Names under which card data travels, in lower case without separators.
"""


def decode(body: bytes) -> Any:
    """
    Return what the body says; numbers with a point are `Decimal`, never float.

    Raises:
        Problem: It is no plain JSON in UTF-8, or it carries card data.
    """
    try:
        value = json.loads(
            body.decode(),
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_refuse,
            object_pairs_hook=_object,
        )
    except (ValueError, ArithmeticError, RecursionError):
        # ArithmeticError: an exponent that even Decimal cannot hold.
        raise _invalid() from None
    _check(value, MAX_DEPTH)
    return value


def _invalid() -> Problem:
    detail = (
        "The body must be JSON in UTF-8, nested at most 32 deep, without duplicate names,"
        " numbers of more than 18 digits, NaN or Infinity."
    )
    return Problem(HTTPStatus.BAD_REQUEST, "json_invalid", detail)


def _refuse(_: str) -> NoReturn:
    raise ValueError


def _integer(text: str) -> int:
    return int(text) if len(text.lstrip("-")) <= MAX_DIGITS else _refuse(text)


def _decimal(text: str) -> Decimal:
    return Decimal(text) if len(text) <= 2 * MAX_DIGITS else _refuse(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _refuse("")


def _check(value: Any, depth: int) -> None:
    if isinstance(value, dict | list) and not depth:
        raise _invalid()
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_name(name)
            _check(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth - 1)
    elif contains_card_number(str(value)):
        raise _card_data()


def refuse_card_data(texts: Iterable[str]) -> None:
    """
    Return if none of the texts shows a card number.

    Raises:
        Problem: One does.
    """
    if any(map(contains_card_number, texts)):
        raise _card_data()


def _check_name(name: str) -> None:
    plain = "".join(filter(str.isalnum, name)).lower()
    if plain in CARD_FIELDS or contains_card_number(name):
        raise _card_data()


def _card_data() -> Problem:
    detail = "Card data must never come here: send the provider's payment method id."
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "card_data_not_allowed", detail)
