"""
What the core needs from a payment provider.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import attrs

from payments_core.domain.facts import ProviderDispute, ProviderPayment, ProviderRefund
from payments_core.domain.money import Money
from payments_core.domain.requests import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    RefundCapture,
)


@attrs.frozen
class Window:
    """
    A stretch of time: from `start`, which belongs to it, to `end`, which does not.
    """

    start: datetime
    end: datetime


class NoticeTopic(StrEnum):
    """
    What a webhook is about.
    """

    PAYMENT = "payment"
    REFUND = "refund"
    OTHER = "other"


@attrs.frozen
class WebhookNotice:
    """
    An event, by a verified webhook or out of the provider's list of them.

    It says which object changed; the state is read afresh.

    Attributes:
        id: The provider's event id, the same in each delivery.

        type: The provider's word for what happened.

        topic: OTHER for everything that changes no payment of ours.

        provider_payment_id: The payment object that it is about, where it names one.

        created_at: When it happened, by the provider's clock.

        payload: The body with every secret masked, to be stored.

        live: Whether it is about real money.

        headers: The headers with every secret masked; some of them are stored.
    """

    id: str
    type: str
    topic: NoticeTopic
    provider_payment_id: str | None
    created_at: datetime
    payload: str = attrs.field(repr=False)
    live: bool = False
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)


class IPaymentProvider(Protocol):
    """
    A payment processor as the core sees it.

    An implementation holds no state of ours and speaks core types only: no object and no
    exception of its SDK leaves it. It is safe to use from several threads. Every call
    that writes takes an idempotency key: the same key with the same request always means
    the same movement of money. Every call ends within the deadline of its settings.

    All methods may raise `ProviderUnavailable` (no usable answer; a write may or may
    not have happened) and `ProviderMisconfigured` (credentials refused). Writes may also
    raise `ProviderRejected` (refused for good, no effect), `ProviderConflict` (the object's
    state does not allow it: read it) and `ProviderKeyMismatch` (the key was used for
    another request).
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """
        The word by which payments and webhook addresses name it, such as ``stripe``.
        """

    @abstractmethod
    def check_amount(self, amount: Money) -> None:
        """
        Accept an amount that the provider can take; no call is made.

        Raises:
            AmountNotSupported: It cannot, in this currency.
        """

    @abstractmethod
    def create_intent(self, request: CreateIntent, *, idempotency_key: str) -> ProviderPayment:
        """
        Create a payment object; with a payment method in the request, also confirm it.

        The ids in the request are stored with the object and come back in each answer.

        Raises:
            ProviderDeclined: It was created, and confirming it was declined.
        """

    @abstractmethod
    def confirm(self, request: ConfirmIntent, *, idempotency_key: str) -> ProviderPayment:
        """
        Try to charge or authorise.

        Raises:
            ProviderDeclined: The attempt was made and failed.
        """

    @abstractmethod
    def capture(self, request: CaptureIntent, *, idempotency_key: str) -> ProviderPayment:
        """
        Take all or part of what is authorised; the rest is released.
        """

    @abstractmethod
    def cancel(self, request: CancelIntent, *, idempotency_key: str) -> ProviderPayment:
        """
        Cancel an object that took no money.
        """

    @abstractmethod
    def refund(self, request: RefundCapture, *, idempotency_key: str) -> ProviderRefund:
        """
        Return money of a captured payment.
        """

    @abstractmethod
    def retrieve(self, provider_payment_id: str) -> ProviderPayment:
        """
        Return the payment object as it is now.

        Raises:
            ProviderRejected: There is no such object.
        """

    @abstractmethod
    def list_payments(self, window: Window) -> Iterator[ProviderPayment]:
        """
        Yield every payment object created in the window, newest first, page by page.

        An error in the middle is raised, never passed over: what was yielded is then no
        complete list, and proves the absence of nothing.
        """

    @abstractmethod
    def list_refunds(self, window: Window) -> Iterator[ProviderRefund]:
        """
        Yield every refund object created in the window, as `list_payments` does.
        """

    @abstractmethod
    def list_events(self, window: Window) -> Iterator[WebhookNotice]:
        """
        Yield every event about payments and refunds that happened in the window, newest first.

        They are the very events that webhooks bring, with the same ids, whether or not
        those arrived; so whoever compares finds what was lost on the way. A provider keeps
        events for a limited time only. Errors are as of `list_payments`.
        """

    @abstractmethod
    def list_disputes(self, window: Window) -> Iterator[ProviderDispute]:
        """
        Yield every dispute opened in the window, as `list_payments` does.
        """

    @abstractmethod
    def refunds_of(self, provider_payment_id: str) -> tuple[ProviderRefund, ...]:
        """
        Return every refund object of one payment object.
        """

    @abstractmethod
    def parse_webhook(self, payload: bytes, headers: Mapping[str, str]) -> WebhookNotice:
        """
        Verify a delivery by its signature over the raw bytes, and read it.

        Args:
            headers: By lower-case name.

        Raises:
            WebhookSignatureMissing: It is not signed.
            WebhookSignatureInvalid: By none of our secrets.
            WebhookTimestampInvalid: Too long ago, or in the future.
            WebhookPayloadInvalid: What is signed is no event.
        """

    @abstractmethod
    def ping(self) -> None:
        """
        Return if the provider answers and accepts our credentials.
        """
