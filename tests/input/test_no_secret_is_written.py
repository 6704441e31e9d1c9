"""
A whole flow with secrets in every place where somebody could put one, and a search for them.
"""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit
from uuid import uuid4

import psycopg
import pytest
import requests
import sqlalchemy as sa
from typing_extensions import override

from payments_bootstrap.configuration import load
from payments_rabbit.names import RECEIVE_FAULT, error_queue, skipped_queue
from stripe_simulator.webhooks import sign
from tests.input import planted
from tests.input.planted import Cards, finds
from tests.input.serving import Served, served
from tests.rabbit.peer import Neighbour, an_envelope

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.rabbit]

WITHIN = 240.0  # seconds
PAYMENTS = str(Path(sys.executable).with_name("payments"))


class Flow:
    """
    The service with its worker, and everything that was heard from it.

    Attributes:
        heard: What was written or said, by where.

        waiting: Payments that wait for their customer. finished: those that did once.
    """

    def __init__(self, api: Served, neighbour: Neighbour) -> None:
        self.api = api
        self.neighbour = neighbour
        self.cards = Cards()
        self.heard: dict[str, str] = {}
        self.waiting: set[str] = set()
        self.finished: set[str] = set()
        self.tokens = {
            "alice": api.issuer.token("Customer", sub="alice"),
            "root": api.issuer.token("Admin", sub="root"),
        }

    def hear(self, source: str, text: str) -> None:
        """
        Keep what was said.
        """
        self.heard[source] = self.heard.get(source, "") + text + "\n"

    def call(
        self, method: str, path: str, *, who: str = "root", **options: Any
    ) -> requests.Response:
        """
        Call the API and keep its answer.
        """
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Idempotency-Key": uuid4().hex}
        headers |= options.pop("headers", {})
        answer = requests.request(
            method, self.api.url + path, headers=headers, timeout=30, **options
        )
        said = f"{answer.headers}\n{answer.text}"
        self.hear(f"answer to {method} {path.partition('?')[0][:30]} as {who}", said)
        return answer

    def pay(self, **changes: Any) -> dict[str, Any]:
        """
        Take 10.00 EUR from Alice.
        """
        body = {"orderId": str(uuid4()), "amount": "10.00", "currency": "EUR"} | changes
        found: dict[str, Any] = self.call("POST", "/api/payments", who="alice", json=body).json()
        return found

    def command(self, *words: str) -> None:
        """
        Run a command of the command line and keep what it says.
        """
        ended = subprocess.run(
            [PAYMENTS, *words],
            env=dict(self.api.environ),
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )
        self.hear(f"payments {words[0]}", ended.stdout + ended.stderr)


# ------------------------------------------------------------------ planting


def _in_requests(flow: Flow, payment_id: str) -> None:
    card, body = flow.cards, {"orderId": str(uuid4()), "amount": "10.00", "currency": "EUR"}
    code = planted.SECURITY_CODE
    bodies: list[Any] = [
        {**body, "paymentMethodId": card("a payment method")},
        {**body, "paymentMethodId": card("a payment method", " ")},
        {**body, "customerId": card("a customer", "-")},
        {**body, "card": {"number": card("a card"), "cvc": code}},
        {**body, "cvc": code},
        {**body, card("a name"): "x"},
        {**body, "amount": int(card("an amount"))},
        {**body, "returnUrl": f"https://shop.example/?pan={card('a return address')}"},
        {**body, "returnUrl": f"https://shop.example/?{quote(card('an encoded address', ' '))}"},
        {**body, "metadata": {"token": planted.FOREIGN_TOKEN, "key": planted.API_KEY}},
        [card("a list")],
        card("a text"),
    ]
    for sent in bodies:
        flow.call("POST", "/api/payments", json=sent)
    broken = f'{{"pan": "{card("broken JSON")}", "cvc": "{code}"'
    kinds = {"Content-Type": "application/json"}
    flow.call("POST", "/api/payments", data=broken, headers=kinds)
    form = {"pan": card("a form"), "cvc": code}
    flow.call("POST", "/api/payments", data=form)
    for action in ("refund", "capture", "cancel", "confirm"):
        sent = {"reason": f"card {card(f'a reason to {action}', ' ')}"}
        flow.call("POST", f"/api/payments/{payment_id}/{action}", json=sent)


