"""
The order in which a server is looked for, and that all that was taken is given back.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from typing_extensions import override

from scripts.servers.ladder import RUNGS, obtain
from scripts.servers.server import Server, UnavailableError

DOCKER = """#!/bin/sh
echo "$@" >> "$0.log"
case "$1" in
    run) echo pulling... ; echo c0ffee ;;
    port) echo 127.0.0.1:6543 ;;
esac
"""


class Scripted(Server):
    """
    A technology whose servers answer at the addresses that the test says, and keep a diary.
    """

    name: ClassVar[str] = "Scripted"
    port: ClassVar[int] = 1234
    variable: ClassVar[str] = "TEST_SCRIPTED_URL"
    image: ClassVar[str] = "scripted:1"
    image_environment: ClassVar[tuple[str, ...]] = ("WORD=x",)
    packages: ClassVar[tuple[str, ...]] = ("scripted-server",)

    def __init__(self, answers: set[str], *, closed: set[str] | None = None) -> None:
        self.answers = answers
        self.closed = closed or set()
        self.diary: list[str] = []

    @override
    def standard(self, port: int) -> str:
        return f"scripted://{port}"

    @override
    def version(self, url: str) -> str:
        if url not in self.answers:
            raise UnavailableError(f"{url} is silent")
        return "1.0"

    @override
    @contextmanager
    def room(self, url: str) -> Iterator[dict[str, str]]:
        if url in self.closed:
            raise UnavailableError(f"{url} is closed")
        self.diary.append(f"room in {url}")
        yield {self.variable: f"{url}/room"}
        self.diary.append(f"room left in {url}")

    @override
    def as_given(self, url: str) -> dict[str, str]:
        return {self.variable: url}

    @override
    def programs(self) -> Path | None:
        return Path("/programs")

    @override
    def wheel(self) -> Path | None:
        return Path("/wheel")

    @override
    @contextmanager
    def private(self, programs: Path, folder: Path) -> Iterator[str]:
        self.diary.append(f"start {programs}")
        try:
            yield f"private:/{programs}"
        finally:
            self.diary.append(f"stop {programs}")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    A machine that has no Docker and no apt-get, and an environment that says nothing.
    """
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SERVICES_SKIP", raising=False)
    monkeypatch.delenv(Scripted.variable, raising=False)


LOCAL, PROGRAMS, WHEEL = "scripted://1234", "private://programs", "private://wheel"


@pytest.mark.parametrize(
    ("answers", "closed", "skip", "rung"),
    [
        ({LOCAL, PROGRAMS, WHEEL}, set(), "", "local"),
        ({LOCAL, PROGRAMS, WHEEL}, {LOCAL}, "", "binaries"),
        ({LOCAL, PROGRAMS, WHEEL}, set(), "local", "binaries"),
        ({LOCAL, PROGRAMS, WHEEL}, set(), "local, binaries", "wheel"),
        ({PROGRAMS}, set(), "", "binaries"),
    ],
)
def test_first_rung_that_holds_is_taken(
    monkeypatch: pytest.MonkeyPatch, answers: set[str], closed: set[str], skip: str, rung: str
) -> None:
    """
    A rung holds when a server answers there and gives us a room; rungs may be left out.
    """
    monkeypatch.setenv("SERVICES_SKIP", skip)

    with ExitStack() as stack:
        obtained = obtain(Scripted(answers, closed=closed), stack)

    assert obtained.rung == rung


def test_all_that_was_taken_is_given_back_in_reverse() -> None:
    """
    The room is left before the private server that holds it is stopped.
    """
    server = Scripted({PROGRAMS})
    with ExitStack() as stack:
        obtain(server, stack)

    assert server.diary == [
        "start /programs",
        f"room in {PROGRAMS}",
        f"room left in {PROGRAMS}",
        "stop /programs",
    ]


def test_private_server_that_gives_no_room_is_stopped_before_the_next_rung() -> None:
    """
    A failed attempt leaves nothing running behind.
    """
    server = Scripted({PROGRAMS, WHEEL}, closed={PROGRAMS})
    with ExitStack() as stack:
        obtain(server, stack)

    assert server.diary[:3] == ["start /programs", "stop /programs", "start /wheel"]


@pytest.mark.parametrize(
    ("closed", "url"),
    [(set(), "scripted://given/room"), ({"scripted://given"}, "scripted://given")],
)
def test_given_address_decides(monkeypatch: pytest.MonkeyPatch, closed: set[str], url: str) -> None:
    """
    The server of the environment is used: a room in it, or all of it when it gives no room.
    """
    monkeypatch.setenv(Scripted.variable, "scripted://given")

    with ExitStack() as stack:
        obtained = obtain(Scripted({"scripted://given", LOCAL}, closed=closed), stack)

    assert (obtained.rung, obtained.variables) == ("environment", {Scripted.variable: url})


def test_given_address_that_is_silent_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whoever names a server wants that one: no other is taken in its place.
    """
    monkeypatch.setenv(Scripted.variable, "scripted://given")

    with ExitStack() as stack, pytest.raises(UnavailableError, match="Correct the variable"):
        obtain(Scripted({LOCAL}), stack)


def test_missing_server_is_told_with_reasons_and_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    When no rung holds, the reader learns what was tried and what would help.
    """
    monkeypatch.setenv("SERVICES_SKIP", "binaries,wheel")

    with ExitStack() as stack, pytest.raises(UnavailableError) as raised:
        obtain(Scripted(set()), stack)

    told = str(raised.value)
    for words in (
        "Scripted is needed",
        f"local: {LOCAL} is silent",
        "docker: there is no docker command",
        "apt: this is not root on Debian or Ubuntu",
        "left out by SERVICES_SKIP: binaries, wheel",
        "set TEST_SCRIPTED_URL",
        "install scripted-server",
    ):
        assert words in told


def test_misspelt_rung_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A rung that does not exist cannot be left out; the known ones are named.
    """
    monkeypatch.setenv("SERVICES_SKIP", "podman")

    with ExitStack() as stack, pytest.raises(SystemExit, match=", ".join(RUNGS)):
        obtain(Scripted({LOCAL}), stack)


def test_container_is_published_on_loopback_and_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    Docker runs the server's image on a free port of the loopback until we are done.
    """
    program = tmp_path / "docker"
    program.write_text(DOCKER)
    program.chmod(0o755)
    monkeypatch.setenv("SERVICES_SKIP", "local")

    with ExitStack() as stack:
        obtained = obtain(Scripted({"scripted://6543"}), stack)

    assert obtained.rung == "docker"
    assert program.with_name("docker.log").read_text().splitlines() == [
        "info",
        "run --detach --rm --publish 127.0.0.1::1234 --env WORD=x scripted:1",
        "port c0ffee 1234",
        "rm --force --volumes c0ffee",
    ]
