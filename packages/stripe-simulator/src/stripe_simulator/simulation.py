"""
The simulated account: settings, store, clock, ids and faults in one place.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stripe_simulator import endpoints
from stripe_simulator.clock import Clock
from stripe_simulator.faults import Faults
from stripe_simulator.idempotency import KeysInFlight
from stripe_simulator.identifiers import Identifiers
from stripe_simulator.requests_log import RequestsLog
from stripe_simulator.settings import Settings
from stripe_simulator.store import Store
from stripe_simulator.work import Work

Json = dict[str, Any]


class Simulation:
    """
    Everything that handlers, timers and deliveries share.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.seed = secrets.randbits(32) if settings.seed is None else settings.seed
        self.store = Store(settings.database)
        self.clock = Clock()
        self.identifiers = Identifiers(self.seed, self.store.generation)
        self.faults = Faults(self.seed)
        self.keys_in_flight = KeysInFlight()
        self.requests = RequestsLog()
        self.url = ""
        self._stopping = threading.Event()
        self._listeners: list[Callable[[], None]] = []
        self._register_endpoint()

    @contextmanager
    def work(
        self, request_id: str | None = None, idempotency_key: str | None = None
    ) -> Iterator[Work]:
        """
        A unit of work that is written when the block ends, and its events sent on.
        """
        with self.store.transaction():
            work = Work(self, request_id, idempotency_key)
            yield work
            work.flush()
        if work.events or work.timers:
            self.wake()

    def publish(self, event: Json, time: float) -> None:
        """
        Keeps an event and plans its delivery to every endpoint that wants it.
        """
        targets = endpoints.subscribed(self.store, event["type"])
        event["pending_webhooks"] = len(targets)
        self.store.save("event", event)
        for endpoint in targets:
            for delay in self.faults.webhook_delays(event["type"]):
                endpoints.plan_delivery(self.store, event["id"], endpoint["id"], time + delay)

    def on_change(self, listener: Callable[[], None]) -> None:
        """
        Calls `listener` when there may be something to deliver or a timer to wait for.
        """
        self._listeners.append(listener)
        self.clock.on_advance(listener)

    def wake(self) -> None:
        """
        Tells the background threads to look again.
        """
        for listener in self._listeners:
            listener()

    def wait(self, seconds: float) -> None:
        """
        Lets a caller wait; all waiting ends when the simulator stops.
        """
        self._stopping.wait(seconds)

    def stop_waiting(self) -> None:
        """
        Ends all waiting.
        """
        self._stopping.set()

    def reset(self) -> None:
        """
        Starts over: no objects, no faults, no log; the settings' endpoint stays.
        """
        self.store.clear()
        self.faults.clear()
        self.requests.clear()
        self._register_endpoint()

    def _register_endpoint(self) -> None:
        settings = self.settings
        if settings.webhook_url is None:
            return
        with self.work() as work:
            endpoints.register(
                work, settings.webhook_url, list(settings.webhook_events), settings.webhook_secret
            )
