"""
The paper bank as a payment provider: calls, translations and refusals, as a real adapter has them.
"""

import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NoReturn
from uuid import UUID

import attrs
from typing_extensions import override

from examples.paper_bank.bank import BankError, PaperBank, Record
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
    RefundCapture,
)
from payments_core.ports.errors import (
    ProviderConflict,
    ProviderDeclined,
    ProviderError,
    ProviderKeyMismatch,
    ProviderRejected,
    ProviderUnavailable,
    WebhookPayloadInvalid,
    WebhookSignatureInvalid,
    WebhookSignatureMissing,
)
from payments_core.ports.provider import IPaymentProvider, NoticeTopic, WebhookNotice, Window

P = ProviderPaymentStatus
STATES: Final = {
    "new": P.REQUIRES_PAYMENT_METHOD,
    "asks": P.REQUIRES_ACTION,
    "held": P.REQUIRES_CAPTURE,
    "paid": P.SUCCEEDED,
    "void": P.CANCELED,
}
REFUSALS: Final[Mapping[str, type[ProviderError]]] = {
    "key_reused": ProviderKeyMismatch,
    "wrong_state": ProviderConflict,
    "no_such_method": ProviderRejected,
    "no_such_payment": ProviderRejected,
    "too_much": ProviderRejected,
}
TOPICS: Final = {"payment": NoticeTopic.PAYMENT, "return": NoticeTopic.REFUND}
LARGEST: Final = 99_999_999


@attrs.frozen
class PaperBankProvider(IPaymentProvider):
    """
    Takes payments at the paper bank.
    """

    bank: PaperBank

    @property
    @override
    def name(self) -> str:
        return "paperbank"

    @override
    def check_amount(self, amount: Money) -> None:
        if amount.minor_units > LARGEST:
            raise AmountNotSupported(f"the paper bank takes at most {LARGEST} minor units")

    @override
    def create_intent(self, request: CreateIntent, *, idempotency_key: str) -> ProviderPayment:
        record = {
            "cents": request.amount.minor_units,
            "currency": request.amount.currency,
            "hold": request.capture_method is CaptureMethod.MANUAL,
            # Our ids come back with every fact: recovery and webhooks find the payment by them.
            "payment_id": str(request.payment_id),
            "operation_id": str(request.operation_id),
        }
        method = request.payment_method_id
        return self._write(idempotency_key, request, lambda: self.bank.open(record, method))

    @override
    def confirm(self, request: ConfirmIntent, *, idempotency_key: str) -> ProviderPayment:
        number, method = request.provider_payment_id, request.payment_method_id
        return self._write(idempotency_key, request, lambda: self.bank.pay(number, method))

    @override
    def capture(self, request: CaptureIntent, *, idempotency_key: str) -> ProviderPayment:
        number, cents = request.provider_payment_id, request.amount.minor_units
        return self._write(idempotency_key, request, lambda: self.bank.take(number, cents))

    @override
    def cancel(self, request: CancelIntent, *, idempotency_key: str) -> ProviderPayment:
        number = request.provider_payment_id
        return self._write(idempotency_key, request, lambda: self.bank.void(number))

    @override
    def refund(self, request: RefundCapture, *, idempotency_key: str) -> ProviderRefund:
        number, cents = request.provider_payment_id, request.amount.minor_units
        try:
            given = self.bank.once(
                idempotency_key,
                request,
                lambda: self.bank.give_back(number, cents, str(request.refund_id)),
            )
        except BankError as error:
            _raise(error)
        return refund_of(given)

    @override
    def retrieve(self, provider_payment_id: str) -> ProviderPayment:
        try:
            return payment_of(self.bank.find(provider_payment_id))
        except BankError as error:
            _raise(error)

    @override
    def list_payments(self, window: Window) -> Iterator[ProviderPayment]:
        return map(payment_of, _within(self.bank.payments.values(), window))

    @override
    def list_refunds(self, window: Window) -> Iterator[ProviderRefund]:
        return map(refund_of, _within(self.bank.returns.values(), window))

    @override
    def list_events(self, window: Window) -> Iterator[WebhookNotice]:
        events = _within(self.bank.events, window)
        return (notice_of(json.dumps(event).encode(), {}) for event in events)

    @override
    def list_disputes(self, window: Window) -> Iterator[ProviderDispute]:
        return iter(())

    @override
    def refunds_of(self, provider_payment_id: str) -> tuple[ProviderRefund, ...]:
        every = self.bank.returns.values()
        return tuple(refund_of(r) for r in every if r["payment"] == provider_payment_id)

    @override
    def parse_webhook(self, payload: bytes, headers: Mapping[str, str]) -> WebhookNotice:
        seal = headers.get("paper-seal")
        if not seal:
            raise WebhookSignatureMissing("the header Paper-Seal is missing")
        if not hmac.compare_digest(self.bank.seal(payload).encode(), seal.encode()):
            raise WebhookSignatureInvalid("the seal is not the bank's")
        return notice_of(payload, headers)

    @override
    def ping(self) -> None:
        """
        Return: paper is always there.
        """

    def _write(self, key: str, request: object, act: Callable[[], Record]) -> ProviderPayment:
        try:
            return payment_of(self.bank.once(key, request, act))
        except BankError as error:
            _raise(error)


