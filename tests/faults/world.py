"""
The service with real adapters on a real database, broker and provider, and time as one likes.
"""

import ctypes
import json
import multiprocessing
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.sharedctypes import Synchronized
from typing import Any, Final

import attrs
import requests
from sqlalchemy import Engine, select, text
from typing_extensions import override

from payments_bootstrap import Container, close
from payments_bootstrap.settings import PaymentProviderSettings, Settings
from payments_bootstrap.worker import Part
from payments_core.application.receive_webhook import ReceiveWebhookCommand
from payments_core.application.received import ReceivedMessage
from payments_core.application.verify_payments import VerifyPaymentsCommand
from payments_core.domain.errors import PaymentsError
from payments_core.domain.invariants import Violation
from payments_core.domain.policy import Policy
from payments_core.ports.clock import IClock
from payments_postgres import DatabaseSettings
from payments_postgres.tables import metadata, outbox, payment_operations, webhook_events
from payments_rabbit import RabbitSettings
from payments_stripe import StripePaymentProvider, StripeSettings
from stripe_simulator.webhooks import sign
from tests.faults.evidence import Call, Delivery, Evidence, Exchange, Heard, Version, Written
from tests.rabbit.peer import Neighbour

FORKED: Final = multiprocessing.get_context("forkserver")
"""
Children are forked from a process that has imported everything and runs no threads.
"""

FORKED.set_forkserver_preload(["pytest", "tests.faults.process", "tests.faults.chaos_process"])

KEY: Final = "sk_test_faults"  # pragma: allowlist secret
SECRET: Final = "whsec_faults"
EVENTS: Final = (
    *("IPaymentSucceeded", "IPaymentFailed", "IPaymentAuthorized"),
    *("IRefundIssued", "IRefundFailed", "IPaymentDiscrepancyFound"),
    "IReconciliationCompleted",
)
LEASE: Final = timedelta(seconds=60)

Offset = "Synchronized[float]"

_HISTORY: Final = """
CREATE TABLE IF NOT EXISTS proof_history (
    step BIGSERIAL PRIMARY KEY, payment_id UUID, version INT, status TEXT, amount BIGINT,
    currency TEXT, order_id UUID, customer_id TEXT, provider_payment_id TEXT,
    updated_at TIMESTAMPTZ);
CREATE OR REPLACE FUNCTION proof_note() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO proof_history (payment_id, version, status, amount, currency, order_id,
        customer_id, provider_payment_id, updated_at)
    VALUES (NEW.id, NEW.version, NEW.status, NEW.amount, NEW.currency, NEW.order_id,
        NEW.customer_id, NEW.provider_payment_id, NEW.updated_at);
    RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER proof_note AFTER INSERT OR UPDATE ON payments
    FOR EACH ROW EXECUTE FUNCTION proof_note();
"""


class SharedClock(IClock):
    """
    The machine's clock and what it was moved on by, the same in every process.
    """

    def __init__(self, offset: "Synchronized[float]") -> None:
        self._offset = offset

    @override
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._offset.value)

    def advance(self, seconds: float) -> None:
        """
        Move on.
        """
        with self._offset.get_lock():
            self._offset.value += seconds


@attrs.frozen
class Place:
    """
    Where a world's servers are, and its time; it can be sent to another process.
    """

    database: str
    rabbit: RabbitSettings
    simulator: str
    offset: "Synchronized[float]"


def new_offset() -> "Synchronized[float]":
    """
    Return a time that every process shares.
    """
    return FORKED.Value(ctypes.c_double, 0.0)


