"""
Every setting of an installation; each adapter brings the type of its own.
"""

from datetime import timedelta
from enum import StrEnum

import attrs

from payments_bootstrap.permissions import ROLES, SERVICES, Permission
from payments_core.application.apply_retention import RetentionPolicy
from payments_core.application.relay_outbox import RelayPolicy
from payments_core.domain.policy import Policy
from payments_core.domain.reconciliation import ReconciliationPolicy
from payments_postgres import DatabaseSettings
from payments_rabbit import RabbitSettings
from payments_redis import RedisSettings
from payments_stripe import StripeSettings

Grants = dict[str, tuple[Permission, ...]]


class Environment(StrEnum):
    """
    Where it runs: on a developer's machine, or anywhere else.
    """

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@attrs.frozen
class PaymentProviderSettings:
    """
    The providers, each under its name; None for who is not used.
    """

    stripe: StripeSettings | None = None

    @property
    def used(self) -> tuple[str, ...]:
        """
        The names of those that are used.
        """
        names = (field.name for field in attrs.fields(type(self)))
        return tuple(name for name in names if getattr(self, name) is not None)


@attrs.frozen
class KeycloakSettings:
    """
    Whose tokens are accepted.

    Attributes:
        issuer: Exactly these, one at least; a browser and the inner network may know one by
            two names.

        audience: What a token must be for.

        client_id: The client whose roles count besides those of the realm, and in whose name
            this service calls others.

        client_secret: Of that client, for such calls. token_url: Where it is given tokens, by
            default Keycloak's place under the first issuer.

        jwks_url: Where the issuer's keys are; by default Keycloak's place under the first issuer.

        keys_fresh: After this the keys are fetched again: so long a withdrawn key may still count.

        keys_stale: For so long old keys count while the issuer does not answer.

        keys_pause: Between two fetches at least, however many unknown keys tokens name.

        algorithms: Of signatures with a public key; no others are accepted.

        leeway: How far clocks may differ.

        lifetime: The longest life of a token.

        roles: What each role may do. services: Likewise each client with a token of its own.
    """

    issuer: tuple[str, ...] = ()
    audience: str = "payment-service"
    client_id: str = "payment-service"
    client_secret: str = attrs.field(default="", repr=False)
    token_url: str = ""
    jwks_url: str = ""
    keys_fresh: timedelta = timedelta(minutes=10)
    keys_stale: timedelta = timedelta(hours=24)
    keys_pause: timedelta = timedelta(seconds=30)
    algorithms: tuple[str, ...] = ("RS256",)
    leeway: timedelta = timedelta(seconds=30)
    lifetime: timedelta = timedelta(hours=24)
    roles: Grants = attrs.field(factory=lambda: dict(ROLES))
    services: Grants = attrs.field(factory=lambda: dict(SERVICES))

    @property
    def keys_url(self) -> str:
        """
        Where the keys are.
        """
        return self.jwks_url or f"{self.issuer[0]}/protocol/openid-connect/certs"

    @property
    def tokens_url(self) -> str:
        """
        Where tokens are given out.
        """
        return self.token_url or f"{self.issuer[0]}/protocol/openid-connect/token"


