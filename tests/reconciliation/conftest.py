"""
Databases for the proofs of reconciliation, as the tests of the repositories have them.
"""

from tests.postgres.conftest import (
    _shared_postgres,
    _sqlite_template,
    engine,
    make_uow,
    postgres_engine,
    sqlite_engine,
)

__all__ = [
    "_shared_postgres",
    "_sqlite_template",
    "engine",
    "make_uow",
    "postgres_engine",
    "sqlite_engine",
]
