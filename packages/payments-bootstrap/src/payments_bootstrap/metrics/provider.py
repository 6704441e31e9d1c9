"""
Counting what a provider is asked, and how it answers.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from typing_extensions import override

from payments_bootstrap.metrics.series import BREAKERS, CALLS, DELIVERIES, RETRIES, SECONDS
from payments_core.domain.facts import ProviderDispute, ProviderPayment, ProviderRefund
from payments_core.domain.money import Money
from payments_core.domain.requests import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    RefundCapture,
)
from payments_core.ports.errors import ProviderError, WebhookInvalid
from payments_core.ports.provider import IPaymentProvider, WebhookNotice, Window
from payments_stripe import IStripeWatch

T = TypeVar("T")


class CountedProvider(IPaymentProvider):
    """
    A provider whose calls are counted and timed; a listing counts as one call.
    """

    def __init__(self, counted: IPaymentProvider) -> None:
        self._counted = counted

    @property
    @override
    def name(self) -> str:
        return self._counted.name

    @override
    def check_amount(self, amount: Money) -> None:
        self._counted.check_amount(amount)

    @override
    def create_intent(self, request: CreateIntent, *, idempotency_key: str) -> ProviderPayment:
        with self._calling("create"):
            return self._counted.create_intent(request, idempotency_key=idempotency_key)

    @override
    def confirm(self, request: ConfirmIntent, *, idempotency_key: str) -> ProviderPayment:
        with self._calling("confirm"):
            return self._counted.confirm(request, idempotency_key=idempotency_key)

    @override
    def capture(self, request: CaptureIntent, *, idempotency_key: str) -> ProviderPayment:
        with self._calling("capture"):
            return self._counted.capture(request, idempotency_key=idempotency_key)

    @override
    def cancel(self, request: CancelIntent, *, idempotency_key: str) -> ProviderPayment:
        with self._calling("cancel"):
            return self._counted.cancel(request, idempotency_key=idempotency_key)

    @override
    def refund(self, request: RefundCapture, *, idempotency_key: str) -> ProviderRefund:
        with self._calling("refund"):
            return self._counted.refund(request, idempotency_key=idempotency_key)

    @override
    def retrieve(self, provider_payment_id: str) -> ProviderPayment:
        with self._calling("retrieve"):
            return self._counted.retrieve(provider_payment_id)

    @override
    def list_payments(self, window: Window) -> Iterator[ProviderPayment]:
        return self._listing("list_payments", self._counted.list_payments(window))

    @override
    def list_refunds(self, window: Window) -> Iterator[ProviderRefund]:
        return self._listing("list_refunds", self._counted.list_refunds(window))

    @override
    def list_events(self, window: Window) -> Iterator[WebhookNotice]:
        return self._listing("list_events", self._counted.list_events(window))

    @override
    def list_disputes(self, window: Window) -> Iterator[ProviderDispute]:
        return self._listing("list_disputes", self._counted.list_disputes(window))

    @override
    def refunds_of(self, provider_payment_id: str) -> tuple[ProviderRefund, ...]:
        with self._calling("refunds_of"):
            return self._counted.refunds_of(provider_payment_id)

    @override
    def parse_webhook(self, payload: bytes, headers: Mapping[str, str]) -> WebhookNotice:
        outcome = "verified"
        try:
            return self._counted.parse_webhook(payload, headers)
        except WebhookInvalid as error:
            outcome = error.code
            raise
        finally:
            DELIVERIES.labels(self.name, outcome).inc()

    @override
    def ping(self) -> None:
        with self._calling("ping"):
            self._counted.ping()

    @contextmanager
    def _calling(self, operation: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            with self._counting(operation):
                yield
        finally:
            SECONDS.labels(self.name, operation).observe(time.perf_counter() - began)

    @contextmanager
    def _counting(self, operation: str) -> Iterator[None]:
        outcome = "unexpected"
        try:
            yield
            outcome = "ok"
        except ProviderError as error:
            outcome = error.code
            raise
        finally:
            CALLS.labels(self.name, operation, outcome).inc()

    def _listing(self, operation: str, found: Iterator[T]) -> Iterator[T]:
        """
        Yield a listing, and count it at its end; how long its reader takes is not timed.
        """
        with self._counting(operation):
            yield from found


class CountedStripe(IStripeWatch):
    """
    Counts what happens within a call of Stripe.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    @override
    def repeats(self, reason: str) -> None:
        RETRIES.labels(self._name, reason).inc()

    @override
    def leaves_alone(self, *, so: bool) -> None:
        BREAKERS.labels(self._name).set(so)
