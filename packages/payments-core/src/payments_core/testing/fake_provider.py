"""
A payment provider in memory: the same promises as a real one, and it does as it is told.
"""

import hashlib
import hmac
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

import attrs
from typing_extensions import override

from payments_core.domain.errors import AmountNotSupported
from payments_core.domain.facts import (
    ProviderDispute,
    ProviderPayment,
    ProviderPaymentStatus,
    ProviderRefund,
    ProviderRefundStatus,
)
from payments_core.domain.failure import Failure
from payments_core.domain.money import Money
from payments_core.domain.requests import (
    CancelIntent,
    CaptureIntent,
    CaptureMethod,
    ConfirmIntent,
    CreateIntent,
    ProviderRequest,
    RefundCapture,
)
from payments_core.ports.clock import IClock, SystemClock
from payments_core.ports.errors import (
    ProviderConflict,
    ProviderDeclined,
    ProviderError,
    ProviderFailed,
    ProviderKeyMismatch,
    ProviderRejected,
    ProviderUnavailable,
    WebhookPayloadInvalid,
    WebhookSignatureInvalid,
    WebhookSignatureMissing,
    WebhookTimestampInvalid,
)
from payments_core.ports.provider import IPaymentProvider, NoticeTopic, WebhookNotice, Window

P = ProviderPaymentStatus
T = TypeVar("T", ProviderPayment, ProviderRefund)
Listed = TypeVar("Listed", ProviderPayment, ProviderRefund, WebhookNotice, ProviderDispute)

DECLINED: Final = Failure("card_declined", "Your card was declined.")
NO_AUTHENTICATION: Final = Failure(
    "authentication_failed", "The customer did not approve the payment."
)
LOST: Final = Failure("timeout", "The provider did not answer in time.")

APPROVED_METHOD: Final = "fake_approved"
DECLINED_METHOD: Final = "fake_declined"
ACTION_METHOD: Final = "fake_action"
PROCESSING_METHOD: Final = "fake_processing"

MAX_AMOUNT: Final = 99_999_999
"""
The largest amount that it takes, in minor units.
"""


@attrs.frozen
class Fault:
    """
    What goes wrong at the next call of one method.

    Attributes:
        method: The port's method, such as ``capture``.

        effect: Whether the work is done all the same: then only the answer is lost.
    """

    method: str
    effect: bool = True
    error: ProviderError = attrs.field(factory=lambda: ProviderUnavailable(LOST))