def _in_addresses(flow: Flow) -> None:
    card = flow.cards
    paths = [
        f"/api/payments/{card('a path')}",
        f"/api/payments/{quote(card('an encoded path', ' '))}/refund",
        f"/api/payments/webhooks/{card('a provider')}",
        f"/{card('a path of nobody')}",
        f"/api/payments?customerId={card('a query')}",
        f"/api/payments?{card('a name in a query')}=1",
        f"/api/payments?cursor={card('a cursor')}",
        f"/api/payments?access_token={planted.FOREIGN_TOKEN}",
        f"/api/payments?cvc={planted.SECURITY_CODE}",
        f"/health/live?pan={card('a query of health')}",
        f"/swagger/{card('a path of swagger')}",
    ]
    for path in paths:
        for method in ("GET", "POST"):
            flow.call(method, path)


def _in_headers(flow: Flow, payment_id: str) -> None:
    card = flow.cards
    headers = [
        {"X-Request-Id": card("a request id")},
        {"X-Correlation-Id": card("a correlation id", "-")},
        {"User-Agent": card("a user agent")},
        {"Cookie": f"pan={card('a cookie')}; token={planted.FOREIGN_TOKEN}"},
        {"Referer": f"https://shop.example/{card('a referer')}"},
        {"Idempotency-Key": card("a key")},
        {"Content-Type": card("a content type")},
        {"Accept": card("what is accepted")},
        {"X-Forwarded-For": card("an address")},
        {"Authorization": f"Bearer {planted.FOREIGN_TOKEN}"},
        {"Authorization": f"Basic {card('a password')}"},
        {"Authorization": planted.API_KEY},
        {card("a header's name"): "1"},
    ]
    for some in headers:
        flow.call("GET", f"/api/payments/{payment_id}", headers=some)
        flow.call(
            "POST", f"/api/payments/{payment_id}/refund", headers=some, json={"amount": "0.01"}
        )


def _in_malformed_requests(flow: Flow) -> None:
    card = flow.cards
    for request in (
        f"GET /{card('a request line')} HTTP/{card('a version')}\r\n\r\n",
        f"{card('a method')} / HTTP/1.1\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer {planted.FOREIGN_TOKEN}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nA: {card('a long header')}{'a' * 9000}\r\n\r\n",
        f"GET /?{card('a long address')}{'a' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", flow.api.port), timeout=10) as connection:
            connection.sendall(request.encode())
            flow.hear("answer to malformed requests", connection.recv(65_536).decode())


def _in_webhooks(flow: Flow) -> None:
    card, simulator = flow.cards, flow.api.simulator
    event = next(e for e in simulator.objects("event") if e["type"].startswith("payment_intent"))
    shown = event["data"]["object"]
    changes: list[dict[str, Any]] = [
        {"description": card("a webhook", " ")},
        {"metadata": {"pan": card("a webhook's metadata"), "cvc": planted.SECURITY_CODE}},
        {"metadata": {card("a webhook's name"): 1}},
        {"number": int(card("a webhook's number")), "cvc": planted.SECURITY_CODE},
        {"key": planted.API_KEY, "token": planted.FOREIGN_TOKEN, "s": planted.WEBHOOK_SECRET},
        {"client_secret": "pi_planted_secret_plantedClientSecret"},
    ]
    bodies = [
        json.dumps(event | {"id": f"evt_{uuid4().hex}", "data": {"object": shown | change}})
        for change in changes
    ]
    bodies.append(json.dumps(event | {"type": f"a.{card('an event type')}"}))
    bodies.append(json.dumps(event | {"id": f"evt_{card('an event id')}"}))
    bodies.append("{" + card("a broken webhook"))
    for body in bodies:
        good = sign(body.encode(), simulator.webhook_secret, int(time.time()))
        for signature in (good, f"t=1,v1={card('a signature')}", planted.WEBHOOK_SECRET):
            headers = {"Stripe-Signature": signature, "User-Agent": card("Stripe's user agent")}
            flow.call("POST", "/api/payments/webhooks/stripe", data=body, headers=headers)


