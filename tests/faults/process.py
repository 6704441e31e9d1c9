"""
The process that a fault meets: it does one thing, and fails at one point of it.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

import attrs

from payments_core.ports.faults import hooked
from tests.faults.flows import FLOWS, Subject
from tests.faults.wire import Wire, to_broker, to_postgres
from tests.faults.world import LEASE, Place, World


@attrs.frozen
class Blow:
    """
    What happens, and at which point.

    Attributes:
        kind: ``kill``, ``raise``, ``hang`` (longer than any lease), ``drop`` (the connection to
            the database; right after a commit: its answer with it), ``stop`` (until somebody
            lets it go on), ``unconfirmed`` (the broker's answer is lost) or ``none``.
    """

    kind: str
    point: str


class Faulty(Exception):
    """
    Raised at a point.
    """


@attrs.define
class Striker:
    """
    Strikes once, at the first passing of the point.
    """

    world: World
    blow: Blow
    database: Wire
    broker: Wire
    struck: bool = False

    def __call__(self, name: str) -> None:
        """
        Hear of a point.
        """
        if self.struck or name != self._where():
            return
        self.struck = True
        _STRIKES[self.blow.kind](self)

    def _where(self) -> str:
        point = self.blow.point
        # The answer to a commit must be lost while it comes: afterwards it is too late.
        early = self.blow.kind == "drop" and point.endswith(".commit")
        return point.removesuffix("commit") + "precommit" if early else point

    def kill(self) -> None:
        """
        Die at once.
        """
        os.kill(os.getpid(), signal.SIGKILL)

    def stop(self) -> None:
        """
        Stand still.
        """
        os.kill(os.getpid(), signal.SIGSTOP)

    def fail(self) -> None:
        """
        Raise what nobody expects.
        """
        raise Faulty(self.blow.point)

    def hang(self) -> None:
        """
        Let more time pass than any lease lasts.
        """
        self.world.advance(LEASE.total_seconds() + 1)

    def drop(self) -> None:
        """
        Lose the database.
        """
        if self.blow.point.endswith(".commit"):
            self.database.lose_answer(b"COMMIT")
        else:
            self.database.cut()

    def unconfirmed(self) -> None:
        """
        Lose the broker when it has the messages and says so.
        """
        self.broker.lose_answer(b"paymentId")


_STRIKES: Final[dict[str, Callable[[Striker], None]]] = {
    "kill": Striker.kill,
    "stop": Striker.stop,
    "raise": Striker.fail,
    "hang": Striker.hang,
    "drop": Striker.drop,
    "unconfirmed": Striker.unconfirmed,
}

UNREACHED: Final = 3
"""
The exit code of a process that never came to its point.
"""


def run(place: Place, flow: str, subject: Subject, blow: Blow) -> None:
    """
    Do one thing, and fail; the process ends without any clean-up.
    """
    logging.disable(logging.CRITICAL)
    database, database_url = to_postgres(place.database)
    broker, broker_url = to_broker(place.rabbit.url)
    rabbit = attrs.evolve(place.rabbit, url=broker_url)
    place = attrs.evolve(place, database=database_url, rabbit=rabbit)
    with World.open(place) as world:
        striker = Striker(world, blow, database, broker)
        with hooked(striker):
            try:
                FLOWS[flow].act(world, subject)
            except Exception:  # noqa: BLE001 - whatever it raises, the record judges
                sys.stderr.flush()
        struck = striker.struck or blow.kind == "none"
        os._exit(0 if struck else UNREACHED)
