"""
What is counted where it happens. The labels have few values: no id and no address is one.

Series whose labels are known begin at zero: Prometheus sees no rise in the first value of one,
and an alert would miss the first time that something happens.
"""

from collections.abc import Collection
from itertools import product
from typing import Final

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.status import PaymentStatus
from payments_core.ports.errors import (
    ProviderConflict,
    ProviderDeclined,
    ProviderFailed,
    ProviderKeyMismatch,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderUnavailable,
    WebhookPayloadInvalid,
    WebhookSignatureInvalid,
    WebhookSignatureMissing,
    WebhookTimestampInvalid,
)

# A second series for each counter, which nobody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types

PATIENT: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
"""
Seconds of calls that may take twelve.
"""

LATE: Final = (1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400)
"""
Seconds of what should take one and may take a day.
"""

TRANSITIONS: Final = Counter(
    "payments_transitions",
    "Payments that came into a state, once for each time.",
    ("provider", "status"),
)
DISCREPANCIES: Final = Counter(
    "payments_discrepancies_found",
    "Differences from a provider that were news, by this process.",
    ("kind",),
)
CALLS: Final = Counter(
    "payments_provider_calls",
    "Calls of a provider, its own repeats included, by how they ended.",
    ("provider", "operation", "outcome"),
)
SECONDS: Final = Histogram(
    "payments_provider_call_duration_seconds",
    "How long a call of a provider took, repeats and waits included.",
    ("provider", "operation"),
    buckets=PATIENT,
)
RETRIES: Final = Counter(
    "payments_provider_retries",
    "Requests that were sent to a provider once more, by why.",
    ("provider", "reason"),
)
BREAKERS: Final = Gauge(
    "payments_provider_breakers_open",
    "Processes that leave a provider alone, since it did not answer them.",
    ("provider",),
    multiprocess_mode="livesum",
)
DELIVERIES: Final = Counter(
    "payments_webhook_deliveries",
    "Deliveries of webhooks, by whether the signature and the body were good.",
    ("provider", "outcome"),
)
EVENTS: Final = Counter(
    "payments_webhook_events",
    "Tries to process an event of a provider, by what became of it.",
    ("provider", "outcome"),
)
LAG: Final = Histogram(
    "payments_webhook_lag_seconds",
    "From an event at the provider to its effect here.",
    ("provider",),
    buckets=LATE,
)
RUNS: Final = Counter(
    "payments_worker_runs",
    "Runs of the worker's jobs, by whether they raised an error.",
    ("name", "outcome"),
)
LAST_RUN: Final = Gauge(
    "payments_worker_last_success_timestamp_seconds",
    "When a job of the worker last ended well.",
    ("name",),
)


OPERATIONS: Final = (
    "create",
    "confirm",
    "capture",
    "cancel",
    "refund",
    "retrieve",
    "refunds_of",
    "ping",
    "list_payments",
    "list_refunds",
    "list_events",
    "list_disputes",
)
OUTCOMES: Final = (
    "ok",
    "unexpected",
    ProviderDeclined.code,
    ProviderRejected.code,
    ProviderConflict.code,
    ProviderKeyMismatch.code,
    ProviderMisconfigured.code,
    ProviderUnavailable.code,
    ProviderFailed.code,
)
VERDICTS: Final = (
    "verified",
    WebhookSignatureMissing.code,
    WebhookSignatureInvalid.code,
    WebhookTimestampInvalid.code,
    WebhookPayloadInvalid.code,
)
FATES: Final = ("processed", "ignored", "parked", "failed", "dead")


def begin(providers: Collection[str]) -> None:
    """
    Let every series whose labels are known begin at zero.
    """
    for kind in DiscrepancyKind:
        DISCREPANCIES.labels(kind)
    for provider in providers:
        for status in PaymentStatus:
            TRANSITIONS.labels(provider, status)
        for operation, outcome in product(OPERATIONS, OUTCOMES):
            CALLS.labels(provider, operation, outcome)
        for verdict in VERDICTS:
            DELIVERIES.labels(provider, verdict)
        for fate in FATES:
            EVENTS.labels(provider, fate)
        BREAKERS.labels(provider).set(0)
        LAG.labels(provider)
