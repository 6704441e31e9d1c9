"""
Each query of the running service finds its rows by an index, in tables of thousands of rows.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import attrs
import pytest
from sqlalchemy import Connection, Engine, Table, insert, text

from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.operation import OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.reconciliation import RunStatus
from payments_core.domain.status import PaymentStatus
from payments_core.ports.audit import AuditCursor, AuditFilter
from payments_core.ports.outbox import OutboxMessage, OutboxStatus
from payments_core.ports.provider import Window
from payments_core.ports.queries import Cursor, PaymentFilter
from payments_core.ports.reconciliation import DiscrepancyFilter
from payments_core.ports.records import WebhookPlace
from payments_core.ports.webhook_queries import WebhookCursor, WebhookFilter
from payments_core.ports.webhooks import WebhookStatus
from payments_core.testing.builders import NOW, a_payment
from payments_core.testing.conformance.idempotency import a_keyed_request
from payments_core.testing.conformance.outbox import a_success
from payments_core.testing.conformance.reconciliation import a_notice, a_run
from payments_core.testing.conformance.storage import an_event
from payments_postgres import (
    DatabaseSettings,
    SqlAlchemyAuditQueries,
    SqlAlchemyBacklogQueries,
    SqlAlchemyPaymentQueries,
    SqlAlchemyReconciliationQueries,
    SqlAlchemyRecordQueries,
    SqlAlchemyUnitOfWork,
    SqlAlchemyWebhookQueries,
    create_engine,
    migrate,
)
from payments_postgres.mapping import Snapshot, operation_rows, payment_row
from payments_postgres.months import SERIES, Series
from payments_postgres.tables import (
    audit_log,
    discrepancies,
    idempotency_keys,
    inbox,
    metadata,
    orders,
    outbox,
    payment_operations,
    payments,
    reconciliation_runs,
    refunds,
    webhook_events,
)
from scripts.servers import SERVERS
from tests.postgres.conftest import POSTGRES
from tests.postgres.months import months_back_to
from tests.postgres.recorder import Recorder

ROWS: Final = 4000
*KINDS, RARE = DiscrepancyKind
STATES: Final = [PaymentStatus.FAILED] * 9 + [PaymentStatus.PENDING]


@attrs.frozen
class Filled:
    """
    A database full of payments, and one of them.
    """

    engine: Engine
    one: Payment

    @property
    def queries(self) -> SqlAlchemyPaymentQueries:
        """
        The read side.
        """
        return SqlAlchemyPaymentQueries(self.engine)

    @property
    def audit(self) -> SqlAlchemyAuditQueries:
        """
        The read side of the audit log.
        """
        return SqlAlchemyAuditQueries(self.engine)

    @property
    def webhooks(self) -> SqlAlchemyWebhookQueries:
        """
        The read side of the inbox.
        """
        return SqlAlchemyWebhookQueries(self.engine)

    @property
    def compared(self) -> SqlAlchemyReconciliationQueries:
        """
        What reconciliation reads.
        """
        return SqlAlchemyReconciliationQueries(self.engine)

    @property
    def backlog(self) -> SqlAlchemyBacklogQueries:
        """
        What is counted for those who watch.
        """
        return SqlAlchemyBacklogQueries(self.engine)

    @property
    def records(self) -> SqlAlchemyRecordQueries:
        """
        What the checker reads.
        """
        return SqlAlchemyRecordQueries(self.engine)

    def plans(self, act: Callable[["Filled"], object]) -> str:
        """
        Return how the database runs every statement that an action runs.
        """
        with Recorder(self.engine) as record:
            act(self)
        explain = "EXPLAIN QUERY PLAN " if self.engine.dialect.name == "sqlite" else "EXPLAIN "
        lines: list[str] = []
        with self.engine.connect() as connection:
            for statement, parameters in record.statements:
                plan = connection.exec_driver_sql(explain + statement, parameters)
                lines += [str(row[-1]) for row in plan]
            names = index_names(connection)
        return re.sub(r"\w+", lambda word: names.get(word[0], word[0]), "\n".join(lines))


def index_names(connection: Connection) -> Mapping[str, str]:
    """
    Return how the tables call each index of a month, which PostgreSQL names after the month.
    """
    if connection.dialect.name == "sqlite":
        return {}
    parts = connection.execute(_INDEXES_OF_PARTS).all()
    names = {row.part: row.whole for row in parts}
    for series in SERIES.values():
        table = series.table.name
        for part in (f"{table}_{NOW:%Y_%m}", f"{table}_default"):
            names[f"{part}_pkey"] = f"pk_{table}"
            names[f"{part}_order_id_sequence_key"] = "uq_outbox_order_id_sequence"
    return names


_INDEXES_OF_PARTS: Final = text(
    "SELECT part.relname AS part, whole.relname AS whole FROM pg_inherits"
    " JOIN pg_class part ON part.oid = inhrelid JOIN pg_class whole ON whole.oid = inhparent"
    " WHERE part.relkind = 'i'"
)


def many() -> Iterator[Payment]:
    """
    Yield payments of many orders and customers, one a second.
    """
    for number in range(ROWS):
        payment = a_payment(
            customer_id=f"customer {number % 20}",
            provider=f"provider {number % 50}",
            now=NOW + timedelta(seconds=number),
        )
        payment.provider_payment_id = f"pi_{number}"
        payment.status = STATES[number % len(STATES)]
        operation = payment.operations[0]
        if number % 40:
            # Most are over.
            operation.state, operation.next_at = OperationState.SUCCEEDED, None
        if number % 40 == 1:
            operation.state = OperationState.REVIEW
            payment.status = PaymentStatus.REQUIRES_ACTION
        yield payment


def rows_of(made: Sequence[Payment]) -> Iterator[tuple[Table, Sequence[Mapping[str, Any]]]]:
    """
    Yield every table with its rows: of each payment one of each kind of part.
    """
    yield payments, [payment_row(p, Snapshot.of(p), 1) for p in made]
    operations = (operation_rows(p, {o.id for o in p.operations}) for p in made)
    yield payment_operations, [row for rows in operations for row in rows]
    yield refunds, [_refund(p) for p in made]
    yield webhook_events, [_webhook(p, number) for number, p in enumerate(made)]
    yield orders, [{"order_id": p.order_id, "event_seq": 2, "known": True} for p in made]
    yield outbox, [_message(p, number) for p in made for number in (1, 2)]
    yield inbox, [_received(number) for number in range(len(made))]
    yield reconciliation_runs, [_ended(number) for number in range(len(made) // 10)]
    yield discrepancies, [_discrepancy(p, number) for number, p in enumerate(made)]
    yield idempotency_keys, [_keyed(number) for number in range(len(made))]
    yield audit_log, [_audited(p, number) for number, p in enumerate(made)]


def _refund(payment: Payment) -> Mapping[str, Any]:
    return {
        "id": uuid4(),
        "payment_id": payment.id,
        "number": 1,
        "amount": 1,
        "currency": "EUR",
        "compensates": False,
        "created_at": payment.created_at,
        "status": "Pending",
    }


def _webhook(payment: Payment, number: int) -> Mapping[str, Any]:
    waits = number % 100 == 0
    event = an_event(
        payment_id=payment.id,
        status=WebhookStatus.RECEIVED if waits else WebhookStatus.PROCESSED,
        next_at=NOW + timedelta(seconds=number) if waits else None,
    )
    return {**attrs.asdict(event), "headers": "{}"}


def _message(payment: Payment, number: int) -> Mapping[str, Any]:
    waits = payment.created_at.second == 0
    return {
        "id": uuid4(),
        "order_id": payment.order_id,
        "payment_id": payment.id,
        "sequence": number,
        "name": "IPaymentFailed",
        "destination": "x",
        "content_type": "application/json",
        "body": "{}",
        "created_at": payment.created_at,
        "status": "pending" if waits else "published",
        "attempts": 0,
        "next_at": payment.created_at if waits else None,
        "published_at": None if waits else NOW,
    }


def _received(number: int) -> Mapping[str, Any]:
    waits = number % 100 == 0
    return {
        "endpoint": "refund-payment",
        "message_id": UUID(int=number),
        "content": "{}",
        "received_at": NOW,
        "status": "waiting" if waits else "handled",
        "attempts": 1,
        "next_at": NOW + timedelta(seconds=number) if waits else None,
    }


def _ended(number: int) -> Mapping[str, Any]:
    run = a_run(id=UUID(int=number), status=RunStatus.COMPLETED)
    return {**attrs.asdict(run), "unseen": "[]", "kinds": "{}", "findings": "[]"}


def _discrepancy(payment: Payment, number: int) -> Mapping[str, Any]:
    return {
        "run_id": UUID(int=number % 400),
        "id": uuid4(),
        "payment_id": payment.id,
        "kind": KINDS[number % len(KINDS)],
        "provider_object_id": "x",
        "local_value": "1",
        "provider_value": "2",
        "found_at": payment.created_at,
        "repair": "settled" if number % 40 > 1 else None,
        "closed_at": NOW if number % 40 == 1 else None,
    }


def _keyed(number: int) -> Mapping[str, Any]:
    # A result is about as long as this, and the planner looks at how long rows are.
    expires_at = NOW + timedelta(seconds=number)
    return attrs.asdict(
        a_keyed_request(key=f"key {number}", expires_at=expires_at, result="x" * 900)
    )


def _audited(payment: Payment, number: int) -> Mapping[str, Any]:
    return {
        "id": uuid4(),
        "at": payment.created_at,
        "channel": "api",
        "issuer": "https://issuer.example",
        "subject": f"person {number % 50}",
        "client": "x",
        "request_id": "x",
        "action": "create",
        "payment_id": payment.id,
        "operation_id": payment.operations[0].id,
    }


def _of_last_year(connection: Connection, series: Series) -> None:
    """
    Have as many rows that are over in another part as in this month's.
    """
    over = {outbox: "'published'", webhook_events: "'ignored'"}.get(series.table)
    values = {"status": over, "next_at": "NULL"} if over else {}
    values |= {series.moment: f"{series.moment} - interval '1 year'"}
    columns = [values.get(c.name, c.name) for c in series.table.c]
    name = series.table.name
    connection.execute(text(f"INSERT INTO {name} SELECT {', '.join(columns)} FROM {name}"))  # noqa: S608 - our own names


def fill(engine: Engine) -> Filled:
    """
    Fill an empty database, and let it learn its own size.
    """
    made = list(many())
    with engine.begin() as connection:
        for table, rows in rows_of(made):
            connection.execute(insert(table), rows)
        if engine.dialect.name == "postgresql":
            for series in SERIES.values():
                _of_last_year(connection, series)
        connection.execute(text("ANALYZE"))
    return Filled(engine, made[-1])


@pytest.fixture(scope="module", params=["sqlite", POSTGRES])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    """
    Each database in turn, filled once.
    """
    with ExitStack() as stack:
        if request.param == "sqlite":
            path: Path = tmp_path_factory.mktemp("filled")
            url = f"sqlite:///{path}/payments.db"
        else:
            server = SERVERS["postgres"]
            room = stack.enter_context(server.room(request.getfixturevalue("postgres_url")))
            url = room[server.variable]
        engine = create_engine(DatabaseSettings(url, statement_timeout_seconds=60))
        stack.callback(engine.dispose)
        migrate(engine)
        if request.param != "sqlite":
            months_back_to(engine, NOW, NOW)
        yield fill(engine)


def page(wanted: PaymentFilter, after: Cursor | None = None) -> Callable[[Filled], object]:
    """
    Return the reading of one page.
    """
    return lambda filled: filled.queries.list(wanted, 20, after)


def keyed(filled: Filled) -> None:
    """
    Take a key that is taken, answer it and let it go, and forget those whose time is over.
    """
    with SqlAlchemyUnitOfWork(filled.engine) as uow:
        found = uow.idempotency.take(a_keyed_request(key=f"key {ROWS - 1}"))
        assert found is not None
        uow.idempotency.finish(found.key, found.payment_id, "{}")
        uow.idempotency.release(found.key, found.payment_id)
        assert uow.idempotency.forget(NOW + timedelta(minutes=1), 20) == 20


def audit(wanted: AuditFilter, after: AuditCursor | None = None) -> Callable[[Filled], object]:
    """
    Return the reading of one page of the audit log.
    """
    return lambda filled: filled.audit.list(wanted, 20, after)


def webhooks(wanted: WebhookFilter, after: WebhookCursor | None) -> Callable[[Filled], object]:
    """
    Return the reading of one page of the inbox.
    """
    return lambda filled: filled.webhooks.list(wanted, 20, after)


def differences(
    wanted: DiscrepancyFilter, after: Cursor | None = None
) -> Callable[[Filled], object]:
    """
    Return the reading of one page of differences.
    """
    return lambda filled: filled.compared.discrepancies(wanted, 20, after)


def close(filled: Filled) -> None:
    """
    Close the last difference that stands.
    """
    (found,) = filled.compared.discrepancies(DiscrepancyFilter(), 1).items
    with SqlAlchemyUnitOfWork(filled.engine) as uow:
        held = uow.discrepancies.get(found.id)
        assert held is not None
        uow.discrepancies.close(held.close("anna", "done", NOW))


def locked(find: Callable[[SqlAlchemyUnitOfWork, Payment], object]) -> Callable[[Filled], object]:
    """
    Return a reading inside a unit of work.
    """

    def act(filled: Filled) -> None:
        with SqlAlchemyUnitOfWork(filled.engine) as uow:
            assert find(uow, filled.one) is not None

    return act


def claim(filled: Filled) -> None:
    """
    Claim webhooks, and say what became of one.
    """
    with SqlAlchemyUnitOfWork(filled.engine) as uow:
        (event, *_) = uow.webhooks.claim(NOW + timedelta(hours=1), NOW, 20)
        uow.webhooks.save(event)


def sweep(filled: Filled) -> None:
    """
    Claim operations that are due, and look for those that wait for a person or a customer.
    """
    with SqlAlchemyUnitOfWork(filled.engine) as uow:
        later = NOW + timedelta(days=2)
        assert uow.payments.claim(uuid4(), later, later, 20, without=("provider 7",))
        assert uow.payments.in_review(20)
        assert uow.payments.expired(later, 20)


def relay(filled: Filled) -> None:
    """
    Claim the first message of each order that waits, and note them as gone.
    """
    with SqlAlchemyUnitOfWork(filled.engine) as uow:
        claimed = uow.outbox.claim(NOW + timedelta(days=1), NOW, 20)
        uow.outbox.sent(claimed, OutboxStatus.PUBLISHED, NOW)
        assert claimed


def look(filled: Filled) -> None:
    """
    Look for messages that are late.
    """
    with SqlAlchemyUnitOfWork(filled.engine) as uow:
        assert uow.outbox.waiting(NOW + timedelta(minutes=5), 20)


def supersede(filled: Filled) -> None:
    """
    Tell of a success after a failure.
    """
    with SqlAlchemyUnitOfWork(filled.engine) as uow:
        uow.outbox.add([a_success(filled.one)])


def receive(filled: Filled) -> None:
    """
    Handle a message that was handled before, and claim what is tried again.
    """
    with SqlAlchemyUnitOfWork(filled.engine) as uow:
        assert not uow.inbox.handle("refund-payment", UUID(int=7), NOW)
        assert uow.inbox.claim(NOW + timedelta(days=1), NOW, 20)
        assert uow.inbox.forget(NOW + timedelta(days=400), 5)


def runs(filled: Filled) -> None:
    """
    Ask for a run, claim it and say where it stands.
    """
    with SqlAlchemyUnitOfWork(filled.engine) as uow:
        assert uow.reconciliations.add(a_run())
        assert uow.reconciliations.active("fake")
        run = uow.reconciliations.claim(NOW, NOW + timedelta(minutes=1), RUN, "fake")
        assert run is not None
        assert uow.reconciliations.save(run)


RUN: Final = UUID(int=1)
EVER: Final = Window(NOW, NOW + timedelta(days=1))
LAST_MINUTE: Final = Window(NOW + timedelta(seconds=ROWS - 60), NOW + timedelta(seconds=ROWS))
MIDDLE: Final = Cursor(NOW + timedelta(seconds=ROWS // 2), UUID(int=0))
AUDIT_MIDDLE: Final = AuditCursor(NOW + timedelta(seconds=ROWS // 2), UUID(int=0))
INBOX_MIDDLE: Final = WebhookCursor(NOW + timedelta(seconds=ROWS // 2), "", "")
LAST_HOUR: Final = PaymentFilter(
    created_from=NOW + timedelta(seconds=ROWS - 30), created_to=NOW + timedelta(seconds=ROWS)
)

QUERIES: Final[Mapping[str, tuple[Callable[[Filled], object], Sequence[str]]]] = {
    "get": (lambda f: f.queries.get(f.one.id), ["pk_payments"]),
    "lock": (
        locked(lambda uow, p: uow.payments.get(p.id)),
        ["pk_payments", "uq_payment_operations_payment_id_number"],
    ),
    "find": (
        locked(lambda uow, p: uow.payments.find(p.provider, str(p.provider_payment_id))),
        ["uq_payments_provider_payment_id"],
    ),
    "live": (
        locked(lambda uow, p: uow.payments.live_payment_of(p.order_id)),
        ["uq_payments_live_order"],
    ),
    "list": (page(PaymentFilter()), ["ix_payments_created_at"]),
    "list after": (page(PaymentFilter(), MIDDLE), ["ix_payments_created_at"]),
    "list of a time": (page(LAST_HOUR), ["ix_payments_created_at"]),
    "list by status": (
        page(PaymentFilter(status=PaymentStatus.REFUNDED), MIDDLE),
        ["ix_payments_status"],
    ),
    "list by customer": (
        page(PaymentFilter(customer_id="customer 7"), MIDDLE),
        ["ix_payments_customer_id"],
    ),
    "list by order": (page(PaymentFilter(order_id=uuid4())), ["ix_payments_order_id"]),
    "list by provider": (
        page(PaymentFilter(provider="provider 7"), MIDDLE),
        ["ix_payments_provider"],
    ),
    "find among the listed": (
        lambda f: f.queries.list(
            PaymentFilter(provider=f.one.provider, provider_payment_id=f.one.provider_payment_id),
            *(20, None),
        ),
        ["uq_payments_provider_payment_id"],
    ),
    "list who did what": (audit(AuditFilter()), ["ix_audit_log_at"]),
    "list who did what from the middle": (audit(AuditFilter(), AUDIT_MIDDLE), ["ix_audit_log_at"]),
    "list who did what to a payment": (
        lambda f: f.audit.list(AuditFilter(payment_id=f.one.id), 20),
        ["ix_audit_log_payment_id"],
    ),
    "list what somebody did": (
        audit(AuditFilter(subject="person 7"), AUDIT_MIDDLE),
        ["ix_audit_log_subject"],
    ),
    "list webhooks": (webhooks(WebhookFilter(), None), ["ix_webhook_events_received_at"]),
    "list webhooks from the middle": (
        webhooks(WebhookFilter(), INBOX_MIDDLE),
        ["ix_webhook_events_received_at"],
    ),
    "list dead webhooks": (
        webhooks(WebhookFilter(status=WebhookStatus.DEAD), INBOX_MIDDLE),
        ["ix_webhook_events_status"],
    ),
    "list the webhooks of a payment": (
        lambda f: f.webhooks.list(WebhookFilter(payment_id=f.one.id), 20),
        ["ix_webhook_events_payment_id"],
    ),
    "one webhook": (lambda f: f.webhooks.find("fake", "evt_1"), ["pk_webhook_events"]),
    "keys": (keyed, ["pk_idempotency_keys", "ix_idempotency_keys_expires_at"]),
    "claim": (claim, ["ix_webhook_events_waiting", "pk_webhook_events"]),
    "timeline": (
        lambda f: f.queries.timeline(f.one.id),
        [
            "uq_payment_operations_payment_id_number",
            "uq_refunds_payment_id_number",
            "ix_webhook_events_payment_id",
            "ix_outbox_payment_id",
            "ix_discrepancies_payment_id",
        ],
    ),
    "relay": (relay, ["ix_outbox_due", "ix_outbox_blocking", "pk_outbox"]),
    "late": (look, ["ix_outbox_waiting"]),
    "supersede": (supersede, ["ix_outbox_blocking"]),
    "receive": (receive, ["ix_inbox_deferred", "ix_inbox_handled", "pk_inbox"]),
    "sweep": (
        sweep,
        ["ix_payment_operations_due", "ix_payment_operations_review", "ix_payments_expires_at"],
    ),
    "order": (locked(lambda uow, p: uow.orders.get(p.order_id)), ["pk_orders"]),
    "compared by object": (
        lambda f: f.compared.by_object(f.one.provider, [str(f.one.provider_payment_id), "pi_7"]),
        ["uq_payments_provider_payment_id"],
    ),
    "compared by id": (
        lambda f: f.compared.by_id(f.one.provider, [f.one.id, UUID(int=7)]),
        ["pk_payments"],
    ),
    "list compared": (
        lambda f: f.compared.payments("provider 7", EVER, MIDDLE, 20),
        ["ix_payments_provider"],
    ),
    "refunds compared": (
        lambda f: f.compared.refunds("provider 7", LAST_MINUTE, None, 20),
        ["ix_refunds_created_at"],
    ),
    "refunds of some": (
        lambda f: f.compared.refunds_of([f.one.id, UUID(int=7)]),
        ["uq_refunds_payment_id_number"],
    ),
    "no outcome": (
        lambda f: f.compared.unresolved("provider 7", LAST_MINUTE, None, 20),
        ["ix_payment_operations_no_outcome"],
    ),
    "messages of some": (
        lambda f: f.compared.messages_of([f.one.id, UUID(int=7)]),
        ["ix_outbox_payment_id"],
    ),
    "messages unsent": (lambda f: f.compared.unsent(EVER, MIDDLE, 20), ["ix_outbox_waiting"]),
    "events known": (
        lambda f: f.compared.known_events("fake", [a_notice("evt_1"), a_notice("evt_2")]),
        ["pk_webhook_events"],
    ),
    "found by a run": (
        lambda f: f.compared.found(RUN, MIDDLE, 20),
        ["ix_discrepancies_run_id"],
    ),
    "list differences that stand": (
        differences(DiscrepancyFilter()),
        ["ix_discrepancies_standing"],
    ),
    "list differences that stand from the middle": (
        differences(DiscrepancyFilter(), MIDDLE),
        ["ix_discrepancies_standing"],
    ),
    "list one kind of differences that stand": (
        differences(DiscrepancyFilter(kind=RARE), MIDDLE),
        ["ix_discrepancies_standing_kind"],
    ),
    "list differences": (
        differences(DiscrepancyFilter(ended=True), MIDDLE),
        ["ix_discrepancies_found_at"],
    ),
    "list one kind of differences": (
        differences(DiscrepancyFilter(kind=RARE, ended=True), MIDDLE),
        ["ix_discrepancies_kind"],
    ),
    "list the differences of a payment": (
        lambda f: f.compared.discrepancies(DiscrepancyFilter(payment_id=f.one.id), 20),
        ["ix_discrepancies_payment_id"],
    ),
    "list one kind of differences of a payment": (
        lambda f: f.compared.discrepancies(
            DiscrepancyFilter(payment_id=f.one.id, kind=KINDS[0], ended=True), 20, MIDDLE
        ),
        ["ix_discrepancies_payment_id"],
    ),
    "close a difference": (close, ["pk_discrepancies"]),
    "checked since": (
        lambda f: f.records.payments(NOW, MIDDLE, 2),
        [
            "ix_payments_created_at",
            "uq_payment_operations_payment_id_number",
            "uq_refunds_payment_id_number",
            "ix_outbox_payment_id",
            "ix_discrepancies_payment_id",
            "pk_orders",
        ],
    ),
    "checked by object": (
        lambda f: f.records.by_objects(f.one.provider, [str(f.one.provider_payment_id), "pi_7"]),
        ["uq_payments_provider_payment_id"],
    ),
    "webhooks checked": (
        lambda f: f.records.webhooks(None, WebhookPlace("fake", "evt_1"), 20),
        ["pk_webhook_events"],
    ),
    "what is not done": (
        lambda f: f.backlog.count(),
        [
            "ix_outbox_waiting",
            "ix_payment_operations_no_outcome",
            "ix_webhook_events_status",
            "ix_discrepancies_standing",
        ],
    ),
    "runs": (runs, ["uq_reconciliation_runs_active", "pk_reconciliation_runs"]),
}


@pytest.mark.parametrize("name", QUERIES)
def test_queries_use_their_index(filled: Filled, name: str) -> None:
    """
    No table is read whole, no page is sorted, and the index is the one made for the query.
    """
    act, indexes = QUERIES[name]
    plan = filled.plans(act)

    assert not [index for index in indexes if not _uses(plan, index)], plan
    assert "Seq Scan" not in plan, plan
    assert not [line for line in plan.splitlines() if _reads_everything(line)], plan
    if name.startswith("list"):
        assert not re.search(r"\bSort  \(", plan), plan
        assert "TEMP B-TREE" not in plan, plan


def mark(filled: Filled) -> None:
    """
    Note a message as gone, and write another as it is.
    """
    message = a_message(filled)
    with SqlAlchemyUnitOfWork(filled.engine) as uow:
        uow.outbox.sent([message], OutboxStatus.PUBLISHED, NOW)
        uow.outbox.replace(message, message)


def a_message(filled: Filled) -> OutboxMessage:
    """
    Return a message that is not stored.
    """
    return OutboxMessage(
        id=uuid4(),
        order_id=filled.one.order_id,
        payment_id=filled.one.id,
        sequence=1,
        name="x",
        destination="x",
        content_type="x",
        body="{}",
        created_at=NOW,
    )


def receive_webhook(filled: Filled) -> None:
    """
    Keep an event, and write what became of it.
    """
    with SqlAlchemyUnitOfWork(filled.engine) as uow:
        event = an_event()
        assert uow.webhooks.add(event)
        uow.webhooks.save(event)


ONE_MONTH: Final[Mapping[str, Callable[[Filled], object]]] = {
    "mark": mark,
    "receive a webhook": receive_webhook,
    "events known": lambda f: f.compared.known_events("fake", [a_notice("evt_1")]),
}


@pytest.mark.parametrize("name", ONE_MONTH)
def test_who_names_the_moment_looks_into_one_month(filled: Filled, name: str) -> None:
    """
    What is done for each message and webhook is done in its own month alone.
    """
    plan = filled.plans(ONE_MONTH[name])

    assert "_default" not in plan, plan


def _uses(plan: str, index: str) -> bool:
    # SQLite names the indexes of keys itself, and keeps the rows of a timeless table in no index.
    unnamed = index.startswith(("pk_", "uq_")) and f"sqlite_autoindex_{_table(index)}_" in plan
    return index in plan or unnamed


def _table(index: str) -> str:
    names = (table.name for table in metadata.sorted_tables)
    return max((n for n in names if index[3:].startswith(n)), key=len)


def _reads_everything(line: str) -> bool:
    # "few" is no table: what an index found, up to a limit.
    return line.startswith("SCAN") and " USING " not in line and line != "SCAN few"
