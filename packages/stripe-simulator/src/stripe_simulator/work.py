"""
One unit of work: what a request, a customer or a timer does to the simulated account.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stripe_simulator.errors import resource_missing

if TYPE_CHECKING:
    from stripe_simulator.simulation import Simulation

Json = dict[str, Any]


def public(obj: Json) -> Json:
    """
    An object as the API shows it: without the notes that the simulator keeps on it.
    """
    return {name: value for name, value in obj.items() if not name.startswith("_")}


def snapshot(obj: Json) -> Json:
    """
    A copy that later changes do not reach; by JSON, which is four times as fast as `deepcopy`.
    """
    copied: Json = json.loads(json.dumps(public(obj)))
    return copied


@dataclass(frozen=True)
class Timer:
    """
    Something that will happen to an object.
    """

    name: str
    object_id: str
    due: float


class Work:
    """
    Reads objects, changes them in memory, and writes all changes and events at once.

    Args:
        simulation: The account that is worked on; its store's transaction is open.

        request_id: The API request that asked for it; None for timers and customers.

        idempotency_key: The key of that request.
    """

    def __init__(
        self,
        simulation: Simulation,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        self.simulation = simulation
        self.settings = simulation.settings
        self.store = simulation.store
        self.request_id = request_id
        self.idempotency_key = idempotency_key
        self.time = simulation.clock.now()
        self.now = int(self.time)
        self.events: list[Json] = []
        self.timers: list[Timer] = []
        self._loaded: dict[str, Json] = {}
        self._changed: dict[str, Json] = {}

    def new_id(self, prefix: str, length: int = 24) -> str:
        """
        An id that nothing else has.
        """
        return self.simulation.identifiers.draw(prefix, length)

    def find(self, kind: str, identifier: str) -> Json | None:
        """
        The object of this kind and id, or None.
        """
        known = self._loaded.get(identifier)
        if known is None:
            known = self.store.load(kind, identifier)
            if known is not None:
                self._loaded[identifier] = known
        return known if known is not None and known["object"] == kind else None

    def get(self, kind: str, identifier: str, param: str = "id", status: int = 404) -> Json:
        """
        The object of this kind and id.

        Raises:
            ApiError: `resource_missing`.
        """
        found = self.find(kind, identifier)
        if found is None:
            raise resource_missing(kind, identifier, param, status)
        return found

    def save(self, obj: Json) -> Json:
        """
        Marks an object, new or changed, to be written.
        """
        self._loaded[obj["id"]] = self._changed[obj["id"]] = obj
        return obj

    def emit(self, event_type: str, obj: Json, previous: Json | None = None) -> None:
        """
        Records an event with the object as it is now.

        Args:
            previous: The values that the change replaced.
        """
        data: Json = {"object": snapshot(obj)}
        if previous is not None:
            data["previous_attributes"] = previous
        self.events.append(
            {
                "id": self.new_id("evt"),
                "object": "event",
                "api_version": self.settings.api_version,
                "created": self.now,
                "data": data,
                "livemode": False,
                "pending_webhooks": 0,
                "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
                "type": event_type,
            }
        )

    def schedule(self, name: str, object_id: str, seconds: float | None = None) -> None:
        """
        Lets a timer of `timers.TIMERS` go off later.

        Args:
            seconds: On the simulator's clock; the setting `delay_seconds` when not given.
        """
        delay = self.settings.delay_seconds if seconds is None else seconds
        self.timers.append(Timer(name, object_id, self.time + delay))

    def discard(self) -> None:
        """
        Forgets every change that was not written yet.
        """
        self._loaded, self._changed, self.events, self.timers = {}, {}, [], []

    def flush(self) -> None:
        """
        Writes the changes, the timers, the events and their deliveries.
        """
        for obj in self._changed.values():
            self.store.save(obj["object"], obj)
        for timer in self.timers:
            self.store.execute(
                "INSERT INTO timers (due, name, object_id) VALUES (?, ?, ?)",
                (timer.due, timer.name, timer.object_id),
            )
        for event in self.events:
            self.simulation.publish(event, self.time)
