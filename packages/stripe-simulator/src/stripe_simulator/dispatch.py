"""
The way of a request: key, parameters, idempotency, operation, answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from stripe_simulator import idempotency
from stripe_simulator.api import Call, Operation
from stripe_simulator.api_keys import is_publishable
from stripe_simulator.errors import ApiError
from stripe_simulator.expansion import expand
from stripe_simulator.faults import Fault
from stripe_simulator.idempotency import Key, Stored
from stripe_simulator.params import decode
from stripe_simulator.requests_log import LoggedRequest
from stripe_simulator.simulation import Simulation
from stripe_simulator.work import Work

Json = dict[str, Any]

SERVER_ERROR = ApiError(
    "An unknown error occurred",
    status=500,
    type="api_error",
    headers={"Stripe-Should-Retry": "false"},
)


@dataclass(frozen=True)
class ApiRequest:
    """
    What came over the wire.
    """

    method: str
    path: str
    id: str
    pairs: list[tuple[str, str]]
    authorization: str
    idempotency_key: str | None


@dataclass
class Answer:
    """
    What goes back.
    """

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


def refusal(error: ApiError) -> Answer:
    """
    The answer of an error.
    """
    return Answer(error.status, _render(error.body()), dict(error.headers))


def _render(body: Json) -> str:
    return json.dumps(body, ensure_ascii=False)


class Dispatcher:
    """
    Runs operations on one simulated account.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def answer(
        self, operation: Operation, request: ApiRequest, fault: Fault | None, log: LoggedRequest
    ) -> Answer:
        """
        The answer to a request, whatever becomes of it on the way back.
        """
        try:
            publishable = is_publishable(
                operation, request.authorization, self._simulation.settings
            )
            key = _key(request)
            parameters = operation.parameters.parse(decode(request.pairs))
            run = _Run(
                self._simulation, operation, Call(request.id, parameters, publishable), fault, log
            )
            answer = run.execute() if key is None else self._once(key, run)
        except ApiError as error:
            answer = refusal(error)
        answer.headers["Request-Id"] = log.request_id
        if request.idempotency_key is not None:
            answer.headers["Idempotency-Key"] = request.idempotency_key
        return answer

    def _once(self, key: Key, run: _Run) -> Answer:
        simulation = self._simulation
        with simulation.keys_in_flight.hold(key.text):
            stored = idempotency.recall(simulation.store, key, simulation.clock.now())
            if stored is None:
                return run.execute(key)
            run.log.replayed = True
            headers = {"Idempotent-Replayed": "true", "Original-Request": stored.request_id}
            if stored.status == SERVER_ERROR.status:
                headers.update(SERVER_ERROR.headers)
            return Answer(stored.status, stored.body, headers)


def _key(request: ApiRequest) -> Key | None:
    if request.idempotency_key is None or request.method != "POST":
        return None
    return idempotency.checked_key(request.idempotency_key, request.path, request.pairs)


@dataclass(frozen=True)
class _Run:
    """
    One run of an operation, in one transaction.
    """

    simulation: Simulation
    operation: Operation
    call: Call
    fault: Fault | None
    log: LoggedRequest

    def execute(self, key: Key | None = None) -> Answer:
        """
        Runs it, and keeps the answer under the key.
        """
        if self.fault is not None and self.fault.kind.waits:
            self.simulation.wait(self.fault.seconds)
        with self.simulation.work(self.log.request_id, self.log.idempotency_key) as work:
            answer, executed = self._attempt(work)
            if self.fault is not None and self.fault.kind.reply == "error_500":
                answer = refusal(SERVER_ERROR)
            if key is not None and executed:
                stored = Stored(answer.status, answer.body, self.log.request_id)
                idempotency.remember(self.simulation.store, key, stored, work.time)
        return answer

    def _attempt(self, work: Work) -> tuple[Answer, bool]:
        if self.fault is not None and not self.fault.kind.effect:
            return refusal(SERVER_ERROR), True
        try:
            body = self.operation.run(work, self.call)
            shown = expand(work, body, self.call.parameters.get("expand", []))
        except ApiError as error:
            if not error.keeps:
                work.discard()
            return refusal(error), error.executed
        return Answer(200, _render(shown)), True
