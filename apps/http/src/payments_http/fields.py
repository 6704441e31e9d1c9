"""
The kinds of values in requests and answers, read strictly and written exactly.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from flask import current_app
from marshmallow import ValidationError, fields
from typing_extensions import override

from payments_bootstrap.settings import Settings
from payments_core.contracts.converter import timestamp
from payments_core.domain.discrepancy import LONGEST_NOTE, check_note
from payments_core.domain.errors import CurrencyInvalid, NoteInvalid
from payments_core.domain.line import LINE, is_line
from payments_core.domain.money import Money, exponent, exponents
from payments_core.ports.queries import Cursor
from payments_http.parsing import Sentence

UUID_PATTERN: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
PROVIDER: Final = r"[a-z][a-z0-9_-]{0,31}"
AMOUNT_PATTERN: Final = r"^[0-9]{1,15}(\.[0-9]{1,4})?$"
_POSITIVE_PATTERN: Final = (
    r"^([0-9]{0,14}[1-9][0-9]{0,14}(\.[0-9]{1,4})?|0+\.0{0,3}[1-9][0-9]{0,3})$"
)

_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_MOST: Final = 999_999_999_999
_EXPONENT: Final = 20


def refuse(text: str, code: str = "validation_failed") -> ValidationError:
    """
    Return the error that says so, with its code.
    """
    return ValidationError([Sentence(text, code)])


class Text(fields.String):
    """
    A line of text that shows something, without characters that control or show nothing.
    """

    def __init__(self, longest: int = 255, pattern: str | None = None, **options: Any) -> None:
        described = {
            "minLength": 1,
            "maxLength": longest,
            "pattern": f"^{pattern or LINE}$",
        }
        super().__init__(metadata=described | options.pop("metadata", {}), **options)
        self.longest = longest
        self.pattern = re.compile(pattern, re.ASCII) if pattern else None

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = value if isinstance(value, str) else ""
        if not is_line(text, self.longest):
            raise refuse(f"It must be a line of 1 to {self.longest} characters.")
        if self.pattern and not self.pattern.fullmatch(text):
            raise refuse(f"It must match {self.pattern.pattern}.")
        return text


class Note(Text):
    """
    What was done about a difference, as the core takes it.
    """

    def __init__(self) -> None:
        described = f"1 to {LONGEST_NOTE} characters in one line."
        super().__init__(LONGEST_NOTE, required=True, metadata={"description": described})

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = value if isinstance(value, str) else ""
        try:
            check_note(text)
        except NoteInvalid as error:
            raise refuse(f"{error}.") from None
        return text


class Provider(Text):
    """
    A provider's name; that of the default one where none is given.
    """

    def __init__(self) -> None:
        metadata = {"example": "stripe"}
        super().__init__(32, PROVIDER, metadata=metadata, load_default=default_provider)


def default_provider() -> str:
    """
    Return the name of the provider that takes what names none.
    """
    settings: Settings = current_app.config["PAYMENTS"]
    return settings.default_provider


class CanonicalUUID(fields.UUID):
    """
    A UUID in its usual form, with dashes; the one of zeros is refused.
    """

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> UUID:
        if not isinstance(value, str) or not re.fullmatch(UUID_PATTERN, value):
            raise refuse("It must be a UUID such as 0199f3c5-1c9a-7d44-a5e2-0f8a4d9f2c11.")
        found = UUID(value)
        if not found.int:
            raise refuse("The UUID of zeros stands for nothing.")
        return found


class Amount(fields.Field[str]):
    """
    An amount as text; with its currency it becomes money later.
    """

    def __init__(self, **options: Any) -> None:
        described = {
            "anyOf": [
                {"type": "string", "pattern": _POSITIVE_PATTERN},
                {"type": "number", "minimum": 0.0001, "maximum": _MOST},
            ],
            "description": "In major units, at most as many decimals as the currency has.",
            "example": "129.90",
        }
        super().__init__(metadata=described, **options)

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            text = 'The amount must be a plain decimal number such as "129.90".'
            raise refuse(text, "amount_format")
        # 1E-7 is a number too, of more decimals than any currency has.
        plain = isinstance(value, Decimal) and abs(value.adjusted()) <= _EXPONENT
        return f"{value:f}" if plain else str(value)


class Currency(fields.String):
    """
    An ISO 4217 code in upper case.
    """

    def __init__(self, **options: Any) -> None:
        described = {"enum": sorted(exponents()), "example": "EUR"}
        super().__init__(metadata=described, **options)

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        try:
            exponent(value)
        except (CurrencyInvalid, TypeError):
            text = "It must be the ISO 4217 code of a currency in use, in capitals, such as EUR."
            raise refuse(text, CurrencyInvalid.code) from None
        return str(value)


class ReturnUrl(Text):
    """
    An address of the shop; only hosts that the settings name, so nobody is led astray.
    """

    def __init__(self, **options: Any) -> None:
        metadata = {"format": "uri", "example": "https://shop.example/checkout/done"}
        super().__init__(2048, metadata=metadata, **options)

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        settings: Settings = current_app.config["PAYMENTS"]
        if not _allowed(text, settings):
            sentence = (
                "Customers may be sent back to the shop's own addresses only; "
                "the setting HTTP__ALLOWED_RETURN_URLS names their hosts."
            )
            raise refuse(sentence, "return_url_not_allowed")
        return text


def _allowed(text: str, settings: Settings) -> bool:
    try:
        url = urlsplit(text)
        host = f"{url.hostname}:{url.port}" if url.port else url.hostname
    except ValueError:
        return False
    secure = url.scheme == "https" or (settings.development and url.scheme == "http")
    plain = "@" not in url.netloc and "\\" not in text and " " not in text
    return secure and plain and host in settings.http.allowed_return_urls


class Time(fields.Field[datetime]):
    """
    A moment with its zone; written in UTC with ``Z``.
    """

    def __init__(self, **options: Any) -> None:
        described = {"type": "string", "format": "date-time"} | options.pop("metadata", {})
        super().__init__(metadata=described, **options)

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        try:
            return _time(value)
        except (ValueError, TypeError, OverflowError):
            raise refuse("It must be a time with its zone, such as 2026-11-22T12:00:00Z.") from None

    @override
    def _serialize(
        self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any
    ) -> str | None:
        return None if value is None else timestamp(value)


def _time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise ValueError
    return datetime.fromisoformat(text).astimezone(UTC)


class Digits(fields.Integer):
    """
    A whole number within limits, written in ASCII digits.
    """

    def __init__(self, least: int, most: int, **options: Any) -> None:
        super().__init__(metadata={"minimum": least, "maximum": most}, **options)
        self.least = least
        self.most = most

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        text = str(value)
        number = int(text) if re.fullmatch("[0-9]{1,9}", text, re.ASCII) else self.least - 1
        if not self.least <= number <= self.most:
            raise refuse(f"It must be a whole number from {self.least} to {self.most}.")
        return number


class Flag(fields.Boolean):
    """
    True or false, and nothing that merely looks like it.
    """

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if not isinstance(value, bool):
            raise refuse("It must be true or false.")
        return value


class QueryFlag(Flag):
    """
    The same in a query: the word ``true`` or ``false``.
    """

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        words = {"true": True, "false": False}
        return super()._deserialize(words.get(value), attr, data, **kwargs)


class Place(fields.Field[Cursor]):
    """
    Where a page of a list begins; opaque to callers.
    """

    def __init__(self, **options: Any) -> None:
        described = {"type": "string"} | options.pop("metadata", {})
        super().__init__(metadata=described, **options)

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Cursor:
        try:
            moment, _, payment_id = base64.urlsafe_b64decode(value).decode("ascii").partition("|")
            return Cursor(_time(moment), UUID(payment_id))
        except (ValueError, TypeError, OverflowError, binascii.Error):
            text = "It must be the nextCursor of a page before."
            raise refuse(text, "cursor_invalid") from None

    @override
    def _serialize(
        self, value: Cursor | None, attr: str | None, obj: Any, **kwargs: Any
    ) -> str | None:
        if value is None:
            return None
        text = f"{timestamp(value.created_at)}|{value.payment_id}"
        return base64.urlsafe_b64encode(text.encode()).decode()


class MoneyText(fields.Field[Money]):
    """
    The amount of some money, with all decimals of its currency.
    """

    def __init__(self, **options: Any) -> None:
        described = {"type": "string", "pattern": AMOUNT_PATTERN, "example": "129.90"}
        super().__init__(metadata=described, **options)

    @override
    def _serialize(
        self, value: Money | None, attr: str | None, obj: Any, **kwargs: Any
    ) -> str | None:
        return None if value is None else value.text