@attrs.define
class World:
    """
    One process's view of the service.
    """

    place: Place
    container: Container
    clock: SharedClock
    http: requests.Session

    @classmethod
    @contextmanager
    def open(cls, place: Place) -> "Iterator[World]":
        """
        Build a service in this process.
        """
        settings = settings_of(place)
        clock = SharedClock(place.offset)
        assert settings.payment_providers.stripe
        stripe = StripePaymentProvider(settings.payment_providers.stripe, clock=clock)
        container = Container(settings=settings)
        container.clock.override(clock)
        container.stripe.override(stripe)
        http = requests.Session()
        http.trust_env = False
        try:
            yield cls(place, container, clock, http)
        finally:
            http.close()
            stripe.close()
            container.links()[Part.RELAY]().stop()
            close(container)

    @property
    def engine(self) -> Engine:
        """
        The database.
        """
        engine: Engine = self.container.engine()
        return engine

    # ------------------------------------------------------------ provider and time

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """
        Ask the simulator's control API.
        """
        url = f"{self.place.simulator}/_simulator/{path}"
        reply = self.http.request(method, url, json=body, timeout=10)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else None

    def fault(self, **rule: Any) -> None:
        """
        Let the provider's next call of an operation go wrong.
        """
        self.control("POST", "faults", rule)

    def post(self, path: str, **form: Any) -> Any:
        """
        Write at the provider, as a person does on its pages.
        """
        url = f"{self.place.simulator}/v1/{path}"
        reply = self.http.post(url, data=form, auth=(KEY, ""), timeout=10)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def advance(self, seconds: float) -> None:
        """
        Move everybody's time on.
        """
        self.clock.advance(seconds)
        self.control("POST", "clock/advance", {"seconds": seconds})

    def events(self) -> list[dict[str, Any]]:
        """
        Return the provider's events, oldest first.
        """
        found: list[dict[str, Any]] = self.control("GET", "objects/event")
        return found

    def deliver(self, event: Mapping[str, Any]) -> int:
        """
        Bring an event as the provider does, and return the status of the answer.
        """
        payload = json.dumps(event).encode()
        signature = sign(payload, SECRET, int(self.clock.now().timestamp()))
        headers = {"stripe-signature": signature, "content-type": "application/json"}
        command = ReceiveWebhookCommand(provider="stripe", payload=payload, headers=headers)
        try:
            self.container.receive_webhook().execute(command)
        except PaymentsError:
            return 503
        return 200

    # ------------------------------------------------------------ begin and end

    def prepare(self) -> None:
        """
        Let the database note each version of each payment.
        """
        with self.engine.begin() as connection:
            connection.execute(text(_HISTORY))

    def reset(self) -> None:
        """
        Forget everything.
        """
        self.control("POST", "reset")
        with self.engine.begin() as connection:
            # No trigger runs: the audit log refuses to be emptied, and history is not made here.
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for table in metadata.sorted_tables:
                connection.execute(table.delete())
            connection.execute(text("DELETE FROM proof_history"))

    def evidence(self, heard: list[Heard], deliveries: list[Delivery]) -> Evidence:
        """
        Return the record of what happened since the reset.
        """
        with self.engine.connect() as connection:
            history = connection.execute(text(_VERSIONS)).mappings().all()
            written = connection.execute(select(outbox)).all()
            operations = connection.execute(select(payment_operations)).all()
            stored = connection.execute(select(webhook_events.c.event_id)).scalars().all()
        return Evidence(
            history=[Version(**row) for row in history],
            written=[
                Written(str(r.id), r.order_id, r.sequence, r.body, left=r.status == "published")
                for r in written
            ],
            heard=heard,
            calls=list(self._calls()),
            intents={str(r.id): r.first_sent_at for r in operations},
            deliveries=deliveries,
            stored=set(stored),
        )

    def _calls(self) -> Iterator[Call]:
        for request in self.control("GET", "requests"):
            if request["method"] == "POST" and request["idempotency_key"]:
                at = datetime.fromtimestamp(request["time"], UTC)
                yield Call(request["idempotency_key"], at)

    def verify(self) -> list[Violation]:
        """
        Run the checker that ships, with no grace.
        """
        command = VerifyPaymentsCommand(provider=True, grace=timedelta(0))
        report = self.container.verify_payments().execute(command)
        return [v for named in report.examples.values() for v in named]


_VERSIONS: Final = """
SELECT payment_id, version, status, amount, currency, order_id, customer_id,
    provider_payment_id, updated_at FROM proof_history ORDER BY step
"""