def _in_messages(flow: Flow, payment_id: str) -> None:
    card, settings = flow.cards, load(flow.api.environ).rabbitmq
    urn = f"urn:message:{settings.payments_namespace}:RefundPaymentCommand"
    one = {"paymentId": payment_id, "amount": "0.10"}
    messages: list[dict[str, Any]] = [
        {**one, "reason": f"card {card('a command', ' ')}"},
        {**one, "refundRequestId": card("a command's key")},
        {**one, "card": card("a command's card"), "cvc": planted.SECURITY_CODE},
        {**one, "amount": "9999.00", "reason": card("a refused command")},
        {"paymentId": card("a command's payment")},
        {"paymentId": str(uuid4()), "reason": card("a command that waits")},
        {**one, "token": planted.FOREIGN_TOKEN, "key": planted.API_KEY},
    ]
    for message in messages:
        flow.neighbour.send(settings.refund_queue, an_envelope(urn, message))
    order = {"orderId": str(uuid4()), "userId": card("an order's customer"), "totalAmount": 5}
    told = f"urn:message:{settings.order_created[0]}"
    flow.neighbour.send(settings.order_queue, an_envelope(told, order))
    flow.neighbour.send(settings.refund_queue, b"{" + card("a broken message").encode())
    flow.neighbour.send(
        settings.refund_queue, an_envelope("urn:message:A:B", {"x": card("another's message")})
    )
    headers = {"MT-Host-MachineName": card("a message's header"), "X": planted.FOREIGN_TOKEN}
    flow.neighbour.send(
        settings.refund_queue, an_envelope(urn, {"paymentId": "x"}), headers=headers
    )


def _in_commands(flow: Flow, payment_id: str) -> None:
    card = flow.cards
    flow.command(
        "refund", payment_id, "--amount", "0.10", "--yes", "--reason", card("a reason", " ")
    )
    flow.command("refund", payment_id, "--amount", card("an option"), "--yes")
    flow.command("refund", card("an argument"), "--yes")
    key = ("--idempotency-key", card("an option's key"))
    flow.command("refund", payment_id, "--amount", "0.10", "--yes", *key)
    request = ("--refund-request-id", card("a request's id"))
    flow.command("refund", payment_id, "--amount", "0.10", "--yes", *request)
    open_payment = flow.pay()["paymentId"]
    flow.finished.add(open_payment)
    flow.command("cancel", open_payment, "--yes", "--reason", card("a reason to cancel", "-"))
    flow.command("show", card("what is shown"))
    flow.command("list", "--output", "json")
    flow.command("show", payment_id, "--output", "json")


def _in_notes(flow: Flow, url: str) -> None:
    card, found = flow.cards, uuid4()
    with psycopg.connect(url) as connection:
        connection.execute(_DIFFERENCE, (found,))
    path = f"/api/payments/discrepancies/{found}/close"
    flow.call("POST", path, json={"note": f"card {card('a note', ' ')}"})
    note = f"card {card('a note of a command', ' ')}, key {planted.FOREIGN_TOKEN}"
    flow.command("discrepancies", "close", str(found), "--note", f"card {card('a kept note', ' ')}")
    flow.command("discrepancies", "close", str(found), "--note", note)
    flow.command("discrepancies", "list", "--all", "--output", "json")


_DIFFERENCE: Final = """
    INSERT INTO discrepancies (id, kind, provider_object_id, local_value, provider_value, found_at)
        VALUES (%s, 'missing_local', 'pi_1', '', '', now())
"""


# ------------------------------------------------------------------ collecting


@contextmanager
def _worker(api: Served, log: Path) -> Iterator[None]:
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [PAYMENTS, "worker"], env=dict(api.environ), stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            process.wait(WITHIN)


