"""
How a worker shows that it lives, to processes that cannot see it.
"""

import os
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

import attrs
from typing_extensions import override

from payments_bootstrap.worker import Job, Link, Part, Service, Worker
from payments_core.domain.errors import PaymentsError
from payments_core.ports.clock import IClock
from payments_core.ports.heartbeats import Heartbeat, IHeartbeats

FORGOTTEN: Final = timedelta(days=1)
"""
After this the rows of workers that did not end in peace are removed.
"""

LOOK: Final = timedelta(seconds=1)
"""
How soon it is noticed that the way to the broker is lost.
"""


def own_name() -> str:
    """
    Return what tells this process from others: its machine (in a cluster its pod) and number.
    """
    return f"{socket.gethostname()}/{os.getpid()}"


@attrs.define(eq=False)
class Heart(Service):
    """
    Leaves a sign of life now and then, and at once when the way to the broker changes.

    Attributes:
        every: The longest pause between two.

        parts: What the worker does. links: What of it works over a connection to the broker.
    """

    heartbeats: IHeartbeats
    clock: IClock
    every: timedelta
    parts: Collection[str] = ()
    links: Sequence[Link] = ()
    worker: str = attrs.field(factory=own_name)
    _last: Heartbeat | None = attrs.field(default=None, init=False)

    def beat(self) -> int:
        """
        Leave a sign of life if it is time; return 0, since the next one is not due yet.
        """
        last, now = self._last, self._heartbeat()
        same = last is not None and last.broker is now.broker
        if same and last is not None and abs(now.at - last.at) < self.every:
            return 0
        self.heartbeats.beat(now)
        self._last = now
        if last is None:
            self.heartbeats.forget(now.at - FORGOTTEN)
        return 0

    @override
    def start(self) -> None:
        """
        Let everybody know at once that this worker is there.
        """
        # Without the database it works as soon as that comes, and tells then.
        with suppress(PaymentsError):
            self.beat()

    @override
    def stop(self) -> None:
        """
        Let everybody know at once that this worker is gone.
        """
        # Without the database nobody could hear it, and its silence will tell.
        with suppress(PaymentsError):
            self.heartbeats.end(self.worker)

    def _heartbeat(self) -> Heartbeat:
        broker = all(link.connected for link in self.links) if self.links else None
        parts = tuple(sorted(map(str, self.parts)))
        return Heartbeat(worker=self.worker, parts=parts, broker=broker, at=self.clock.now())


def worker_of(
    jobs: Sequence[Job],
    links: Mapping[Part, Callable[[], Link]],
    heart: Callable[..., Heart],
    alive_file: str = "",
    only: Collection[Part] = (),
) -> Worker:
    """
    Return a worker for these parts, with a heart; for all of them if none is named.

    Args:
        links: What makes the link of a part, called only if the part runs.
    """
    wanted = set(only or Part)
    made = [make() for part, make in links.items() if part in wanted]
    own = heart(parts=wanted, links=made)
    beating = Job("heartbeat", own.beat, LOOK)
    chosen = [job for job in jobs if job.part in wanted]
    return Worker([*chosen, beating], [*made, own], alive_file)
