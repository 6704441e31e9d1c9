"""
What the columns hold that neither driver gets right by itself: moments and text.
"""

import re
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import DateTime, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

from payments_core.domain.errors import DomainError, StorageRefused

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


class UtcDateTime(TypeDecorator[datetime]):
    """
    A moment with microseconds, in UTC and aware of it whatever the database keeps.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    @staticmethod
    def sent(value: datetime) -> datetime:
        """
        Return a moment as it is sent.
        """
        if value.tzinfo is UTC:
            return value
        if value.utcoffset() is None:
            raise StorageRefused("A time without its zone cannot be stored; make it aware of UTC")
        return value.astimezone(UTC)

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else self.sent(value)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value and value.astimezone(UTC)


class ExactText(TypeDecorator[str]):
    """
    Text that must come back as it went in: what cannot be stored is refused.

    PostgreSQL has no NUL in text, and UTF-8 has no halves of surrogate pairs.
    """

    impl = Text
    cache_ok = True

    @staticmethod
    def sent(value: str) -> str:
        """
        Return a text as it is sent.
        """
        if not _plain(value) and _UNSTORABLE.search(value):
            raise DomainError(
                "A text holds NUL or half of a surrogate pair, which cannot be stored; leave it out"
            )
        return str(value)

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.sent(value)


class CleanText(TypeDecorator[str]):
    """
    Text from outside that people read: what cannot be stored becomes U+FFFD.
    """

    impl = Text
    cache_ok = True

    @staticmethod
    def sent(value: str) -> str:
        """
        Return a text as it is sent.
        """
        text = str(value)
        return text if _plain(text) else _UNSTORABLE.sub("\ufffd", text)

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.sent(value)


def _plain(value: str) -> bool:
    # Nearly every text is, and this looks at none of its letters but for NUL.
    return value.isascii() and "\0" not in value
