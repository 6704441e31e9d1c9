"""
docker-compose.yml as the tests run it, on servers of this machine.

Its own commands with its own environment, for the services that are made of our image.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import attrs
import yaml  # type: ignore[import-untyped]  # ships no types

from scripts.env import EXAMPLE, filled
from scripts.servers.process import running

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
PLACEHOLDER: Final = re.compile(r"\$\{([A-Z_]+)(?::\?[^}]*|:-([^}]*))?\}")
"""
``${NAME}``, ``${NAME:?what to do without}``, ``${NAME:-what it is without}``.
"""

Moved = Mapping[str, str]
"""
What stands elsewhere on this machine: the text in the file, and the text in its place.
"""


def dotenv(text: str) -> dict[str, str]:
    """
    Return the names and values of a .env.
    """
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))


VALUES: Final = dotenv(filled(EXAMPLE.read_text("utf-8")))


def environment(service: str, values: Mapping[str, str] = VALUES) -> dict[str, str]:
    """
    Return a service's environment as Compose hands it over.
    """
    return {
        name: PLACEHOLDER.sub(lambda found: values[found[1]] or found[2] or "", text)
        for name, text in COMPOSE["services"][service]["environment"].items()
    }


def words(instruction: str) -> list[str]:
    """
    Return the words of the last instruction of this name in the Dockerfile.
    """
    text = (ROOT / "Dockerfile").read_text("utf-8")
    *_, found = re.findall(rf"^(?: +)?{instruction} (\[.*\])$", text, re.MULTILINE)
    return list(yaml.safe_load(found))


def command(service: str) -> list[str]:
    """
    Return what a service of our image is started with.
    """
    told = COMPOSE["services"][service]
    given = told.get("command", [] if "entrypoint" in told else words("CMD"))
    return [*told.get("entrypoint", words("ENTRYPOINT")), *given]


def moved(text: str, places: Moved) -> str:
    """
    Return a text with each thing where it stands on this machine.
    """
    for there, here in places.items():
        text = text.replace(there, here)
    return text


class Carrier(Protocol):
    """
    What programs run from.
    """

    def __call__(self, words: Sequence[str]) -> Sequence[str | Path]:
        """
        Return the command line that starts these words.
        """


def from_venv(words: Sequence[str]) -> Sequence[str | Path]:
    """
    Start a program of this environment.
    """
    return [Path(sys.executable).with_name(words[0]), *words[1:]]


@attrs.frozen
class FromImage:
    """
    Starts a program of the image, in one container of it.
    """

    container: str

    def __call__(self, words: Sequence[str]) -> Sequence[str | Path]:
        """
        Return the command line that starts these words in it.
        """
        return [ROOT / "scripts/image.sh", "in", self.container, *words]


@contextmanager
def container() -> Iterator[FromImage]:
    """
    Make a container of the image that `make image` built, and remove it at the end.
    """
    script = ROOT / "scripts/image.sh"
    made = subprocess.run((script, "create"), capture_output=True, text=True, check=True)
    try:
        yield FromImage(made.stdout.split()[-1])
    finally:
        subprocess.run((script, "remove", made.stdout.split()[-1]), check=True)


@attrs.frozen
class Stack:
    """
    The services, on this machine.

    Attributes:
        places: What stands elsewhere than in the file. own: Settings of this run alone.
    """

    carrier: Carrier
    folder: Path
    places: Moved
    own: Mapping[str, str]

    def environ(self, service: str) -> dict[str, str]:
        """
        Return the environment of a service here.
        """
        told = environment(service).items()
        here = {name: moved(value, self.places) for name, value in told}
        return {**os.environ, **here, **self.own}

    def run(self, service: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """
        Run a service, or other words with its environment, to the end.
        """
        return subprocess.run(
            self.carrier(words or command(service)),
            env=self.environ(service),
            capture_output=True,
            text=True,
            check=False,
        )

    @contextmanager
    def started(self, service: str) -> Iterator["subprocess.Popen[bytes]"]:
        """
        Run a service until the block ends.
        """
        line = self.carrier([moved(word, self.places) for word in command(service)])
        folder = self.folder / service
        folder.mkdir()
        with running(line, folder, environment=self.environ(service)) as process:
            yield process
