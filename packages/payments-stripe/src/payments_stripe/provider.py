"""
Stripe as the core sees it: every call of the port, and nothing else.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar

import stripe
from typing_extensions import override

from payments_core.domain.errors import AmountNotSupported
from payments_core.domain.facts import ProviderDispute, ProviderPayment, ProviderRefund
from payments_core.domain.failure import Failure
from payments_core.domain.money import Money
from payments_core.domain.requests import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    RefundCapture,
)
from payments_core.ports.clock import IClock, SystemClock
from payments_core.ports.errors import ProviderDeclined, ProviderError, ProviderRejected
from payments_core.ports.provider import IPaymentProvider, WebhookNotice, Window
from payments_stripe.breaker import CircuitBreaker
from payments_stripe.calls import Calls, Json
from payments_stripe.errors import core_error, is_replay, unreadable
from payments_stripe.money import check_amount
from payments_stripe.parameters import (
    cancel_params,
    capture_params,
    confirm_params,
    create_params,
    disputes_page,
    events_page,
    payments_page,
    refund_params,
    refunds_page,
)
from payments_stripe.settings import StripeSettings
from payments_stripe.translators import dispute_of, is_foreign, page_of, payment_of, refund_of
from payments_stripe.transport import Transport
from payments_stripe.watch import IStripeWatch
from payments_stripe.webhook import EVENT_TYPES, Webhooks

T = TypeVar("T")

INTENTS: Final = "payment_intents"
REFUNDS: Final = "refunds"


class StripePaymentProvider(IPaymentProvider):
    """
    Takes payments with one Stripe account. Safe to use from several threads.

    Args:
        name: The word for it in payments and webhook addresses, if there are several.

        clock: Tells how old a webhook is.

        transport: How requests are sent; made from the settings when not given.

        watch: Hears what happens within a call.
    """

    def __init__(
        self,
        settings: StripeSettings,
        *,
        name: str = "stripe",
        clock: IClock | None = None,
        transport: Transport | None = None,
        watch: IStripeWatch | None = None,
    ) -> None:
        self._name = name
        self._settings = settings
        self._transport = transport or Transport(settings, watch=watch)
        self._breaker = CircuitBreaker(
            settings.breaker_failures, settings.breaker_pause, watch=watch
        )
        self._webhooks = Webhooks(settings, clock or SystemClock())
        self._calls = Calls(settings, self._transport)

    @property
    @override
    def name(self) -> str:
        return self._name

    @override
    def check_amount(self, amount: Money) -> None:
        check_amount(amount)

    @override
    def create_intent(self, request: CreateIntent, *, idempotency_key: str) -> ProviderPayment:
        _require_sendable(request.amount)
        return self._write(params=create_params(request), key=idempotency_key)

    @override
    def confirm(self, request: ConfirmIntent, *, idempotency_key: str) -> ProviderPayment:
        id_, params = request.provider_payment_id, confirm_params(request)
        return self._write(id_, "confirm", params=params, key=idempotency_key)

    @override
    def capture(self, request: CaptureIntent, *, idempotency_key: str) -> ProviderPayment:
        _require_sendable(request.amount)
        id_, params = request.provider_payment_id, capture_params(request)
        return self._write(id_, "capture", params=params, key=idempotency_key)

    @override
    def cancel(self, request: CancelIntent, *, idempotency_key: str) -> ProviderPayment:
        id_, params = request.provider_payment_id, cancel_params(request)
        return self._write(id_, "cancel", params=params, key=idempotency_key)

    @override
    def refund(self, request: RefundCapture, *, idempotency_key: str) -> ProviderRefund:
        _require_sendable(request.amount)
        params = refund_params(request)
        with self._calling():
            answer = self._calls.post(REFUNDS, params=params, key=idempotency_key)
            refund: Any = answer.data
            if is_replay(answer.headers):
                refund = self._calls.get(REFUNDS, refund["id"], params={"expand": ["charge"]})
            return refund_of(refund)

    @override
    def retrieve(self, provider_payment_id: str) -> ProviderPayment:
        with self._calling():
            return self._read(provider_payment_id)

    @override
    def list_payments(self, window: Window) -> Iterator[ProviderPayment]:
        return self._pages(INTENTS, partial(payments_page, window), payment_of)

    @override
    def list_refunds(self, window: Window) -> Iterator[ProviderRefund]:
        return self._pages(REFUNDS, partial(refunds_page, window=window), refund_of)

    @override
    def list_events(self, window: Window) -> Iterator[WebhookNotice]:
        asked = partial(events_page, window, EVENT_TYPES)
        return self._pages("events", asked, self._webhooks.read, skip=lambda _: False)

    @override
    def list_disputes(self, window: Window) -> Iterator[ProviderDispute]:
        return self._pages("disputes", partial(disputes_page, window), dispute_of)

    @override
    def refunds_of(self, provider_payment_id: str) -> tuple[ProviderRefund, ...]:
        asked = partial(refunds_page, payment_intent=provider_payment_id)
        with self._transport.within(self._settings.deadline):
            return tuple(self._pages(REFUNDS, asked, refund_of))

    @override
    def parse_webhook(self, payload: bytes, headers: Mapping[str, str]) -> WebhookNotice:
        return self._webhooks.parse(payload, headers)

    @override
    def ping(self) -> None:
        # What the adapter needs anyway, so that a restricted key needs no more for it.
        with self._calling():
            self._calls.get(INTENTS, params={"limit": 1})

    def close(self) -> None:
        """
        Close the connections that are kept open.
        """
        self._transport.close()

    @contextmanager
    def _calling(self) -> Iterator[None]:
        """
        Let a block ask Stripe within the deadline; only the port's errors leave it.
        """
        with self._breaker.watching(), self._transport.within(self._settings.deadline):
            try:
                yield
            except stripe.StripeError as error:
                # Not chained: the SDK's errors hold whole bodies, secrets included.
                raise core_error(error) from None
            except ProviderError:
                raise
            except Exception as error:
                raise unreadable(error) from error

    def _write(self, *path: str, params: Json, key: str) -> ProviderPayment:
        """
        Send a write to PaymentIntents, and return the object as it is now.

        An answer that Stripe gives again, under a used key, is a snapshot of the first
        time: the object is read then.
        """
        with self._calling():
            try:
                answer = self._calls.post(INTENTS, *path, params=params, key=key)
            except stripe.StripeError as error:
                raise self._refusal(error) from None
            intent: Any = answer.data
            return self._read(intent["id"]) if is_replay(answer.headers) else payment_of(intent)

    def _refusal(self, error: stripe.StripeError) -> ProviderError:
        refusal = core_error(error)
        again = is_replay(error.headers or {})
        if again and isinstance(refusal, ProviderDeclined) and refusal.payment:
            refusal.payment = self._read(refusal.payment.id)
        return refusal

    def _read(self, provider_payment_id: str) -> ProviderPayment:
        return payment_of(self._calls.get(INTENTS, provider_payment_id))

    def _pages(
        self,
        listing: str,
        asked: Callable[[str | None], Json],
        translate: Callable[[Json], T],
        skip: Callable[[Json], bool] = is_foreign,
    ) -> Iterator[T]:
        """
        Yield what a listing holds, a page at a time; each page has the deadline of one call.

        Args:
            asked: Returns the parameters of the page after an id, or of the first.
        """
        after: str | None = None
        more = True
        while more:
            with self._calling():
                items, more = page_of(self._calls.get(listing, params=asked(after)))
                found = [translate(item) for item in items if not skip(item)]
                after = _last(items, after) if more else None
            yield from found


def _last(items: Sequence[Json], before: str | None) -> str:
    """
    Return the id after which the next page begins.

    Raises:
        ValueError: It would be the same page for ever.
    """
    last = str(items[-1]["id"])
    if last == before:
        raise ValueError("the listing does not go on")
    return last


def _require_sendable(amount: Money) -> None:
    """
    Refuse an amount that cannot be sent, in the words of a provider's refusal.

    Raises:
        ProviderRejected: Nothing was sent.
    """
    try:
        check_amount(amount)
    except AmountNotSupported as error:
        raise ProviderRejected(Failure(error.code, str(error))) from error