def payment_of(record: Record) -> ProviderPayment:
    """
    Return a payment of the bank in the core's words; a state that is not known is still at work.
    """
    currency = record["currency"]
    asks = record["state"] == "asks"
    return ProviderPayment(
        id=record["id"],
        status=STATES.get(record["state"], P.PROCESSING),
        amount=Money.from_minor(record["cents"], currency),
        authorized=Money.from_minor(record["held"], currency),
        captured=Money.from_minor(record["taken"], currency),
        created_at=_moment(record),
        client_secret=record["word"],
        redirect_url=f"https://paper.example/sign/{record['id']}" if asks else None,
        failure=_failure(record["error"]) if record["error"] else None,
        payment_id=UUID(record["payment_id"]),
        operation_id=UUID(record["operation_id"]),
    )


def refund_of(record: Record) -> ProviderRefund:
    """
    Return what the bank gave back in the core's words.
    """
    return ProviderRefund(
        id=record["id"],
        provider_payment_id=record["payment"],
        status=ProviderRefundStatus.SUCCEEDED,
        amount=Money.from_minor(record["cents"], record["currency"]),
        created_at=_moment(record),
        refund_id=UUID(record["reference"]),
    )


def notice_of(payload: bytes, headers: Mapping[str, str]) -> WebhookNotice:
    """
    Return which payment an event is about.

    Raises:
        WebhookPayloadInvalid: It is no event.
    """
    try:
        event = json.loads(payload)
        return WebhookNotice(
            id=event["id"],
            type=f"{event['about']}.changed",
            topic=TOPICS.get(event["about"], NoticeTopic.OTHER),
            provider_payment_id=event["payment"],
            created_at=_moment(event),
            payload=payload.decode(),
            headers=dict(headers),
        )
    except (ValueError, KeyError, TypeError):
        raise WebhookPayloadInvalid("what is sealed is no event") from None


def _raise(error: BankError) -> NoReturn:
    """
    Raise the port's error; what is in no row proves nothing.
    """
    if error.record:
        raise ProviderDeclined(_failure(error.code), payment_of(error.record)) from None
    raise REFUSALS.get(error.code, ProviderUnavailable)(_failure(error.code)) from None


def _failure(code: str) -> Failure:
    return Failure(code, f"The paper bank says {code.replace('_', ' ')}.")


def _moment(record: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(record["made"], UTC)


def _within(records: Iterable[Record], window: Window) -> Iterator[Record]:
    found = [record for record in records if window.start <= _moment(record) < window.end]
    return iter(found[::-1])