def _rows(url: str) -> Iterator[tuple[str, str]]:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        for table in sa.inspect(engine).get_table_names():
            rows = connection.execute(sa.text(f'SELECT * FROM "{table}"')).mappings()  # noqa: S608 - our own tables
            yield table, "\n".join(str(dict(row)) for row in rows)
    engine.dispose()


def _messages(flow: Flow, queue: str) -> Iterator[tuple[str, str]]:
    settings = load(flow.api.environ).rabbitmq
    ours = (settings.refund_queue, settings.capture_queue, settings.order_queue)
    for name in (queue, *map(error_queue, ours), *map(skipped_queue, ours)):
        for message in flow.neighbour.drain(name):
            yield name, f"{message.headers} {message.properties} {message.body.decode()}"


def _until(done: Any) -> None:
    deadline = time.monotonic() + WITHIN
    while not done():
        assert time.monotonic() < deadline, "It did not come true in time"
        time.sleep(0.1)


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """
    A database of its own, with the planted password in its address.
    """
    name = f"planted_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        parts = urlsplit(postgres_url)
        user, host = parts.username or "postgres", f"{parts.hostname}:{parts.port or 5432}"
        # Where the server asks for one, ours is looked for in its place.
        password = parts.password or planted.PASSWORD
        yield f"postgresql://{user}:{password}@{host}/{name}"
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _settings(database_url: str, rabbit_url: str) -> dict[str, str]:
    own = f"T{uuid4().hex[:8]}"
    return {
        "ENVIRONMENT": "production",
        "DATABASE__URL": database_url,
        "PAYMENT_PROVIDERS__STRIPE__API_KEY": planted.API_KEY,
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": planted.WEBHOOK_SECRET,
        "RABBITMQ__URL": rabbit_url,
        "RABBITMQ__PAYMENTS_NAMESPACE": f"{own}.Payments",
        "RABBITMQ__ORDER_CREATED": f"{own}.Orders:IOrderCreated",
        "RABBITMQ__REFUND_QUEUE": f"{own}-refund",
        "RABBITMQ__CAPTURE_QUEUE": f"{own}-capture",
        "RABBITMQ__ORDER_QUEUE": f"{own}-order",
        "LIMITS__ENABLED": "false",
        "LOG__LEVEL": "DEBUG",
    }


