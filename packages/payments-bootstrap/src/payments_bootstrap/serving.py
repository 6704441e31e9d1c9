"""
What it takes to serve: a database that is up to date, and the command of the web server.
"""

import sys
from typing import TYPE_CHECKING, Final

from payments_postgres import is_current, migrate

if TYPE_CHECKING:
    from payments_bootstrap.container import Container

WEB_SERVER: Final = (
    sys.executable,
    "-m",
    "gunicorn",
    "--config=python:payments_http.serving",
    "payments_http.wsgi:app",
)
"""
Serves the API with the settings of its environment.
"""


def migrate_database(container: "Container") -> None:
    """
    Bring the database's tables up to date.
    """
    migrate(container.engine())


def database_is_current(container: "Container") -> bool:
    """
    Return whether the database's tables are up to date.
    """
    return is_current(container.engine())
