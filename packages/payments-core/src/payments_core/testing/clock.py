"""
A clock that stands still until it is told to move.
"""

from datetime import UTC, datetime, timedelta

from typing_extensions import override

from payments_core.ports.clock import IClock


class ManualClock(IClock):
    """
    Tells the time that a test sets. Each reading is a microsecond later than the last.
    """

    def __init__(self, start: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)) -> None:
        self._now = start

    @override
    def now(self) -> datetime:
        self._now += timedelta(microseconds=1)
        return self._now

    def advance(self, **by: float) -> None:
        """
        Move on, by the arguments of `datetime.timedelta`.
        """
        self._now += timedelta(**by)