@attrs.frozen
class HttpSettings:
    """
    How the API is served.

    Attributes:
        host: The address that the API listens at. port: Its port.

        allowed_return_urls: Hosts (``shop.example`` or ``shop.example:8443``) to which customers may be sent back.

        swagger: Show the API's pages; by default in development alone.

        metrics_port: Where `/metrics` listens; 0 for nowhere.

        workers: Processes that answer requests. threads: In each of them, so many requests
            are answered at once.

        trusted_proxies: How many proxies of ours stand before the API, each of which adds the
            address that it was called from to ``X-Forwarded-For``; 0 to look at the connection.

        hosts: Names under which the API may be called, also ``.shop.example`` for all below;
            empty for any name.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    metrics_port: int = 9090
    workers: int = 2
    threads: int = 8
    allowed_return_urls: tuple[str, ...] = ()
    swagger: bool | None = None
    trusted_proxies: int = 0
    hosts: tuple[str, ...] = ()


def _not_negative(_settings: object, field: "attrs.Attribute[int]", value: int) -> None:
    if value < 0:
        raise ValueError(f"{field.name} must be a number per minute, or 0 for no limit")


@attrs.frozen
class LimitSettings:
    """
    How often something may be asked for within a minute; 0 for as often as anyone likes.

    Attributes:
        enabled: Count at all; by default everywhere but in development.

        creates: Payments, by or for one customer.

        refunds: By one person; services are not limited.

        bad_tokens: Requests without a good token, from one address.

        bad_signatures: Deliveries that no provider signed, from one address.
    """

    enabled: bool | None = None
    creates: int = attrs.field(default=60, validator=_not_negative)
    refunds: int = attrs.field(default=10, validator=_not_negative)
    bad_tokens: int = attrs.field(default=100, validator=_not_negative)
    bad_signatures: int = attrs.field(default=100, validator=_not_negative)


class Check(StrEnum):
    """
    What can be asked whether it is there; providers, RABBITMQ and REDIS only where they are used.
    """

    DATABASE = "database"
    STRIPE = "stripe"
    WORKER = "worker"
    RABBITMQ = "rabbitmq"
    REDIS = "redis"


@attrs.frozen
class HealthSettings:
    """
    What is asked when someone asks whether the service is ready.

    Attributes:
        required: Without these the service is `unavailable` (503); without others `degraded` (200).
            Of `database`, `worker` and, where they are configured, `stripe`, `rabbitmq` and `redis`.

        timeout: How long each may take to answer. fresh: How long an answer is good.
            provider_fresh: How long that of the provider is, which every process asks.

        away_after: A worker that gave no sign of life for so long is not there.
    """

    required: tuple[str, ...] = (Check.DATABASE,)
    timeout: timedelta = timedelta(seconds=2)
    fresh: timedelta = timedelta(seconds=5)
    provider_fresh: timedelta = timedelta(seconds=15)
    away_after: timedelta = timedelta(seconds=30)


@attrs.frozen
class WorkerSettings:
    """
    How often the worker looks for something to do: the pause between two looks, for each job.

    Attributes:
        webhooks_every: For stored webhooks. relay_every: For messages to other services.
            retries_every: For messages of theirs that are tried again. late_every: For messages that should have left. forget_keys_every:
            For idempotency keys, and handled messages of others, whose time is over.

        backfill_every: For webhooks that never arrived; backfill_over: how far back each time.
        sweep_every: For operations without an outcome, and for payments that nobody paid in
            time. reviews_every: For operations that wait for a person.
        reconcile_every: For runs that were asked for, or are due. retention_every: For whether
            old months are due to go.

        heartbeat_every: The longest pause between two signs of life.
        alive_file: Is touched every second as long as no job hangs; empty for none.

        relays: How many carry messages at once: one publishes while another asks the database.
            sweepers: How many resolve operations at once.

        metrics_port: Where `/metrics` of a worker listens, at HTTP__HOST; 0 for nowhere. Workers
            on one machine need a port each.
    """

    webhooks_every: timedelta = timedelta(seconds=2)
    relay_every: timedelta = timedelta(milliseconds=200)
    retries_every: timedelta = timedelta(seconds=1)
    late_every: timedelta = timedelta(seconds=60)
    backfill_every: timedelta = timedelta(hours=1)
    backfill_over: timedelta = timedelta(hours=2)
    sweep_every: timedelta = timedelta(seconds=5)
    reviews_every: timedelta = timedelta(minutes=10)
    forget_keys_every: timedelta = timedelta(minutes=5)
    reconcile_every: timedelta = timedelta(seconds=5)
    retention_every: timedelta = timedelta(minutes=1)
    heartbeat_every: timedelta = timedelta(seconds=5)
    alive_file: str = ""
    relays: int = 2
    sweepers: int = 2
    metrics_port: int = 9091


@attrs.frozen
class OrderSettings:
    """
    What is made of what the Order Service tells.

    Attributes:
        require_known: Take payments only for orders that were told.

        default_currency: Of totals that are told without one; empty to leave those out.
    """

    require_known: bool = False
    default_currency: str = "EUR"


@attrs.frozen
class ReconcileSettings:
    """
    How this service is compared with its providers.

    Attributes:
        schedule: When, as a cron expression in UTC; empty for never by itself. However many
            workers run, each time is run once, also when it fell due while none ran.

        lookback: How far back each time. Longer than the pause, so that a run that could not
            read everything is made good by the next.

        grace: What is younger is left out: its webhook may be on its way. stuck_after: When an
            operation without an outcome is reported.
    """

    schedule: str = "30 3 * * *"
    lookback: timedelta = timedelta(days=3)
    grace: timedelta = ReconciliationPolicy().grace
    stuck_after: timedelta = ReconciliationPolicy().stuck_after

    @property
    def policy(self) -> ReconciliationPolicy:
        """
        What of it the core needs.
        """
        return ReconciliationPolicy(grace=self.grace, stuck_after=self.stuck_after)


@attrs.frozen
class RetentionSettings:
    """
    How long what grows with every payment is kept; nothing (0) for ever.

    Attributes:
        schedule: When old months go and new ones are made, as a cron expression in UTC; empty for
            never by itself: then another process has to run ``payments retention``.

        messages: To other services, once they have left, and theirs, once they are handled; at least 62 days. webhooks: Once they
            are over. audit: Who did what; at least 365 days.
    """

    schedule: str = "40 4 * * *"
    messages: timedelta = RetentionPolicy().messages
    webhooks: timedelta = RetentionPolicy().webhooks
    audit: timedelta = RetentionPolicy().audit

    @property
    def policy(self) -> RetentionPolicy:
        """
        What of it the core needs.
        """
        return RetentionPolicy(self.messages, self.webhooks, self.audit)


@attrs.frozen
class LogSettings:
    """
    How the log is written: to standard error, as JSON lines in production, readable in development.

    Attributes:
        level: The least serious lines that are written: DEBUG, INFO, WARNING or ERROR.
    """

    level: str = "INFO"


@attrs.frozen
class TracingSettings:
    """
    Whether traces are kept; where they go to is said by OpenTelemetry's own variables.

    Attributes:
        enabled: Keep traces; the extra ``payments-bootstrap[otel]`` is needed, which the image has.
    """

    enabled: bool = False


@attrs.frozen
class Settings:
    """
    What counts for all parts of an installation.

    Attributes:
        environment: Development is for this machine only: the development issuer of tokens is
            accepted, a live key is refused.

        default_provider: Takes the payments that name none. Its settings are required; those of
            another provider once one of them is set.
    """

    database: DatabaseSettings
    payment_providers: PaymentProviderSettings
    environment: Environment = Environment.PRODUCTION
    default_provider: str = "stripe"
    keycloak: KeycloakSettings = KeycloakSettings()
    http: HttpSettings = HttpSettings()
    health: HealthSettings = HealthSettings()
    worker: WorkerSettings = WorkerSettings()
    limits: LimitSettings = LimitSettings()
    redis: RedisSettings = attrs.field(factory=RedisSettings)
    rabbitmq: RabbitSettings = attrs.field(factory=RabbitSettings)
    relay: RelayPolicy = attrs.field(factory=RelayPolicy)
    orders: OrderSettings = OrderSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    policy: Policy = attrs.field(factory=Policy)

    @property
    def development(self) -> bool:
        """
        Whether this is a developer's machine.
        """
        return self.environment is Environment.DEVELOPMENT