@contextmanager
def _keys_over_http(folder: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    @override
    def log_message(self, format: str, *args: object) -> None:
        """
        Say nothing.
        """


def test_no_secret_is_written(tmp_path: Path, database_url: str, rabbit_url: str) -> None:
    """
    Keys, tokens, secrets, card numbers and security codes are in no log, row, message or answer.

    The one exception is the client secret: in its column and in its owner's answers, while the
    payment waits for it.
    """
    settings = _settings(database_url, rabbit_url)
    simulated = {"api_key": planted.API_KEY, "webhook_secret": planted.WEBHOOK_SECRET}
    neighbour = Neighbour(rabbit_url)
    with ExitStack() as stack:
        stack.callback(neighbour.close)
        keys = stack.enter_context(_keys_over_http(tmp_path))
        settings |= {"KEYCLOAK__JWKS_URL": keys}
        api = stack.enter_context(served(tmp_path, simulated, **settings))
        flow = Flow(api, neighbour)
        heard = _listen(flow, settings["RABBITMQ__PAYMENTS_NAMESPACE"])
        stack.enter_context(_worker(api, tmp_path / "worker.log"))
        for name in ("REFUND", "ORDER"):
            neighbour.await_consumer(settings[f"RABBITMQ__{name}_QUEUE"])
        paid = _flow(flow)
        _in_requests(flow, paid)
        _in_addresses(flow)
        _in_headers(flow, paid)
        _in_malformed_requests(flow)
        _in_webhooks(flow)
        _in_messages(flow, paid)
        _in_commands(flow, paid)
        _in_notes(flow, database_url)
        _until(lambda: _is_quiet(flow))
        flow.heard |= {f"table {name}": text for name, text in _rows(database_url)}
        for name, text in _messages(flow, heard):
            flow.hear(f"queue {name}", text)
        secrets = _secrets(flow)
    for name in ("api.log", "worker.log"):
        flow.hear(name, (tmp_path / name).read_text())
    found = [f for f in finds(flow.heard, secrets) if not _allowed(f, flow)]

    assert not found, "\n".join(map(str, found))
    assert len(flow.cards.planted) > 90
    assert flow.heard["table payments"].count("_secret_") == len(flow.waiting)
    assert "[card number]" in flow.heard["table webhook_events"]
    assert "[card number]" in flow.heard["table discrepancies"]
    _check_log(flow.heard["api.log"])


def _listen(flow: Flow, namespace: str) -> str:
    queue = f"heard-{uuid4().hex}"
    names = ["IPaymentSucceeded", "IPaymentFailed", "IPaymentAuthorized", "IRefundIssued"]
    names += ["IRefundFailed", "IPaymentDiscrepancyFound"]
    faults = [f"MassTransit:Fault--{namespace}:RefundPaymentCommand--", RECEIVE_FAULT]
    flow.neighbour.listen(queue, *(f"{namespace}:{name}" for name in names), *faults)
    return queue


def _flow(flow: Flow) -> str:
    """
    Do what a shop does, and return a paid payment.
    """
    paid = flow.pay(paymentMethodId="pm_card_visa")["paymentId"]
    waiting = flow.pay()["paymentId"]
    finished = flow.pay()["paymentId"]
    flow.pay(paymentMethodId="pm_card_chargeDeclined")
    method = "pm_card_threeDSecure2Required"
    approved = flow.pay(paymentMethodId=method, returnUrl="https://shop.example/")["paymentId"]
    flow.waiting, flow.finished = {waiting, approved}, {finished}
    body = {"paymentMethodId": "pm_card_visa"}
    flow.call("POST", f"/api/payments/{finished}/confirm", who="alice", json=body)
    for payment in (paid, waiting, finished):
        for who in ("alice", "root"):
            flow.call("GET", f"/api/payments/{payment}", who=who)
        flow.call("GET", f"/api/payments/{payment}/timeline")
    flow.call("POST", f"/api/payments/{paid}/refund", json={"amount": "1.00"})
    flow.call("GET", "/api/payments")
    return str(paid)


def _is_quiet(flow: Flow) -> bool:
    """
    Return whether the worker has nothing left to take.
    """
    queues = load(flow.api.environ).rabbitmq
    waiting = sum(map(flow.neighbour.waiting, (queues.refund_queue, queues.order_queue)))
    due = [d for d in flow.api.simulator.deliveries() if d["state"] != "delivered"]
    time.sleep(2)
    return not waiting and not due


def _secrets(flow: Flow) -> dict[str, str]:
    return {
        **flow.cards.planted,
        "API key": planted.API_KEY,
        "webhook secret": planted.WEBHOOK_SECRET,
        "password": planted.PASSWORD,
        "security code": planted.SECURITY_CODE,
        "foreign token": planted.FOREIGN_TOKEN,
        "planted client secret": "plantedClientSecret",
        **{f"token of {who}": token for who, token in flow.tokens.items()},
        **{
            f"client secret {intent['metadata'].get('payment_id')}": intent["client_secret"]
            for intent in flow.api.simulator.objects("payment_intent")
        },
    }


def _allowed(find: planted.Find, flow: Flow) -> bool:
    owners = find.source.startswith("answer to ") and find.source.endswith(" as alice")
    column = find.source == "table payments"
    if find.secret in {f"client secret {payment}" for payment in flow.waiting}:
        return owners or column
    return find.secret in {f"client secret {payment}" for payment in flow.finished} and owners


def _check_log(log: str) -> None:
    lines = log.strip().splitlines()

    assert len(lines) > 200
    for line in lines:
        record = json.loads(line)
        assert record["level"], line
        if record["logger"] == "payments_http.access":
            assert record["request_id"], line