class FakePaymentProvider(IPaymentProvider):
    """
    Keeps payment objects, refunds and idempotency keys in memory, safely under threads.

    Payment methods decide what confirming does: `APPROVED_METHOD`, `DECLINED_METHOD`,
    `ACTION_METHOD` (the customer must approve: `approve` or `reject`) and
    `PROCESSING_METHOD` (the bank takes its time: `finish`).

    Attributes:
        calls: The name of each write that was received, in order.

        faults: What goes wrong next; each is used once.
    """

    def __init__(
        self, *, name: str = "fake", secret: str = "fake_secret", clock: IClock | None = None
    ) -> None:
        self._name = name
        self._secret = secret
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._payments: dict[str, ProviderPayment] = {}
        self._manual: set[str] = set()
        self._refunds: dict[str, ProviderRefund] = {}
        self._disputes: dict[str, ProviderDispute] = {}
        self._forgotten = 0
        self._events: dict[str, WebhookNotice] = {}
        self._answers: dict[str, tuple[ProviderRequest, object]] = {}
        self.calls: list[str] = []
        self.faults: deque[Fault] = deque()

    @property
    @override
    def name(self) -> str:
        return self._name

    @override
    def check_amount(self, amount: Money) -> None:
        if amount.minor_units > MAX_AMOUNT:
            raise AmountNotSupported(f"{self._name} takes at most {MAX_AMOUNT} minor units")

    # ------------------------------------------------------------ writes

    @override
    def create_intent(self, request: CreateIntent, *, idempotency_key: str) -> ProviderPayment:
        return self._once("create_intent", request, idempotency_key, lambda: self._create(request))

    @override
    def confirm(self, request: ConfirmIntent, *, idempotency_key: str) -> ProviderPayment:
        return self._once("confirm", request, idempotency_key, lambda: self._confirm(request))

    @override
    def capture(self, request: CaptureIntent, *, idempotency_key: str) -> ProviderPayment:
        return self._once("capture", request, idempotency_key, lambda: self._capture(request))

    @override
    def cancel(self, request: CancelIntent, *, idempotency_key: str) -> ProviderPayment:
        return self._once("cancel", request, idempotency_key, lambda: self._cancel(request))

    @override
    def refund(self, request: RefundCapture, *, idempotency_key: str) -> ProviderRefund:
        return self._once("refund", request, idempotency_key, lambda: self._refund(request))

    def _once(self, method: str, request: ProviderRequest, key: str, act: Callable[[], T]) -> T:
        with self._lock:
            self.calls.append(method)
            fault = self._fault(method)
            if fault and fault.effect:
                self._replay(request, key) or self._act(request, key, act)
            if fault:
                self._spend(request, key, fault.error)
                raise fault.error
            answer = self._replay(request, key) or self._act(request, key, act)
        if isinstance(answer, ProviderError):
            raise answer
        # The key was answered by this very method, so it is the same kind of object.
        return answer  # type: ignore[return-value]

    def _fault(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method:
                self.faults.remove(fault)
                return fault
        return None

    def _spend(self, request: ProviderRequest, key: str, error: ProviderError) -> None:
        if isinstance(error, ProviderFailed):
            self._answers[key] = (request, error)

    def _replay(self, request: ProviderRequest, key: str) -> object | None:
        before, answer = self._answers.get(key, (request, None))
        if before != request:
            reused = Failure("idempotency_error", "The key was used for another request.")
            raise ProviderKeyMismatch(reused)
        return answer

    def _act(self, request: ProviderRequest, key: str, act: Callable[[], T]) -> object:
        try:
            answer: object = act()
        except ProviderError as error:
            answer = error
        self._answers[key] = (request, answer)
        return answer

    def _create(self, request: CreateIntent) -> ProviderPayment:
        number = len(self._payments) + self._forgotten + 1
        nothing = Money.zero(request.amount.currency)
        payment = ProviderPayment(
            id=f"{self._name}_pi_{number}",
            status=P.REQUIRES_PAYMENT_METHOD,
            amount=request.amount,
            authorized=nothing,
            captured=nothing,
            created_at=self._clock.now(),
            client_secret=f"{self._name}_pi_{number}_secret",
            payment_id=request.payment_id,
            operation_id=request.operation_id,
        )
        if request.payment_method_id is not None:
            _behaviour(request.payment_method_id)
        if request.capture_method is CaptureMethod.MANUAL:
            self._manual.add(payment.id)
        self._keep(payment)
        return (
            self._try(payment, request.payment_method_id) if request.payment_method_id else payment
        )

    def _confirm(self, request: ConfirmIntent) -> ProviderPayment:
        payment = self._in_state(
            request.provider_payment_id, P.REQUIRES_PAYMENT_METHOD, P.REQUIRES_ACTION
        )
        if request.payment_method_id is None:
            raise ProviderRejected(Failure("parameter_missing", "A payment method is needed."))
        return self._try(payment, request.payment_method_id)

    def _try(self, payment: ProviderPayment, method: str) -> ProviderPayment:
        status, failure = _behaviour(method)
        url = f"https://{self._name}.example/approve/{payment.id}"
        payment = attrs.evolve(
            payment,
            status=status,
            failure=failure,
            redirect_url=url if status is P.REQUIRES_ACTION else None,
        )
        self._keep(payment)
        if failure:
            raise ProviderDeclined(failure, payment)
        return self._paid(payment) if status is P.SUCCEEDED else payment

    def _paid(self, payment: ProviderPayment) -> ProviderPayment:
        manual = payment.id in self._manual
        return self._keep(
            attrs.evolve(
                payment,
                status=P.REQUIRES_CAPTURE if manual else P.SUCCEEDED,
                authorized=payment.amount,
                captured=payment.captured if manual else payment.amount,
                redirect_url=None,
                failure=None,
            )
        )

    def _capture(self, request: CaptureIntent) -> ProviderPayment:
        payment = self._in_state(request.provider_payment_id, P.REQUIRES_CAPTURE)
        if request.amount > payment.authorized:
            raise ProviderRejected(Failure("amount_too_large", "More than is authorized."))
        rest = payment.authorized - request.amount
        if rest:
            self._release(payment, rest)
        return self._keep(attrs.evolve(payment, status=P.SUCCEEDED, captured=request.amount))

    def _cancel(self, request: CancelIntent) -> ProviderPayment:
        open_states = (P.REQUIRES_PAYMENT_METHOD, P.REQUIRES_ACTION, P.REQUIRES_CAPTURE)
        payment = self._in_state(request.provider_payment_id, *open_states)
        if payment.authorized:
            self._release(payment, payment.authorized)
        return self._keep(attrs.evolve(payment, status=P.CANCELED, redirect_url=None))

    def _refund(self, request: RefundCapture) -> ProviderRefund:
        payment = self._in_state(request.provider_payment_id, P.SUCCEEDED)
        gone = [r.amount.minor_units for r in self._returned(payment.id)]
        if request.amount.minor_units > payment.captured.minor_units - sum(gone):
            raise ProviderRejected(Failure("refund_too_large", "More than is left to refund."))
        return self._keep_refund(payment, request.amount, refund_id=request.refund_id)

    def _release(self, payment: ProviderPayment, amount: Money) -> None:
        self._keep_refund(payment, amount, releases_only=True)

    def _keep_refund(
        self,
        payment: ProviderPayment,
        amount: Money,
        *,
        refund_id: UUID | None = None,
        releases_only: bool = False,
    ) -> ProviderRefund:
        refund = ProviderRefund(
            id=f"{self._name}_re_{len(self._refunds) + self._forgotten + 1}",
            provider_payment_id=payment.id,
            status=ProviderRefundStatus.SUCCEEDED,
            amount=amount,
            created_at=self._clock.now(),
            releases_only=releases_only,
            refund_id=refund_id,
        )
        return self._keep_changed(refund)

    def _keep_changed(self, refund: ProviderRefund) -> ProviderRefund:
        self._refunds[refund.id] = refund
        self._tell(NoticeTopic.REFUND, refund.provider_payment_id)
        return refund

    def _keep(self, payment: ProviderPayment) -> ProviderPayment:
        self._payments[payment.id] = payment
        self._tell(NoticeTopic.PAYMENT, payment.id)
        return payment

    def _tell(self, topic: NoticeTopic, object_id: str) -> None:
        event_id = f"evt_{len(self._events) + 1}"
        self._note(_event(event_id, topic, object_id, self._clock.now()))

    def _note(self, payload: bytes) -> None:
        notice = _notice(payload)
        self._events.setdefault(notice.id, notice)

    def _in_state(self, object_id: str, *states: ProviderPaymentStatus) -> ProviderPayment:
        payment = self.retrieve(object_id)
        if payment.status not in states:
            raise ProviderConflict(Failure("unexpected_state", f"The payment is {payment.status}."))
        return payment

    def _returned(self, object_id: str) -> list[ProviderRefund]:
        gone = {ProviderRefundStatus.SUCCEEDED, ProviderRefundStatus.PENDING}
        return [r for r in self.refunds_of(object_id) if r.status in gone and not r.releases_only]

    # ------------------------------------------------------------ reads

    @override
    def retrieve(self, provider_payment_id: str) -> ProviderPayment:
        fault = self._fault("retrieve")
        if fault:
            raise fault.error
        try:
            return self._payments[provider_payment_id]
        except KeyError:
            missing = Failure("resource_missing", f"No such payment: {provider_payment_id}")
            raise ProviderRejected(missing) from None

    @override
    def list_payments(self, window: Window) -> Iterator[ProviderPayment]:
        return self._listed("list_payments", self._payments, window)

    @override
    def list_refunds(self, window: Window) -> Iterator[ProviderRefund]:
        return self._listed("list_refunds", self._refunds, window)

    @override
    def list_events(self, window: Window) -> Iterator[WebhookNotice]:
        return self._listed("list_events", self._events, window)

    @override
    def list_disputes(self, window: Window) -> Iterator[ProviderDispute]:
        return self._listed("list_disputes", self._disputes, window)

    def _listed(self, method: str, kept: Mapping[str, Listed], window: Window) -> Iterator[Listed]:
        fault = self._fault(method)
        found = [x for x in kept.values() if window.start <= x.created_at < window.end]
        newest_first = found[::-1]
        newest_first.sort(key=lambda x: x.created_at, reverse=True)
        for item in newest_first:
            yield item
            if fault:
                raise fault.error
        if fault:
            raise fault.error

    @override
    def refunds_of(self, provider_payment_id: str) -> tuple[ProviderRefund, ...]:
        fault = self._fault("refunds_of")
        if fault:
            raise fault.error
        every = self._refunds.values()
        return tuple(r for r in every if r.provider_payment_id == provider_payment_id)

    @override
    def ping(self) -> None:
        fault = self._fault("ping")
        if fault:
            raise fault.error

    # ------------------------------------------------------------ what others do

    def approve(self, provider_payment_id: str) -> ProviderPayment:
        """
        Let the customer approve a payment that waits for it.
        """
        with self._lock:
            return self._paid(self._in_state(provider_payment_id, P.REQUIRES_ACTION))

    def reject(self, provider_payment_id: str) -> ProviderPayment:
        """
        Let the customer refuse a payment that waits for approval.
        """
        with self._lock:
            payment = self._in_state(provider_payment_id, P.REQUIRES_ACTION)
            status = P.REQUIRES_PAYMENT_METHOD
            return self._keep(attrs.evolve(payment, status=status, failure=NO_AUTHENTICATION))

    def pay(self, provider_payment_id: str, method: str = APPROVED_METHOD) -> None:
        """
        Let the customer's browser try a payment method; a decline stays on the object.
        """
        with self._lock:
            payment = self.retrieve(provider_payment_id)
            try:
                self._try(payment, method)
            except ProviderDeclined:
                return

    def finish(self, provider_payment_id: str) -> ProviderPayment:
        """
        Let the bank complete a payment that is processing.
        """
        with self._lock:
            return self._paid(self._in_state(provider_payment_id, P.PROCESSING))

    def change(self, provider_payment_id: str, **changes: object) -> ProviderPayment:
        """
        Make an object say something else: an expired authorisation, another amount.
        """
        with self._lock:
            payment = self._payments[provider_payment_id]
            # evolve checks the names when it runs.
            return self._keep(attrs.evolve(payment, **changes))  # type: ignore[arg-type]

    def refund_outside(self, provider_payment_id: str, amount: Money) -> ProviderRefund:
        """
        Refund as a person does on the provider's own pages.
        """
        with self._lock:
            return self._keep_refund(self.retrieve(provider_payment_id), amount)

    def reverse(self, refund_id: str) -> ProviderRefund:
        """
        Let a refund come back from the customer's bank.
        """
        with self._lock:
            failure = Failure("lost_or_stolen_card", "The refund came back.")
            refund = self._refunds[refund_id]
            failed = attrs.evolve(refund, status=ProviderRefundStatus.FAILED, failure=failure)
            return self._keep_changed(failed)

    def forget(self, object_id: str) -> None:
        """
        Lose a payment object or a refund, as a provider never does: the account is another one.
        """
        with self._lock:
            kept = self._payments if object_id in self._payments else self._refunds
            del kept[object_id]
            self._forgotten += 1

    def put(self, payment: ProviderPayment) -> ProviderPayment:
        """
        Have an object that was made elsewhere.
        """
        with self._lock:
            return self._keep(payment)

    def dispute(self, provider_payment_id: str, reason: str = "fraudulent") -> ProviderDispute:
        """
        Let the customer dispute a charge.
        """
        with self._lock:
            dispute = ProviderDispute(
                id=f"{self._name}_dp_{len(self._disputes) + 1}",
                provider_payment_id=provider_payment_id,
                amount=self._payments[provider_payment_id].captured,
                reason=reason,
                status="needs_response",
                created_at=self._clock.now(),
            )
            self._disputes[dispute.id] = dispute
            return dispute

    # ------------------------------------------------------------ webhooks

    def webhook(
        self,
        provider_payment_id: str,
        topic: NoticeTopic = NoticeTopic.PAYMENT,
        *,
        event_id: str | None = None,
        at: datetime | None = None,
    ) -> tuple[bytes, dict[str, str]]:
        """
        Return a signed delivery about an object: raw bytes, and headers by lower-case name.
        """
        at = at or self._clock.now()
        event_id = event_id or f"evt_{len(self.calls)}_{provider_payment_id}_{topic}"
        payload = _event(event_id, topic, provider_payment_id, at)
        self._note(payload)
        return payload, {"fake-signature": self._sign(payload, at.timestamp())}

    def _sign(self, payload: bytes, at: float) -> str:
        signed = f"{at}.".encode() + payload
        return f"{at}:{hmac.new(self._secret.encode(), signed, hashlib.sha256).hexdigest()}"

    @override
    def parse_webhook(self, payload: bytes, headers: Mapping[str, str]) -> WebhookNotice:
        signature = headers.get("fake-signature")
        if not signature:
            raise WebhookSignatureMissing("The header Fake-Signature is missing")
        moment, _, _ = signature.partition(":")
        try:
            at = float(moment)
        except ValueError:
            raise WebhookSignatureInvalid("The signature cannot be read") from None
        if not hmac.compare_digest(self._sign(payload, at).encode(), signature.encode()):
            raise WebhookSignatureInvalid("No secret of ours made this signature")
        age = self._clock.now() - datetime.fromtimestamp(at, UTC)
        if not timedelta(seconds=-60) <= age <= timedelta(seconds=300):
            raise WebhookTimestampInvalid("The signature is too old, or from the future")
        return attrs.evolve(_notice(payload), headers=dict(headers))


def _event(event_id: str, topic: NoticeTopic, object_id: str, at: datetime) -> bytes:
    event = {
        "id": event_id,
        "type": f"{topic}.updated",
        "topic": topic,
        "payment": object_id,
        "created": at.timestamp(),
    }
    return json.dumps(event).encode()


def _notice(payload: bytes) -> WebhookNotice:
    try:
        event = json.loads(payload)
        return WebhookNotice(
            id=event["id"],
            type=event["type"],
            topic=NoticeTopic(event["topic"]),
            provider_payment_id=event["payment"],
            created_at=datetime.fromtimestamp(event["created"], UTC),
            payload=payload.decode(),
        )
    except (ValueError, KeyError, TypeError):
        raise WebhookPayloadInvalid("The signed body is no event") from None


def _behaviour(method: str) -> tuple[ProviderPaymentStatus, Failure | None]:
    table: Mapping[str, tuple[ProviderPaymentStatus, Failure | None]] = {
        APPROVED_METHOD: (P.SUCCEEDED, None),
        DECLINED_METHOD: (P.REQUIRES_PAYMENT_METHOD, DECLINED),
        ACTION_METHOD: (P.REQUIRES_ACTION, None),
        PROCESSING_METHOD: (P.PROCESSING, None),
    }
    try:
        return table[method]
    except KeyError:
        missing = Failure("resource_missing", f"No such payment method: {method}")
        raise ProviderRejected(missing) from None
