"""
Moments and text come back as they went in, or are refused.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Engine, MetaData, Table, insert, select
from sqlalchemy.schema import CreateTable

from payments_core.domain.errors import DomainError, PaymentsError, StorageRefused
from payments_postgres.column_types import CleanText, ExactText, UtcDateTime
from payments_postgres.statements import Fixed
from payments_postgres.transaction import Transaction

TYPES = Table(
    "kept",
    MetaData(),
    Column("at", UtcDateTime),
    Column("exact", ExactText),
    Column("clean", CleanText),
    prefixes=["TEMPORARY"],
)


@pytest.fixture(params=[lambda statement: statement, Fixed], ids=["anew", "fixed"])
def kept(engine: Engine, request: pytest.FixtureRequest) -> Callable[..., object]:
    """
    Writes one value into a column and reads it back, by statements of either kind.
    """

    def write_and_read(**value: object) -> object:
        with Transaction(engine) as transaction:
            transaction.change(CreateTable(TYPES), {})
            transaction.change(request.param(insert(TYPES)), value)
            (row,) = transaction.rows(request.param(select(TYPES.c[next(iter(value))])))
        (found,) = row._asdict().values()
        return found

    return write_and_read


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 22, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(1970, 1, 1, tzinfo=UTC),
    ],
)
def test_a_moment_comes_back_in_utc(kept: Callable[..., object], moment: datetime) -> None:
    """
    The same microsecond comes back, in UTC and aware of it.
    """
    found = kept(at=moment)

    assert found == moment
    assert isinstance(found, datetime)
    assert found.tzinfo is UTC


@pytest.mark.parametrize("text", ["", "ünïcode 🙂", "'; DROP TABLE payments; --", "%s {} \\ \x1f"])
def test_text_is_exact(kept: Callable[..., object], text: str) -> None:
    """
    Text is data: nothing in it is interpreted or changed.
    """
    assert kept(exact=text) == text


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x\udfff"])
def test_what_cannot_be_stored_is_replaced_in_text_for_people(
    kept: Callable[..., object], text: str
) -> None:
    """
    A provider's message with NUL or half a surrogate pair is kept all the same.
    """
    found = kept(clean=text)

    assert found == "".join("\ufffd" if c in "\0\ud800\udfff" else c for c in text)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("exact", "a\0b", DomainError),
        ("exact", "\ud800", DomainError),
        ("at", datetime(2026, 1, 1), StorageRefused),  # noqa: DTZ001 - the point
    ],
)
def test_what_would_come_back_different_is_refused(
    engine: Engine, column: str, value: object, expected: type[PaymentsError]
) -> None:
    """
    An identifier that cannot be stored as it is can be a caller's; a time without zone is a bug.
    """
    with Transaction(engine) as transaction, pytest.raises(expected) as caught:
        transaction.rows(select(TYPES.c.at).where(TYPES.c[column] == value))

    assert type(caught.value) is expected
