"""
What the database's errors mean to the core; no message carries SQL, values or an address.
"""

from collections.abc import Mapping
from typing import Final

import psycopg
from sqlalchemy import exc

from payments_core.domain.errors import (
    ConcurrentUpdate,
    PaymentsError,
    StorageRefused,
    StorageUnavailable,
)
from payments_postgres.dialects import code_of, rule_of

_LOST: Final = "Somebody else changed the same thing first; read it again and retry"
_DOWN: Final = "The database does not answer or cannot work; try again when it does"
_UNREACHED: Final = (
    "Nothing accepts a connection at the database's address; start it or correct that"
)
_SILENT: Final = (
    "The database was not heard of in time: it hangs, or a firewall or a wrong address is between"
)
_UNNAMED: Final = "The server has no database of that name; create it or correct the address"
_LOGIN: Final = "The database refuses this user or password; correct them in its address"
_SLOW: Final = "The database took too long and the statement was given up; try again"
_SCHEMA: Final = "The tables are not there or are older than this program; migrate the database: `payments db migrate`"
_RIGHTS: Final = "The database's user may not do this; grant it what the README lists"

_MEANINGS: Final[Mapping[str, tuple[type[PaymentsError], str]]] = {
    # PostgreSQL, by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
    "08": (StorageUnavailable, _DOWN),
    "08001": (StorageUnavailable, _UNREACHED),
    "23505": (ConcurrentUpdate, _LOST),
    "25006": (StorageUnavailable, _DOWN),  # read-only: a standby, or a failover under way
    "25P03": (StorageUnavailable, _SLOW),
    "28": (StorageUnavailable, _LOGIN),
    "3D000": (StorageUnavailable, _UNNAMED),
    "40001": (ConcurrentUpdate, _LOST),
    "40P01": (ConcurrentUpdate, _LOST),
    "42501": (StorageUnavailable, _RIGHTS),
    "42703": (StorageUnavailable, _SCHEMA),
    "42P01": (StorageUnavailable, _SCHEMA),
    "53": (StorageUnavailable, _DOWN),
    "55P03": (ConcurrentUpdate, _LOST),
    "57": (StorageUnavailable, _DOWN),
    "57014": (StorageUnavailable, _SLOW),
    "58": (StorageUnavailable, _DOWN),
    "HYT01": (StorageUnavailable, _SILENT),
    # SQLite, by name: https://www.sqlite.org/rescode.html
    "SQLITE_BUSY": (ConcurrentUpdate, _LOST),
    "SQLITE_CANTOPEN": (StorageUnavailable, _DOWN),
    "SQLITE_CONSTRAINT_PRIMARYKEY": (ConcurrentUpdate, _LOST),
    "SQLITE_CONSTRAINT_UNIQUE": (ConcurrentUpdate, _LOST),
    "SQLITE_CORRUPT": (StorageUnavailable, _DOWN),
    "SQLITE_ERROR": (StorageUnavailable, _SCHEMA),
    "SQLITE_FULL": (StorageUnavailable, _DOWN),
    "SQLITE_IOERR": (StorageUnavailable, _DOWN),
    "SQLITE_LOCKED": (ConcurrentUpdate, _LOST),
    "SQLITE_NOTADB": (StorageUnavailable, _DOWN),
    "SQLITE_READONLY": (StorageUnavailable, _DOWN),
}
"""
The longest beginning of an error's code that stands here decides.
"""


_WITHOUT_SERVER: Final = (
    *(exc.OperationalError, exc.InterfaceError),
    *(psycopg.OperationalError, psycopg.InterfaceError),
)


def meaning(error: exc.SQLAlchemyError | psycopg.Error) -> PaymentsError:
    """
    Return the core's error for one of the database, whether SQLAlchemy had it in hand or not.
    """
    cause = error.orig if isinstance(error, exc.StatementError) else error
    if isinstance(cause, PaymentsError):
        return cause
    if isinstance(error, exc.TimeoutError):
        return StorageUnavailable(
            "Every connection to the database is in use; try again, or raise pool_size"
        )
    code = code_of(cause)
    for length in range(len(code), 0, -1):
        if found := _MEANINGS.get(code[:length]):
            kind, text = found
            return kind(f"{text} ({code})")
    if isinstance(error, exc.IntegrityError | psycopg.IntegrityError):
        return StorageRefused(
            f"The database's rule {rule_of(cause)} forbids it; nothing was kept. Report this: the"
            " program should have held the rule itself"
        )
    if isinstance(error, _WITHOUT_SERVER) and not code:
        return StorageUnavailable(_DOWN)
    return StorageRefused(
        f"The database refused a statement ({code or type(error).__name__}). Report this: the"
        " program should not have sent it"
    )


class _Translated:
    """
    Lets none of the database's errors out, nor their texts: those quote whole rows.
    """

    def __enter__(self) -> None:
        return

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, exc.SQLAlchemyError | psycopg.Error):
            raise meaning(error) from None


translated: Final = _Translated()
