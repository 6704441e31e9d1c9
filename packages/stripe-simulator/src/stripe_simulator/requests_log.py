"""
The log of API requests, so that a test can ask what was sent.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 50_000


@dataclass
class LoggedRequest:
    """
    One API request and what it was answered with.

    Args:
        time: When it came, on the simulator's clock.

        status: None while it runs, or when no answer was sent.

        fault: The kind of the fault that met it.
    """

    request_id: str
    time: float
    method: str
    path: str
    operation: str
    parameters: dict[str, Any]
    idempotency_key: str | None = None
    status: int | None = None
    replayed: bool = False
    fault: str | None = None


class RequestsLog:
    """
    The latest requests, oldest first.
    """

    def __init__(self) -> None:
        self._requests: deque[LoggedRequest] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def add(self, request: LoggedRequest) -> LoggedRequest:
        """
        Notes a request when it comes.
        """
        with self._lock:
            self._requests.append(request)
        return request

    def all(self) -> list[dict[str, Any]]:
        """
        Copies of all that is kept.
        """
        with self._lock:
            return [asdict(request) for request in self._requests]

    def __len__(self) -> int:
        return len(self._requests)

    def clear(self) -> None:
        """
        Forgets them.
        """
        with self._lock:
            self._requests.clear()
