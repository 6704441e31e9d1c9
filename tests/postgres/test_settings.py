"""
What the database's settings accept, and what they never show.
"""

from typing import Any

import pytest

from payments_postgres import DatabaseSettings
from payments_postgres.settings import engine_url

SECRETS = [
    "postgresql://payments:s3cr3t@db.example/payments",
    "postgresql://payments@db.example/payments?password=s3cr3t",
    "postgresql+psycopg://payments:s3cr3t@db.example/payments?sslmode=require",
]


@pytest.mark.parametrize("url", SECRETS)
def test_the_password_is_not_shown(url: str) -> None:
    """
    Settings may be logged: the password is not in their text, the host is.
    """
    shown = repr(DatabaseSettings(url))

    assert "s3cr3t" not in shown
    assert "db.example" in shown


@pytest.mark.parametrize(
    "url", ["mysql://a:s3cr3t@b/c", "postgresql+asyncpg://a:s3cr3t@b/c", "s3cr3t", "", "://s3cr3t"]
)
def test_another_database_is_refused(url: str) -> None:
    """
    What is no PostgreSQL and no SQLite is refused, with an example and without a quotation.
    """
    with pytest.raises(ValueError, match="postgresql://user:password@host") as refusal:
        DatabaseSettings(url)

    assert "s3cr3t" not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://h/d", "postgresql+psycopg"),
        ("postgres://h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg"),
        ("sqlite:///file.db", "sqlite+pysqlite"),
        ("sqlite://", "sqlite+pysqlite"),
    ],
)
def test_the_driver_is_ours(url: str, driver: str) -> None:
    """
    An address without driver gets the one that this package works with.
    """
    assert engine_url(url).drivername == driver


@pytest.mark.parametrize(
    "limit",
    [
        {"pool_size": 0},
        {"pool_timeout_seconds": 0},
        {"connect_timeout_seconds": -1},
        {"statement_timeout_seconds": 0},
        {"lock_timeout_seconds": float("nan")},
        {"idle_in_transaction_timeout_seconds": 0},
    ],
)
def test_a_limit_is_above_zero(limit: dict[str, Any]) -> None:
    """
    Zero would mean no limit at all, so it is refused.
    """
    with pytest.raises(ValueError, match=next(iter(limit))):
        DatabaseSettings("sqlite://", **limit)
