"""
Loaded by the pytest of an older release: its PostgreSQL databases get the schema of this one.

It stands alone, and is copied to where nothing else of this release can be imported.
"""

import os
import subprocess
import sys

from sqlalchemy import Engine

import payments_postgres

PROGRAM = """
import sys
from payments_postgres import DatabaseSettings, create_engine, migrate
migrate(create_engine(DatabaseSettings(sys.argv[1])))
"""

older = payments_postgres.migrate


def migrate(engine: Engine, version: str = "head") -> None:
    """
    Bring a database to where this release wants it, in a process that runs this release.
    """
    if engine.dialect.name != "postgresql":
        older(engine, version)
        return
    url = engine.url.render_as_string(hide_password=False)
    environment = os.environ | {"PYTHONPATH": os.environ["NEWER_RELEASE"]}
    subprocess.run([sys.executable, "-c", PROGRAM, url], env=environment, check=True)
    # Else this would prove nothing: the older release must not know this schema.
    assert not payments_postgres.is_current(engine)
    assert not payments_postgres.is_behind(engine)


payments_postgres.migrate = migrate