def settings_of(place: Place) -> Settings:
    """
    Return the settings of a service that need not be waited for.
    """
    stripe = StripeSettings(
        api_key=KEY,
        webhook_secrets=(SECRET,),
        api_base=place.simulator,
        read_timeout=2.0,
        deadline=4.0,
        max_attempts=1,
        breaker_failures=1000,
    )
    database = DatabaseSettings(
        place.database,
        pool_size=10,
        lock_timeout_seconds=0.5,
        idle_in_transaction_timeout_seconds=1.0,
    )
    return Settings(
        database=database,
        payment_providers=PaymentProviderSettings(stripe=stripe),
        rabbitmq=place.rabbit,
        policy=Policy(lease=LEASE),
    )


@attrs.define
class Recovery:
    """
    What goes on by itself after a fault, in virtual time, until nothing is left to do.

    Attributes:
        prompt: Whether the provider's webhooks come at once; else only at the very end.

        heard: What the broker handed on. deliveries: What the provider brought.
    """

    world: World
    broker: Neighbour
    queue: str
    chance: random.Random
    prompt: bool = False
    heard: list[Heard] = attrs.field(factory=list)
    deliveries: list[Delivery] = attrs.field(factory=list)
    seen: set[str] = attrs.field(factory=set)

    def run(self) -> None:
        """
        Go on until all is quiet, then bring every webhook twice in any order, and go on again.

        Raises:
            AssertionError: A day is over and something is still open.
        """
        self._until_quiet()
        events = self.world.events() * 2
        self.chance.shuffle(events)
        for event in events:
            self._deliver(event)
        self._until_quiet()
        self.listen()

    def _until_quiet(self) -> None:
        for pause in PAUSES:
            self.turn()
            if self.is_quiet():
                return
            self.world.advance(pause)
        raise AssertionError("a day is over, and something is still open")

    def turn(self) -> None:
        """
        Do once what the worker does.
        """
        container = self.world.container
        for job in (container.resolve_operations(), container.process_webhooks()):
            while job.execute():
                pass
        if self.prompt:
            for event in self.world.events():
                if event["id"] not in self.seen:
                    self._deliver(event)
        self._handle_again()
        relay = container.relay_outbox()
        while relay.execute():
            pass

    def _handle_again(self) -> None:
        handle = self.world.container.handle_message()
        for kept in handle.due(20):
            message = ReceivedMessage(
                id=kept.message_id,
                endpoint=kept.endpoint,
                name="CapturePaymentCommand",
                body=json.loads(kept.content),
            )
            handle.execute(message, kept.content, kept.attempts)

    def _deliver(self, event: Mapping[str, Any]) -> None:
        self.seen.add(event["id"])
        self.deliveries.append(Delivery(event["id"], self.world.deliver(event)))

    def is_quiet(self) -> bool:
        """
        Return whether nothing is left to do.
        """
        with self.world.engine.connect() as connection:
            return not connection.execute(text(_OPEN)).scalar_one()

    def listen(self) -> None:
        """
        Take what the broker has.
        """
        for message in self.broker.drain(self.queue):
            self.heard.append(Heard(str(message.message_id), message.body.decode()))

    def violations(self, answers: Sequence[Exchange] = ()) -> list[Violation]:
        """
        Return every promise that is broken now.

        Args:
            answers: What callers were told.
        """
        evidence = self.world.evidence(self.heard, self.deliveries)
        evidence.exchanges = list(answers)
        return [*self.world.verify(), *evidence.violations()]


PAUSES: Final = (1, 5, 61, *(120,) * 6, *(600,) * 6, *(3600,) * 24)
"""
Seconds between two turns; together more than a day.
"""

_OPEN: Final = """
SELECT (SELECT count(*) FROM payment_operations WHERE state IN ('sent', 'unknown', 'pending'))
    + (SELECT count(*) FROM webhook_events WHERE status IN ('received', 'parked'))
    + (SELECT count(*) FROM outbox WHERE status IN ('pending', 'parked'))
    + (SELECT count(*) FROM inbox WHERE status = 'waiting')
"""
