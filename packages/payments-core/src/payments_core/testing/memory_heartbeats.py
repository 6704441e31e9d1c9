"""
Signs of life in memory.
"""

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from payments_core.ports.heartbeats import Heartbeat, IHeartbeats


class InMemoryHeartbeats(IHeartbeats):
    """
    Those of the workers of one test.
    """

    def __init__(self) -> None:
        self._last: dict[str, Heartbeat] = {}

    @override
    def beat(self, heartbeat: Heartbeat) -> None:
        self._last[heartbeat.worker] = heartbeat

    @override
    def since(self, moment: datetime) -> Sequence[Heartbeat]:
        return [beat for _, beat in sorted(self._last.items()) if beat.at >= moment]

    @override
    def end(self, worker: str) -> None:
        self._last.pop(worker, None)

    @override
    def forget(self, before: datetime) -> int:
        silent = [name for name, beat in self._last.items() if beat.at < before]
        for name in silent:
            del self._last[name]
        return len(silent)
