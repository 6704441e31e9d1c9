"""
The one place where ports meet their adapters.

Attributes have the type of the port, so that whoever takes something out sees no adapter.
The container stays in the apps: it never enters the core or an adapter.
"""

from dependency_injector import containers, providers

from payments_bootstrap.health import Health, Ping
from payments_bootstrap.settings import Settings
from payments_bootstrap.worker import Job, Worker
from payments_core.application.cancel_payment import CancelPayment
from payments_core.application.capture_payment import CapturePayment
from payments_core.application.confirm_payment import ConfirmPayment
from payments_core.application.create_payment import CreatePayment
from payments_core.application.operations import Operations
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.application.queries import GetPayment, ListPayments, ShowTimeline
from payments_core.application.receive_webhook import ReceiveWebhook
from payments_core.application.refund_payment import RefundPayment
from payments_core.ports.clock import IClock, SystemClock
from payments_core.ports.provider import IPaymentProvider
from payments_core.ports.queries import IPaymentQueries
from payments_core.ports.unit_of_work import IUnitOfWork
from payments_postgres import SqlAlchemyPaymentQueries, SqlAlchemyUnitOfWork, create_engine
from payments_stripe import StripePaymentProvider

# Engine and clients are thread-safe singletons: the plain Singleton was seen to make one
# instance for each of several threads that asked at once.
_One = providers.ThreadSafeSingleton
_Each = providers.Factory


class Container(containers.DeclarativeContainer):
    """
    Everything that an app may ask for, built when it first asks.
    """

    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)
    clock: providers.Provider[IClock] = _One(SystemClock)

    engine = _One(create_engine, settings.provided.database)
    unit_of_work: providers.Provider[IUnitOfWork] = _Each(SqlAlchemyUnitOfWork, engine)
    queries: providers.Provider[IPaymentQueries] = _One(SqlAlchemyPaymentQueries, engine)

    stripe: providers.Provider[IPaymentProvider] = _One(
        StripePaymentProvider, settings.provided.payment_providers.stripe
    )
    payment_providers: providers.Provider[dict[str, IPaymentProvider]] = providers.Dict(
        stripe=stripe
    )

    operations: providers.Provider[Operations] = _Each(
        Operations,
        unit_of_work=unit_of_work.provider,
        providers=payment_providers,
        clock=clock,
        policy=settings.provided.policy,
    )
    create_payment: providers.Provider[CreatePayment] = _Each(CreatePayment, operations)
    confirm_payment: providers.Provider[ConfirmPayment] = _Each(ConfirmPayment, operations)
    capture_payment: providers.Provider[CapturePayment] = _Each(CapturePayment, operations)
    cancel_payment: providers.Provider[CancelPayment] = _Each(CancelPayment, operations)
    refund_payment: providers.Provider[RefundPayment] = _Each(RefundPayment, operations)
    process_webhooks: providers.Provider[ProcessWebhooks] = _Each(ProcessWebhooks, operations)
    receive_webhook: providers.Provider[ReceiveWebhook] = _Each(
        ReceiveWebhook, operations, process_webhooks
    )
    get_payment: providers.Provider[GetPayment] = _Each(GetPayment, queries)
    list_payments: providers.Provider[ListPayments] = _Each(ListPayments, queries)
    show_timeline: providers.Provider[ShowTimeline] = _Each(ShowTimeline, queries)

    pings: providers.Provider[dict[str, Ping]] = providers.Dict(
        database=queries.provided.ping, stripe=stripe.provided.ping
    )
    health: providers.Provider[Health] = _One(
        Health,
        pings,
        required=settings.provided.health.required,
        timeout=settings.provided.health.timeout.total_seconds.call(),
    )

    jobs: providers.Provider[list[Job]] = providers.List(
        _Each(
            Job,
            name="webhooks",
            run=process_webhooks.provided.execute,
            interval=settings.provided.worker.webhooks_every,
        )
    )
    worker: providers.Provider[Worker] = _Each(Worker, jobs)
