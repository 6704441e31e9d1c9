"""
The bare route: Flask and psycopg, the service's statements by hand; nothing is checked.

It is served as the service is: ``gunicorn … 'benchmarks.bare:create_app()'``.
"""

import json
import os
import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
import stripe
from flask import Flask, request

from benchmarks import flows, instant
from benchmarks.recording import Recording
from payments_bootstrap import bootstrap
from payments_http.access import EXTENSION, guard_of
from payments_http.app import State

WITH_SDK = "BENCH_SDK"
"""
Set in the environment, the route also asks the provider, through the official SDK.
"""


class Replay:
    """
    Runs the statements of a recording, on a connection for each thread.
    """

    def __init__(self, recording: Recording, url: str) -> None:
        self._transactions = recording.replay()
        self._url = url
        self._mine = threading.local()

    def run(self, number: int, transactions: slice) -> None:
        """
        Run some of the transactions under the ids of a number.
        """
        connection = self._connection()
        for transaction in self._transactions[transactions]:
            self._one(connection, transaction, number)

    def _one(self, connection: psycopg.Connection, statements: Sequence[Any], number: int) -> None:
        cursor = connection.cursor()
        for sql, values in statements:
            cursor.execute(sql, values(number))
            if cursor.description:
                cursor.fetchall()
        connection.commit()

    def _connection(self) -> psycopg.Connection:
        if not hasattr(self._mine, "connection"):
            self._mine.connection = psycopg.connect(self._url)
        connection: psycopg.Connection = self._mine.connection
        return connection


def _ask(client: stripe.StripeClient, order_id: str, key: str) -> None:
    client.v1.payment_intents.create(
        {
            "amount": 1000,
            "currency": "eur",
            "capture_method": "automatic",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"payment_id": order_id, "operation_id": key, "order_id": order_id},
            "payment_method": "pm_card_visa",
            "confirm": True,
            "use_stripe_sdk": True,
        },
        {"idempotency_key": key},
    )


def create_app() -> Flask:
    """
    Return the app with a route in place of each that is measured.
    """
    container = instant.replaced(bootstrap(os.environ))
    url = container.settings().database.url
    settings = container.settings().payment_providers.stripe
    assert settings
    created, _ = flows.create(container)
    _, received = flows.webhook(container)
    container.engine().dispose()
    taking, receiving = Replay(created.recording, url), Replay(received.recording, url)
    client = stripe.StripeClient("sk_test_bench", base_addresses={"api": settings.api_base})
    asks = WITH_SDK in os.environ
    app = Flask("bare")
    # The server looks at the container's health when it starts, and closes it at the end.
    app.extensions[EXTENSION] = State(container, guard_of(container))

    @app.post("/api/payments")
    def create() -> tuple[dict[str, Any], int]:
        body = request.get_json()
        number = created.recording.number_of(created.named, UUID(body["orderId"]))
        taking.run(number, slice(0, 1))
        if asks:
            _ask(client, body["orderId"], request.headers["Idempotency-Key"])
        taking.run(number, slice(1, None))
        return {"paymentId": body["orderId"], "status": "Succeeded", **body}, 201

    @app.post("/api/payments/webhooks/stripe")
    def webhook() -> dict[str, Any]:
        event = json.loads(request.get_data())
        payment_id = UUID(event["data"]["object"]["metadata"]["payment_id"])
        receiving.run(received.recording.number_of(received.named, payment_id), slice(None))
        return {"eventId": event["id"], "status": "processed", "duplicate": False}

    return app
