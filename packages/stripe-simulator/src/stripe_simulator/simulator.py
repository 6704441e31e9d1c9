"""
The simulator as an object: started, asked, steered and stopped from Python.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from stripe_simulator import control, state
from stripe_simulator.app import create_app
from stripe_simulator.faults import Faults
from stripe_simulator.server import Server
from stripe_simulator.settings import Settings
from stripe_simulator.simulation import Simulation
from stripe_simulator.timers import TimerThread
from stripe_simulator.webhooks import DeliveryThread

Json = dict[str, Any]


class SimulatedClock:
    """
    The clock as a test steers it.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def now(self) -> float:
        """
        Seconds since the epoch.
        """
        return self._simulation.clock.now()

    def advance(self, seconds: float) -> float:
        """
        Moves time forward; what falls due has happened when this returns.
        """
        return control.advance_clock(self._simulation, seconds)


class Simulator:
    """
    A running simulator on a port of this machine.

    ```python
    with Simulator(seed=1, webhook_url="http://localhost:5004/webhooks") as simulator:
        client = StripeClient(simulator.api_key, base_addresses={"api": simulator.url})
    ```

    Args:
        settings: All settings at once; else the fields of `Settings` by name.
    """

    def __init__(self, settings: Settings | None = None, /, **fields: Any) -> None:
        self.settings = settings or Settings(**fields)
        self._simulation = Simulation(self.settings)
        self._server = self._bind()
        self._simulation.url = self.settings.public_url or self.url
        self._threads: list[TimerThread | DeliveryThread] = [
            TimerThread(self._simulation),
            *(DeliveryThread(self._simulation, n) for n in range(self.settings.webhook_workers)),
        ]
        self.clock = SimulatedClock(self._simulation)

    def _bind(self) -> Server:
        address = (self.settings.host, self.settings.port)
        try:
            return Server(address, create_app(self._simulation))
        except OSError:
            self._simulation.store.close()
            raise

    @property
    def url(self) -> str:
        """
        The address to give to Stripe's SDK.
        """
        return f"http://{self.settings.host}:{self._server.server_port}"

    @property
    def api_key(self) -> str:
        """
        The secret key that it accepts.
        """
        return self.settings.api_key

    @property
    def webhook_secret(self) -> str:
        """
        What signs the events for the `webhook_url` of the settings.
        """
        return self.settings.webhook_secret

    @property
    def seed(self) -> int:
        """
        The seed in use, also when it was drawn.
        """
        return self._simulation.seed

    @property
    def faults(self) -> Faults:
        """
        The fault rules in force.
        """
        return self._simulation.faults

    def state(self) -> Json:
        """
        How many objects of each kind are in each status.
        """
        return state.summary(self._simulation)

    def objects(self, kind: str, **filters: str) -> list[Json]:
        """
        All objects of a kind whose fields have these values.
        """
        return state.objects(self._simulation, kind, filters)

    def with_metadata(self, kind: str, key: str, value: str, **filters: str) -> list[Json]:
        """
        The objects of a kind whose metadata says so.
        """
        return state.objects(self._simulation, kind, {f"metadata[{key}]": value, **filters})

    def requests(self) -> list[Json]:
        """
        The API requests so far.
        """
        return self._simulation.requests.all()

    def deliveries(self) -> list[Json]:
        """
        The webhook deliveries so far.
        """
        return state.deliveries(self._simulation)

    def approve(self, payment_intent: str) -> Json:
        """
        Authenticates as the customer.
        """
        return control.decide(self._simulation, payment_intent, approved=True)

    def fail(self, payment_intent: str) -> Json:
        """
        Fails to authenticate as the customer.
        """
        return control.decide(self._simulation, payment_intent, approved=False)

    def resend(self, event: str) -> int:
        """
        Delivers an event once more.
        """
        return control.resend_event(self._simulation, event)

    def reset(self) -> None:
        """
        Starts over with nothing.
        """
        self._simulation.reset()

    def start(self) -> Self:
        """
        Serves until `stop`.
        """
        self._server.start()
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """
        Ends everything that was started.
        """
        self._server.stop(before=self._simulation.stop_waiting)
        for thread in self._threads:
            thread.stop()
        self._simulation.store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
