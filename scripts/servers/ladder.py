"""
The ladder: the ways to get a server, tried in one order for every technology.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from attrs import frozen
from typing_extensions import override

from scripts.servers.process import finish, own_folder
from scripts.servers.server import Server, UnavailableError

RUNGS = ("environment", "local", "docker", "binaries", "wheel", "apt")
SKIP = "SERVICES_SKIP"  # rungs not to be tried, with commas between
ANSWER_WITHIN = 60.0  # seconds that a server which we started may take
PULL_WITHIN = 900.0  # seconds for a download


@frozen
class Obtained:
    """
    A server with a room for the tests, and how it was got.
    """

    server: Server
    version: str
    rung: str
    variables: Mapping[str, str]

    @override
    def __str__(self) -> str:
        words = " ".join(f"{name}={value}" for name, value in self.variables.items())
        return f"{self.server.name} {self.version} ({self.rung}): {words}"


def skipped() -> frozenset[str]:
    """
    Return the rungs that the environment forbids.
    """
    named = frozenset(filter(None, os.environ.get(SKIP, "").replace(" ", "").split(",")))
    if unknown := named - set(RUNGS):
        raise SystemExit(f"{SKIP} names {', '.join(sorted(unknown))}; known: {', '.join(RUNGS)}")
    return named


def obtain(server: Server, stack: ExitStack) -> Obtained:
    """
    Climb the ladder until a server lets us in; the stack gives back all that was taken.

    Raises:
        UnavailableError: No rung holds; the text says what was tried and what would help.
    """
    skip, tried = skipped(), []
    if (url := os.environ.get(server.variable)) and "environment" not in skip:
        return given(server, url, stack)
    for rung, way in ways(server):
        if rung in skip:
            continue
        try:
            with ExitStack() as attempt:
                url = attempt.enter_context(way)
                version = answer(server, url, patience=0 if rung == "local" else ANSWER_WITHIN)
                variables = attempt.enter_context(server.room(url))
                stack.enter_context(attempt.pop_all())
                return Obtained(server, version, rung, variables)
        except UnavailableError as reason:
            tried.append(f"  {rung}: {reason}")
    tried += [f"  left out by {SKIP}: {', '.join(sorted(skip))}"] if skip else []
    raise UnavailableError(
        "\n".join((f"{server.name} is needed and could not be had.", *tried, advice(server)))
    )


def advice(server: Server) -> str:
    """
    Return what a reader can do to get the server.
    """
    return (
        f"Any one of these helps: set {server.variable} to the address of a server; start one on "
        f"port {server.port} that lets us in; start Docker; install {' '.join(server.packages)}."
    )


def given(server: Server, url: str, stack: ExitStack) -> Obtained:
    """
    Use the server that the environment names: a room in it, or all of it if we may not have one.

    Raises:
        UnavailableError: It does not let us in; no other server is looked for then.
    """
    try:
        version = server.version(url)
    except UnavailableError as reason:
        raise UnavailableError(
            f"{server.name} is not usable where {server.variable} says: {reason}\n"
            f"Correct the variable, or unset it to have a server found or started."
        ) from reason
    try:
        variables = stack.enter_context(server.room(url))
    except UnavailableError:
        variables = server.as_given(url)
    return Obtained(server, version, "environment", variables)


def ways(server: Server) -> Iterator[tuple[str, AbstractContextManager[str]]]:
    """
    Return the rungs below the environment in their order; each does its work when entered.
    """
    for url in server.local():
        yield "local", nullcontext(url)
    yield "docker", container(server)
    yield "binaries", started(server, server.programs)
    yield "wheel", started(server, server.wheel)
    yield "apt", installed(server)


def answer(server: Server, url: str, *, patience: float) -> str:
    """
    Return the server's version, asked again for some seconds while it comes up.

    Raises:
        UnavailableError: It did not answer in time; the text is its last refusal.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return server.version(url)
        except UnavailableError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.1)


@contextmanager
def container(server: Server) -> Iterator[str]:
    """
    Run the server's image on a free port of the loopback, and remove the container at the end.
    """
    if not shutil.which("docker"):
        raise UnavailableError("there is no docker command")
    docker("info")
    options = [word for pair in server.image_environment for word in ("--env", pair)]
    publish = ("--publish", f"127.0.0.1::{server.port}")
    name = docker("run", "--detach", "--rm", *publish, *options, server.image)
    try:
        yield server.standard(int(docker("port", name, str(server.port)).rsplit(":", 1)[1]))
    finally:
        docker("rm", "--force", "--volumes", name)


def docker(*words: str) -> str:
    """
    Run a docker command and return the last line that it prints.
    """
    return finish("docker", *words, within=PULL_WITHIN)


@contextmanager
def started(server: Server, place: Callable[[], Path | None]) -> Iterator[str]:
    """
    Start a server of our own out of the programs that are found in a place.
    """
    programs = place()
    if programs is None:
        raise UnavailableError("there are no programs of it")
    with own_folder(server.name) as folder, server.private(programs, folder) as url:
        yield url


@contextmanager
def installed(server: Server) -> Iterator[str]:
    """
    Install the server from Debian's or Ubuntu's packages, and start one of our own out of them.
    """
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise UnavailableError("this is not root on Debian or Ubuntu")
    print(f"{server.name}: apt-get install {' '.join(server.packages)} ...", file=sys.stderr)
    quiet = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes")
    finish(*quiet, "update", within=PULL_WITHIN)
    options = ("--no-install-recommends", "--no-upgrade")
    finish(*quiet, "install", *options, *server.packages, within=PULL_WITHIN)
    with started(server, server.programs) as url:
        yield url
