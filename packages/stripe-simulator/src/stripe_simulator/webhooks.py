"""
Deliveries: events sent to their endpoints, signed, and again until they are taken.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
from typing import Any

import requests
from typing_extensions import override

from stripe_simulator.simulation import Simulation
from stripe_simulator.work import public

Json = dict[str, Any]

LONGEST_WAIT = 60.0
DELIVERED = range(200, 300)
log = logging.getLogger(__name__)


def sign(payload: bytes, secret: str, timestamp: int) -> str:
    """
    The `Stripe-Signature` header of a payload.
    """
    message = f"{timestamp}.".encode() + payload
    digest = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class DeliveryThread(threading.Thread):
    """
    Sends what is due, one delivery after the other, until it is stopped.
    """

    def __init__(self, simulation: Simulation, number: int = 0) -> None:
        super().__init__(name=f"stripe-simulator-webhooks-{number}", daemon=True)
        self._simulation = simulation
        self._wake = threading.Event()
        self._stopped = False
        self._session = requests.Session()
        self._session.trust_env = False
        simulation.on_change(self._wake.set)

    @override
    def run(self) -> None:
        """
        Waits for what is due and sends it.
        """
        while not self._stopped:
            self._wake.clear()
            self._wake.wait(self.deliver_due())

    def stop(self) -> None:
        """
        Ends the thread after the delivery that it is at.
        """
        self._stopped = True
        self._wake.set()
        self.join()
        self._session.close()

    def deliver_due(self) -> float:
        """
        Sends all that is due.

        Returns:
            Seconds until the next delivery, at most `LONGEST_WAIT`.
        """
        while not self._stopped:
            claimed, wait = self._claim()
            if claimed is None:
                return wait
            self._deliver(*claimed)
        return 0.0

    def _claim(self) -> tuple[tuple[int, str, str, int] | None, float]:
        store, now = self._simulation.store, self._simulation.clock.now()
        with store.transaction():
            rows = store.execute(
                "SELECT seq, event_id, endpoint_id, attempts, due FROM deliveries"
                " WHERE state = 'pending' ORDER BY due, seq LIMIT 1"
            )
            if not rows:
                return None, LONGEST_WAIT
            sequence, event_id, endpoint_id, attempts, due = rows[0]
            if due > now:
                return None, min(due - now, LONGEST_WAIT)
            # A claimed delivery comes back by itself if this thread dies with it.
            again = now + self._simulation.settings.webhook_timeout * 2
            store.execute(
                "UPDATE deliveries SET due = ?, attempts = attempts + 1 WHERE seq = ?",
                (again, sequence),
            )
        return (sequence, event_id, endpoint_id, attempts + 1), 0.0

    def _deliver(self, sequence: int, event_id: str, endpoint_id: str, attempts: int) -> None:
        store = self._simulation.store
        event, endpoint = store.load("event", event_id), store.load("webhook_endpoint", endpoint_id)
        if event is None or endpoint is None:
            store.execute("UPDATE deliveries SET state = 'dropped' WHERE seq = ?", (sequence,))
            return
        status = self._post(event, endpoint)
        self._note(sequence, attempts, status)

    def _post(self, event: Json, endpoint: Json) -> int | None:
        payload = json.dumps(public(event), indent=2, ensure_ascii=False).encode()
        # Receivers compare this with their own clock, so it is the machine's time.
        signature = sign(payload, endpoint["_secret"], int(time.time()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature,
        }
        timeout = self._simulation.settings.webhook_timeout
        try:
            with self._session.post(
                endpoint["url"],
                data=payload,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                return response.status_code
        except requests.RequestException as error:
            log.info("webhook to %s failed: %s", endpoint["url"], type(error).__name__)
            return None

    def _note(self, sequence: int, attempts: int, status: int | None) -> None:
        delays = self._simulation.settings.webhook_retry_delays
        store, now = self._simulation.store, self._simulation.clock.now()
        if status in DELIVERED:
            state, due = "delivered", now
        elif attempts > len(delays):
            state, due = "failed", now
        else:
            state, due = "pending", now + delays[attempts - 1]
        store.execute(
            "UPDATE deliveries SET state = ?, due = ?, status = ? WHERE seq = ?",
            (state, due, status, sequence),
        )
