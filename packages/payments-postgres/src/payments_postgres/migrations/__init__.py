"""
The schema's history, forwards only, and how to bring a database to its end.
"""

from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from payments_core.domain.errors import ConcurrentUpdate, StorageUnavailable
from payments_postgres.dialects import lock_schema, snapshot
from payments_postgres.errors import translated
from payments_postgres.retention import SqlAlchemyRetention

VERSION_TABLE: Final = "payments_schema_version"
"""
A name of our own: the service that embeds this package may use Alembic too.
"""

_TRIES: Final = 3
"""
How often it is begun: SQLite does not queue those who wait, so one may wait in vain.
"""


def migrate(engine: Engine, version: str = "head") -> None:
    """
    Bring the schema to the newest version, in one transaction; several may try at once.

    Args:
        version: Stop at an older one on the way.

    Raises:
        StorageUnavailable: The database is not there, its user may not change tables, or a
            newer program has migrated it.
        ConcurrentUpdate: Others held the tables or the file all the time.
    """
    for _ in range(_TRIES - 1):
        with suppress(ConcurrentUpdate):
            _upgrade(engine, version)
            break
    else:
        _upgrade(engine, version)
    if version == "head":
        # Without the months that come next all is kept too, only not by month.
        SqlAlchemyRetention(engine).make_ahead(datetime.now(UTC))


def _upgrade(engine: Engine, version: str) -> None:
    with translated, engine.begin() as connection:
        lock_schema(connection)
        _refuse_newer(_versions_in(connection))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def newest_migration() -> Path:
    """
    Return the file of the last migration.
    """
    scripts = ScriptDirectory.from_config(_config())
    (head,) = scripts.get_heads()
    return Path(scripts.get_revision(head).path)


def is_current(engine: Engine) -> bool:
    """
    Return whether the schema is the one that this program was written for.

    Raises:
        StorageUnavailable: The database is not there.
    """
    return _versions(engine) == _heads()


def is_behind(engine: Engine) -> bool:
    """
    Return whether the schema lacks migrations that this program knows.

    A schema that a newer program has migrated is not behind: this one is then about to be replaced.

    Raises:
        StorageUnavailable: The database is not there.
    """
    return _versions(engine) <= _known() - _heads()


def _versions(engine: Engine) -> frozenset[str]:
    with translated, snapshot(engine).begin() as connection:
        return _versions_in(connection)


def _versions_in(connection: Connection) -> frozenset[str]:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return frozenset(context.get_current_heads())


def _refuse_newer(versions: frozenset[str]) -> None:
    if unknown := sorted(versions - _known()):
        raise StorageUnavailable(
            f"Another release has migrated this database, to {', '.join(unknown)}, which this one"
            " does not know: run that release or a newer one; there is no way back"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def _heads() -> frozenset[str]:
    return frozenset(ScriptDirectory.from_config(_config()).get_heads())


@cache
def _known() -> frozenset[str]:
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return frozenset(script.revision for script in scripts)
