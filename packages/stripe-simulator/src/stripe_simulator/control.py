"""
The control API under `/_simulator`: faults, clock, state, log, and the customer's part.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from stripe_simulator import attempts, endpoints, state, timers
from stripe_simulator.errors import ApiError, unexpected_state
from stripe_simulator.faults import Rule
from stripe_simulator.simulation import Simulation
from stripe_simulator.work import public

Json = dict[str, Any]


def blueprint(simulation: Simulation) -> Blueprint:
    """
    The routes of the control API.
    """
    control = Blueprint("control", __name__, url_prefix="/_simulator")
    _fault_routes(control, simulation)
    _state_routes(control, simulation)
    _customer_routes(control, simulation)

    @control.errorhandler(ValueError)
    def refused(error: ValueError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 400

    @control.errorhandler(ApiError)
    def failed(error: ApiError) -> tuple[Response, int]:
        return jsonify(error.body()), error.status

    return control


def _json() -> Any:
    data = request.get_json(silent=True)
    if data is None:
        raise ValueError("Send JSON with Content-Type: application/json.")
    return data


def _fault_routes(control: Blueprint, simulation: Simulation) -> None:
    faults = simulation.faults

    @control.get("/faults")
    def list_faults() -> Response:
        return jsonify(faults.all())

    @control.post("/faults")
    def add_faults() -> tuple[Response, int]:
        data = _json()
        rules = [Rule.from_json(line) for line in (data if isinstance(data, list) else [data])]
        return jsonify([faults.add(rule).to_json() for rule in rules]), 201

    @control.delete("/faults")
    def clear_faults() -> tuple[str, int]:
        faults.clear()
        return "", 204

    @control.delete("/faults/<int:number>")
    def remove_fault(number: int) -> tuple[str, int]:
        return "", 204 if faults.remove(number) else 404


def _state_routes(control: Blueprint, simulation: Simulation) -> None:
    @control.post("/clock/advance")
    def advance() -> Response:
        return jsonify(now=advance_clock(simulation, float(_json()["seconds"])))

    @control.get("/state")
    def show_state() -> Response:
        return jsonify(state.summary(simulation))

    @control.get("/objects/<kind>")
    def objects(kind: str) -> Response:
        return jsonify(state.objects(simulation, kind, request.args.to_dict()))

    @control.get("/deliveries")
    def deliveries() -> Response:
        return jsonify(state.deliveries(simulation))

    @control.get("/requests")
    def requests() -> Response:
        return jsonify(simulation.requests.all())

    @control.post("/reset")
    def reset() -> tuple[str, int]:
        simulation.reset()
        return "", 204

    @control.route("/elsewhere", methods=["GET", "POST"])
    def elsewhere() -> Response:
        return jsonify(object="elsewhere")


def _customer_routes(control: Blueprint, simulation: Simulation) -> None:
    @control.post("/payment_intents/<intent_id>/<any(approve, fail):outcome>")
    def authenticate(intent_id: str, outcome: str) -> Response:
        return jsonify(decide(simulation, intent_id, approved=outcome == "approve"))

    @control.post("/webhooks/<event_id>/resend")
    def resend(event_id: str) -> Response:
        return jsonify(deliveries=resend_event(simulation, event_id))


def advance_clock(simulation: Simulation, seconds: float) -> float:
    """
    Moves the clock and runs what fell due before it returns.
    """
    now = simulation.clock.advance(seconds)
    timers.run_due(simulation)
    return now


def decide(simulation: Simulation, intent_id: str, *, approved: bool) -> Json:
    """
    Authenticates as the customer would on the page.

    Raises:
        ApiError: The PaymentIntent does not wait for it.
    """
    with simulation.work() as work:
        intent = work.get("payment_intent", intent_id)
        if intent["status"] != "requires_action":
            message = f"This PaymentIntent has a status of {intent['status']}, not requires_action."
            raise unexpected_state(message, public(intent))
        (attempts.approve if approved else attempts.refuse)(work, intent)
        return public(intent)


def resend_event(simulation: Simulation, event_id: str) -> int:
    """
    Delivers an event once more to every endpoint that wants it, with the same id.
    """
    with simulation.work() as work:
        event = work.get("event", event_id)
        targets = endpoints.subscribed(work.store, event["type"])
        for endpoint in targets:
            endpoints.plan_delivery(work.store, event_id, endpoint["id"], work.time)
    simulation.wake()
    return len(targets)
