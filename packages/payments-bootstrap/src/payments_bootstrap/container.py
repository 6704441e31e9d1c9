"""
The one place where ports meet their adapters.

Attributes have the type of the port, so that whoever takes something out sees no adapter.
The container stays in the apps: it never enters the core or an adapter.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

from dependency_injector import containers, providers

from payments_bootstrap.client_credentials import ClientCredentials
from payments_bootstrap.going import Going
from payments_bootstrap.health import Health, Probe
from payments_bootstrap.heart import Heart, worker_of
from payments_bootstrap.metrics.backlog import BacklogCollector
from payments_bootstrap.metrics.heartbeats import HeartbeatCollector
from payments_bootstrap.metrics.jobs import counted
from payments_bootstrap.metrics.serving import MetricsServer, registry_of
from payments_bootstrap.metrics.unit_of_work import CountedUnitOfWork
from payments_bootstrap.opening import (
    links_of,
    open_credentials,
    open_engine,
    open_stripe,
    open_used,
    ping_of,
    publisher_of,
    results_of,
)
from payments_bootstrap.probes import Workers, check_database, probes_of
from payments_bootstrap.reconciling import Reconciler
from payments_bootstrap.retaining import Retainer
from payments_bootstrap.settings import Settings
from payments_bootstrap.tracing import ITracer
from payments_bootstrap.worker import Job, Link, Part, Worker
from payments_core.application.apply_retention import ApplyRetention
from payments_core.application.audit import ListAudit
from payments_core.application.backfill_webhooks import BackfillWebhooks
from payments_core.application.cancel_payment import CancelPayment
from payments_core.application.capture_payment import CapturePayment
from payments_core.application.close_discrepancy import CloseDiscrepancy, ListDiscrepancies
from payments_core.application.confirm_payment import ConfirmPayment
from payments_core.application.create_payment import CreatePayment
from payments_core.application.expire_payments import ExpirePayments
from payments_core.application.forget_keys import ForgetKeys
from payments_core.application.forget_messages import ForgetMessages
from payments_core.application.handle_capture import HandleCapture
from payments_core.application.handle_message import HandleMessage, IMessageHandler
from payments_core.application.handle_refund import HandleRefund
from payments_core.application.look_again import LookAgain
from payments_core.application.manage_outbox import ManageOutbox
from payments_core.application.operations import Operations
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.application.queries import (
    FindPayment,
    GetPayment,
    ListPayments,
    ShowTimeline,
)
from payments_core.application.receive_webhook import ReceiveWebhook
from payments_core.application.reconcile_payments import ReconcilePayments
from payments_core.application.record_order import RecordOrder
from payments_core.application.refund_payment import RefundPayment
from payments_core.application.relay_outbox import RelayOutbox, ReportLateMessages
from payments_core.application.replay_webhook import ListWebhooks, ReplayWebhook
from payments_core.application.report_reviews import ReportReviews
from payments_core.application.resolve_operations import ResolveOperations
from payments_core.application.show_reconciliation import ShowReconciliation
from payments_core.application.verify_payments import VerifyPayments
from payments_core.ports.audit import IAuditQueries
from payments_core.ports.backlog import IBacklogQueries
from payments_core.ports.clock import IClock, SystemClock
from payments_core.ports.heartbeats import IHeartbeats
from payments_core.ports.idempotency import IResultCache
from payments_core.ports.outbox import IMessageSerializer
from payments_core.ports.provider import IPaymentProvider
from payments_core.ports.queries import IPaymentQueries
from payments_core.ports.reconciliation import IReconciliationQueries
from payments_core.ports.records import IRecordQueries
from payments_core.ports.retention import IRetention
from payments_core.ports.unit_of_work import IUnitOfWork
from payments_core.ports.webhook_queries import IWebhookQueries
from payments_postgres import (
    SqlAlchemyAuditQueries,
    SqlAlchemyBacklogQueries,
    SqlAlchemyHeartbeats,
    SqlAlchemyPaymentQueries,
    SqlAlchemyReconciliationQueries,
    SqlAlchemyRecordQueries,
    SqlAlchemyRetention,
    SqlAlchemyUnitOfWork,
    SqlAlchemyWebhookQueries,
    is_behind,
)
from payments_rabbit import MassTransitSerializer, RabbitConsumer

# Engine and clients are thread-safe singletons: the plain Singleton was seen to make one
# instance for each of several threads that asked at once. So are operations, which hold nothing
# of a request: what they are made of is replaced before the first use case is taken.
_One = providers.ThreadSafeSingleton
_Each = providers.Factory


class Container(containers.DeclarativeContainer):
    """
    Everything that an app may ask for, built when it first asks.
    """

    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)
    # None unless `payments_bootstrap.spans.trace` has put spans around the ports.
    tracer: providers.Provider[ITracer | None] = providers.Object(None)
    clock: providers.Provider[IClock] = _One(SystemClock)

    closing: providers.Provider[ExitStack] = _One(ExitStack)
    engine = _One(open_engine, settings.provided.database, closing)
    serializer: providers.Provider[IMessageSerializer] = _One(
        MassTransitSerializer, settings.provided.rabbitmq
    )
    unit_of_work: providers.Provider[IUnitOfWork] = _Each(
        CountedUnitOfWork, _Each(SqlAlchemyUnitOfWork, engine, serializer), clock
    )
    queries: providers.Provider[IPaymentQueries] = _One(SqlAlchemyPaymentQueries, engine)
    webhook_queries: providers.Provider[IWebhookQueries] = _One(SqlAlchemyWebhookQueries, engine)
    reconciliation_queries: providers.Provider[IReconciliationQueries] = _One(
        SqlAlchemyReconciliationQueries, engine
    )
    audit_queries: providers.Provider[IAuditQueries] = _One(SqlAlchemyAuditQueries, engine)

    client_credentials: providers.Provider[ClientCredentials] = _One(
        open_credentials, settings.provided.keycloak, closing
    )

    stripe: providers.Provider[IPaymentProvider] = _One(
        open_stripe, settings.provided.payment_providers.stripe, closing
    )
    # By name; whoever is in it is asked for health, traced, compared and sent webhooks.
    payment_providers: providers.Factory[Mapping[str, IPaymentProvider]] = _Each(
        open_used, settings.provided.payment_providers, stripe=stripe.provider
    )

    results: providers.Provider[IResultCache] = _One(
        results_of, settings.provided.redis, settings.provided.payment_providers.stripe, closing
    )
    operations: providers.Provider[Operations] = _One(
        Operations,
        unit_of_work=unit_of_work.provider,
        providers=payment_providers,
        clock=clock,
        policy=settings.provided.policy,
        results=results,
    )
    create_payment: providers.Provider[CreatePayment] = _Each(
        CreatePayment, operations, require_known_orders=settings.provided.orders.require_known
    )
    confirm_payment: providers.Provider[ConfirmPayment] = _Each(ConfirmPayment, operations)
    capture_payment: providers.Provider[CapturePayment] = _Each(CapturePayment, operations)
    cancel_payment: providers.Provider[CancelPayment] = _Each(CancelPayment, operations)
    refund_payment: providers.Provider[RefundPayment] = _Each(RefundPayment, operations)
    process_webhooks: providers.Provider[ProcessWebhooks] = _Each(ProcessWebhooks, operations)
    receive_webhook: providers.Provider[ReceiveWebhook] = _Each(
        ReceiveWebhook, operations, process_webhooks
    )
    list_webhooks: providers.Provider[ListWebhooks] = _Each(ListWebhooks, webhook_queries)
    replay_webhook: providers.Provider[ReplayWebhook] = _Each(
        ReplayWebhook, process_webhooks, list_webhooks
    )
    backfill_webhooks: providers.Provider[BackfillWebhooks] = _Each(
        BackfillWebhooks, receive_webhook, reconciliation_queries
    )
    resolve_operations: providers.Provider[ResolveOperations] = _One(ResolveOperations, operations)
    expire_payments: providers.Provider[ExpirePayments] = _Each(ExpirePayments, operations)
    look_again: providers.Provider[LookAgain] = _Each(LookAgain, operations)
    report_reviews: providers.Provider[ReportReviews] = _Each(ReportReviews, unit_of_work.provider)
    get_payment: providers.Provider[GetPayment] = _Each(GetPayment, queries)
    find_payment: providers.Provider[FindPayment] = _Each(FindPayment, queries)
    list_payments: providers.Provider[ListPayments] = _Each(ListPayments, queries)
    show_timeline: providers.Provider[ShowTimeline] = _Each(ShowTimeline, queries)
    list_audit: providers.Provider[ListAudit] = _Each(ListAudit, audit_queries)

    records: providers.Provider[IRecordQueries] = _One(SqlAlchemyRecordQueries, engine)
    verify_payments: providers.Provider[VerifyPayments] = _Each(
        VerifyPayments, records, payment_providers, clock, settings.provided.policy
    )

    reconcile_payments: providers.Provider[ReconcilePayments] = _Each(
        ReconcilePayments, operations, reconciliation_queries, settings.provided.reconcile.policy
    )
    show_reconciliation: providers.Provider[ShowReconciliation] = _Each(
        ShowReconciliation, reconciliation_queries
    )
    list_discrepancies: providers.Provider[ListDiscrepancies] = _Each(
        ListDiscrepancies, reconciliation_queries
    )
    close_discrepancy: providers.Provider[CloseDiscrepancy] = _Each(
        CloseDiscrepancy, unit_of_work.provider, clock
    )
    reconciler: providers.Provider[Reconciler] = _One(
        Reconciler,
        reconcile_payments,
        settings.provided.reconcile,
        settings.provided.payment_providers.used,
        clock,
    )

    retention: providers.Provider[IRetention] = _One(SqlAlchemyRetention, engine)
    apply_retention: providers.Provider[ApplyRetention] = _Each(
        ApplyRetention, retention, clock, settings.provided.retention.policy
    )
    retainer: providers.Provider[Retainer] = _One(
        Retainer, apply_retention, settings.provided.retention.schedule, clock
    )

    publisher = _One(publisher_of, settings.provided.rabbitmq)
    relay_outbox: providers.Provider[RelayOutbox] = _Each(
        RelayOutbox,
        unit_of_work=unit_of_work.provider,
        publisher=publisher,
        clock=clock,
        policy=settings.provided.relay,
    )
    report_late_messages: providers.Provider[ReportLateMessages] = _Each(
        ReportLateMessages, unit_of_work.provider, clock, settings.provided.relay
    )
    manage_outbox: providers.Provider[ManageOutbox] = _Each(
        ManageOutbox, unit_of_work.provider, clock
    )

    message_handlers: providers.Provider[dict[str, IMessageHandler]] = providers.Dict(
        RefundPaymentCommand=_Each(HandleRefund, operations, queries),
        CapturePaymentCommand=_Each(HandleCapture, operations, queries),
        IOrderCreated=_Each(RecordOrder, settings.provided.orders.default_currency),
    )
    forget_keys: providers.Provider[ForgetKeys] = _Each(ForgetKeys, unit_of_work.provider, clock)
    forget_messages: providers.Provider[ForgetMessages] = _Each(
        ForgetMessages, unit_of_work.provider, clock, settings.provided.retention.messages
    )
    handle_message: providers.Provider[HandleMessage] = _Each(
        HandleMessage, unit_of_work.provider, clock, message_handlers
    )
    consumer: providers.Provider[RabbitConsumer] = _One(
        RabbitConsumer, settings.provided.rabbitmq, handle_message, clock
    )

    heartbeats: providers.Provider[IHeartbeats] = _One(SqlAlchemyHeartbeats, engine)
    probes: providers.Provider[Mapping[str, Probe]] = _Each(
        probes_of,
        settings.provided.health,
        database=_Each(partial, check_database, queries, _Each(partial, is_behind, engine)),
        providers=payment_providers,
        workers=_Each(
            Workers,
            heartbeats,
            clock,
            away_after=settings.provided.health.away_after,
            broker=settings.provided.rabbitmq.configured,
        ),
        redis=_Each(ping_of, results),
    )
    health: providers.Provider[Health] = _One(
        Health, probes, required=settings.provided.health.required
    )

    going: providers.Provider[Going] = _One(Going)
    jobs: providers.Provider[list[Job]] = providers.List(
        _Each(
            Job,
            name="webhooks",
            run=_Each(partial, process_webhooks.provided.execute, go_on=going),
            stop=going.provided.end,
            interval=settings.provided.worker.webhooks_every,
        ),
        _Each(
            Job,
            name="webhook gaps",
            run=_Each(
                partial,
                backfill_webhooks.provided.recent,
                settings.provided.worker.backfill_over,
                go_on=going,
            ),
            interval=settings.provided.worker.backfill_every,
            patience=None,
        ),
        _Each(
            Job,
            name="sweeper",
            run=_Each(partial, resolve_operations.provided.execute, go_on=going),
            stop=going.provided.end,
            interval=settings.provided.worker.sweep_every,
            part=Part.SWEEPER,
            threads=settings.provided.worker.sweepers,
        ),
        _Each(
            Job,
            name="expiry",
            run=_Each(partial, expire_payments.provided.execute, go_on=going),
            interval=settings.provided.worker.sweep_every,
            part=Part.SWEEPER,
        ),
        _Each(
            Job,
            name="reviews",
            run=report_reviews.provided.execute,
            interval=settings.provided.worker.reviews_every,
            part=Part.SWEEPER,
        ),
        _Each(
            Job,
            name="idempotency keys",
            run=forget_keys.provided.execute,
            interval=settings.provided.worker.forget_keys_every,
            part=Part.SWEEPER,
        ),
        _Each(
            Job,
            name="old messages",
            run=forget_messages.provided.execute,
            interval=settings.provided.worker.forget_keys_every,
            part=Part.SWEEPER,
        ),
        _Each(
            Job,
            name="retention",
            run=retainer.provided.run,
            interval=settings.provided.worker.retention_every,
            part=Part.SWEEPER,
            patience=None,
        ),
        _Each(
            Job,
            name="relay",
            run=relay_outbox.provided.execute,
            interval=settings.provided.worker.relay_every,
            part=Part.RELAY,
            threads=settings.provided.worker.relays,
        ),
        _Each(
            Job,
            name="late messages",
            run=report_late_messages.provided.execute,
            interval=settings.provided.worker.late_every,
            part=Part.RELAY,
        ),
        _Each(
            Job,
            name="message retries",
            run=consumer.provided.retry,
            stop=consumer.provided.take_no_more,
            interval=settings.provided.worker.retries_every,
            part=Part.CONSUMERS,
        ),
        _Each(
            Job,
            name="reconciliation",
            run=reconciler.provided.run,
            interval=settings.provided.worker.reconcile_every,
            part=Part.RECONCILIATION,
            stop=reconciler.provided.stop,
            # As long as it takes: another worker goes on with it if this one does not.
            patience=None,
        ),
    )
    links: providers.Provider[Mapping[Part, Callable[[], Link]]] = _Each(
        links_of, settings.provided.rabbitmq, publisher.provider, consumer.provider
    )
    heart: providers.Provider[Callable[..., Heart]] = _Each(
        partial, Heart, heartbeats, clock, settings.provided.worker.heartbeat_every
    )
    worker: providers.Provider[Worker] = _Each(
        worker_of, _Each(counted, jobs), links, heart, settings.provided.worker.alive_file
    )
    backlog_queries: providers.Provider[IBacklogQueries] = _One(SqlAlchemyBacklogQueries, engine)
    worker_metrics: providers.Provider[MetricsServer] = _Each(
        MetricsServer,
        settings.provided.worker.metrics_port,
        settings.provided.http.host,
        _Each(
            registry_of,
            None,
            _Each(BacklogCollector, backlog_queries, clock),
            _Each(HeartbeatCollector, heartbeats, clock),
        ),
    )
