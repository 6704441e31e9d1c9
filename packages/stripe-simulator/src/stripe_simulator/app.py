"""
The Flask application: Stripe's routes, the pages for customers, and the control API.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request

from stripe_simulator import (
    account,
    balance,
    charges,
    control,
    disputes,
    events,
    pages,
    payment_intents,
    payment_methods,
    refunds,
    webhook_endpoints,
)
from stripe_simulator.api import Operation
from stripe_simulator.dispatch import Answer, ApiRequest, Dispatcher, refusal
from stripe_simulator.errors import ApiError
from stripe_simulator.faults import Fault
from stripe_simulator.requests_log import LoggedRequest
from stripe_simulator.server import HangUp
from stripe_simulator.simulation import Simulation

ROOMS = (
    account, balance, charges, disputes, events, payment_intents, payment_methods, refunds,
    webhook_endpoints,
)  # fmt: skip
ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, Stripe-Version"
OPERATIONS: tuple[Operation, ...] = tuple(
    operation for room in ROOMS for operation in room.OPERATIONS
)


def create_app(simulation: Simulation) -> Flask:
    """
    The application of one simulated account.
    """
    app = Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    dispatcher = Dispatcher(simulation)
    for operation in OPERATIONS:
        view = _view(operation, dispatcher, simulation)
        app.add_url_rule(operation.path, operation.name, view, methods=[operation.method])
    app.after_request(_allow_browsers)
    app.register_blueprint(pages.blueprint(simulation))
    app.register_blueprint(control.blueprint(simulation))
    app.register_error_handler(404, _unknown_url)
    app.register_error_handler(405, _unknown_url)
    return app


def _view(operation: Operation, dispatcher: Dispatcher, simulation: Simulation) -> Any:
    def view(id: str = "") -> Response:  # noqa: A002 - the name in the routes
        api_request = _read(id)
        log = simulation.requests.add(_logged(operation, api_request, simulation))
        fault = simulation.faults.for_call(operation.name, request.method, request.path)
        log.fault = fault.name if fault else None
        if fault is not None and not fault.kind.effect and fault.kind.reply != "error_500":
            answer = Answer(200, "")
        else:
            answer = dispatcher.answer(operation, api_request, fault, log)
        return _reply(answer, fault, simulation, log)

    return view


def _read(identifier: str) -> ApiRequest:
    source = request.form if request.method == "POST" else request.args
    pairs = [(name, value) for name, values in source.lists() for value in values]
    if request.method == "POST":
        pairs += [(name, value) for name, values in request.args.lists() for value in values]
    return ApiRequest(
        request.method, request.path, identifier, pairs,
        request.headers.get("Authorization", ""), request.headers.get("Idempotency-Key"),
    )  # fmt: skip


def _logged(operation: Operation, api_request: ApiRequest, simulation: Simulation) -> LoggedRequest:
    return LoggedRequest(
        request_id=simulation.identifiers.draw("req", 14),
        time=simulation.clock.now(),
        method=api_request.method,
        path=api_request.path,
        operation=operation.name,
        parameters=dict(api_request.pairs),
        idempotency_key=api_request.idempotency_key,
    )


def _reply(
    answer: Answer, fault: Fault | None, simulation: Simulation, log: LoggedRequest
) -> Response:
    reply = fault.kind.reply if fault is not None else "answer"
    if fault is not None and reply == "silence":
        simulation.wait(fault.seconds)
        raise HangUp(reset=False)
    if reply == "reset":
        raise HangUp(reset=True)
    if reply in {"rate_limited", "garbage", "redirect"}:
        answer = _spoilt(reply, simulation, log)
    log.status = answer.status
    return _response(answer)


def _spoilt(reply: str, simulation: Simulation, log: LoggedRequest) -> Answer:
    headers = {"Request-Id": log.request_id}
    if reply == "garbage":
        return Answer(200, '{"id": "pi_', headers)
    if reply == "redirect":
        return Answer(302, "", {**headers, "Location": f"{simulation.url}/_simulator/elsewhere"})
    error = ApiError(
        "Request rate limit exceeded. Learn more about rate limits here"
        " https://stripe.com/docs/rate-limits.",
        status=429, code="rate_limit",
        headers={
            **headers, "Retry-After": "1", "Stripe-Should-Retry": "true",
            "Stripe-Rate-Limited-Reason": "global-rate",
        },
    )  # fmt: skip
    return refusal(error)


def _allow_browsers(response: Response) -> Response:
    if request.path.startswith("/v1/"):
        version = request.headers.get("Stripe-Version")
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Expose-Headers"] = "Request-Id"
        if version is not None:
            response.headers["Stripe-Version"] = version
    return response


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status, mimetype="application/json")
    response.headers.update(answer.headers)
    return response


def _unknown_url(_error: Exception) -> Response:
    message = f"Unrecognized request URL ({request.method}: {request.path})."
    hint = " stripe-simulator does not simulate it." if request.path.startswith("/v1/") else ""
    error = ApiError(message + hint, status=404)
    return _response(refusal(error))
