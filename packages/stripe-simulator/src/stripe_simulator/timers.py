"""
Timers: what happens later, on the simulator's clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from typing_extensions import override

from stripe_simulator import attempts, charges, lifecycle, refunds
from stripe_simulator.simulation import Simulation
from stripe_simulator.work import Work

TIMERS: dict[str, Callable[[Work, str], None]] = {
    "payment_settled": attempts.settle,
    "authorisation_expired": lifecycle.expire,
    "charge_booked": charges.book_later,
    "refund_settled": refunds.settle,
    "refund_failed": refunds.fail,
}
LONGEST_WAIT = 60.0


def run_due(simulation: Simulation) -> float:
    """
    Runs the timers that are due, in their order.

    Returns:
        Seconds until the next one, at most `LONGEST_WAIT`.
    """
    while True:
        with simulation.work() as work:
            rows = work.store.execute(
                "SELECT seq, due, name, object_id FROM timers ORDER BY due, seq LIMIT 1"
            )
            if not rows:
                return LONGEST_WAIT
            sequence, due, name, object_id = rows[0]
            if due > work.time:
                return float(min(due - work.time, LONGEST_WAIT))
            work.store.execute("DELETE FROM timers WHERE seq = ?", (sequence,))
            TIMERS[name](work, object_id)


class TimerThread(threading.Thread):
    """
    Runs timers in the background until it is stopped.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(name="stripe-simulator-timers", daemon=True)
        self._simulation = simulation
        self._wake = threading.Event()
        self._stopped = False
        simulation.on_change(self._wake.set)

    @override
    def run(self) -> None:
        """
        Waits for what is due and runs it.
        """
        while not self._stopped:
            self._wake.clear()
            self._wake.wait(run_due(self._simulation))

    def stop(self) -> None:
        """
        Ends the thread.
        """
        self._stopped = True
        self._wake.set()
        self.join()
