"""
The Order Service in production: Stripe takes the money, PostgreSQL remembers it.
"""

from collections.abc import Mapping
from functools import partial

from examples.order_service.orders import OrderService
from payments_core.application.create_payment import CreatePayment
from payments_core.application.operations import Operations
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.application.queries import GetPayment
from payments_core.application.receive_webhook import ReceiveWebhook
from payments_core.application.refund_payment import RefundPayment
from payments_core.domain.policy import Policy
from payments_core.ports.clock import SystemClock
from payments_postgres import (
    DatabaseSettings,
    SqlAlchemyPaymentQueries,
    SqlAlchemyUnitOfWork,
    create_engine,
    migrate,
)
from payments_stripe import StripePaymentProvider, StripeSettings


def production(environ: Mapping[str, str]) -> OrderService:
    """
    Return the service that takes real money.
    """
    stripe = StripePaymentProvider(
        StripeSettings(
            api_key=environ["STRIPE_API_KEY"],
            webhook_secrets=[environ["STRIPE_WEBHOOK_SECRET"]],
            api_base=environ.get("STRIPE_API_BASE", "https://api.stripe.com"),
        )
    )
    engine = create_engine(DatabaseSettings(url=environ["DATABASE_URL"]))
    migrate(engine)
    operations = Operations(
        partial(SqlAlchemyUnitOfWork, engine), {stripe.name: stripe}, SystemClock(), Policy()
    )
    process = ProcessWebhooks(operations)
    return OrderService(
        CreatePayment(operations),
        RefundPayment(operations),
        ReceiveWebhook(operations, process),
        process,
        GetPayment(SqlAlchemyPaymentQueries(engine)),
    )
