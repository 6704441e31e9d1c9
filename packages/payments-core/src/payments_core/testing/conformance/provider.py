"""
What every `IPaymentProvider` promises.
"""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid4

import attrs
import pytest

from payments_core.domain.errors import PaymentsError
from payments_core.domain.facts import (
    ProviderPayment,
    ProviderPaymentStatus,
    ProviderRefund,
    ProviderRefundStatus,
)
from payments_core.domain.money import Money
from payments_core.domain.requests import (
    CancelIntent,
    CancelReason,
    CaptureIntent,
    CaptureMethod,
    ConfirmIntent,
    CreateIntent,
    RefundCapture,
)
from payments_core.ports.errors import (
    ProviderConflict,
    ProviderDeclined,
    ProviderKeyMismatch,
    ProviderRejected,
    WebhookInvalid,
    WebhookSignatureInvalid,
    WebhookSignatureMissing,
)
from payments_core.ports.provider import IPaymentProvider, NoticeTopic, Window

P = ProviderPaymentStatus
TEN = Money.parse("10.00", "EUR")
FOUR = Money.parse("4.00", "EUR")
SIX = Money.parse("6.00", "EUR")
NOTHING = Money.zero("EUR")
RETURN_URL = "https://shop.example/back"


def a_key() -> str:
    """
    Return a fresh idempotency key.
    """
    return str(uuid4())


class ProviderConformance:
    """
    Subclass it, name the provider's test payment methods, and override the hooks.

    Attributes:
        approved: A payment method that pays at once.

        declined: One that is refused; its failure has the code `declined_code`.

        action: One that the customer must approve on a page.

        supports_partial_capture: Whether a part of what is authorised can be captured.
    """

    approved: ClassVar[str]
    declined: ClassVar[str]
    declined_code: ClassVar[str] = "card_declined"
    action: ClassVar[str]
    supports_partial_capture: ClassVar[bool] = True

    @pytest.fixture
    @abstractmethod
    def provider(self) -> IPaymentProvider:
        """
        Return the provider under test, empty or shared.
        """

    @abstractmethod
    def approve(self, payment: ProviderPayment) -> None:
        """
        Let the customer approve a payment that requires action.
        """

    @abstractmethod
    def reject(self, payment: ProviderPayment) -> None:
        """
        Let the customer refuse it.
        """

    @abstractmethod
    def delivery(self, payment: ProviderPayment) -> tuple[bytes, Mapping[str, str]]:
        """
        Return a genuine signed webhook about the payment: raw bytes, headers in lower case.
        """

    # ------------------------------------------------------------ steps

    def create(
        self, provider: IPaymentProvider, method: str | None = None, **changes: Any
    ) -> ProviderPayment:
        """
        Create a payment object of 10.00 EUR.
        """
        return provider.create_intent(self.request(method, **changes), idempotency_key=a_key())

    def request(self, method: str | None = None, **changes: Any) -> CreateIntent:
        """
        Return a request for 10.00 EUR.
        """
        fields: dict[str, Any] = {
            "payment_id": uuid4(),
            "operation_id": uuid4(),
            "order_id": uuid4(),
            "amount": TEN,
            "capture_method": CaptureMethod.AUTOMATIC,
            "payment_method_id": method,
            "return_url": RETURN_URL,
        }
        return CreateIntent(**fields | changes)

    def authorized(self, provider: IPaymentProvider) -> ProviderPayment:
        """
        Create a payment object whose money is reserved.
        """
        return self.create(provider, self.approved, capture_method=CaptureMethod.MANUAL)

    def refund(
        self, provider: IPaymentProvider, payment: ProviderPayment, amount: Money, **changes: Any
    ) -> ProviderRefund:
        """
        Refund a part of a payment.
        """
        fields: dict[str, Any] = {
            "payment_id": payment.payment_id,
            "operation_id": uuid4(),
            "refund_id": uuid4(),
            "provider_payment_id": payment.id,
            "amount": amount,
        }
        return provider.refund(RefundCapture(**fields | changes), idempotency_key=a_key())

    # ------------------------------------------------------------ create and confirm

    def test_has_a_name(self, provider: IPaymentProvider) -> None:
        """
        The name fits into an address: lower-case letters, digits and dashes.
        """
        assert provider.name
        assert set(provider.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")

    def test_ping_answers(self, provider: IPaymentProvider) -> None:
        """
        A provider that is there and accepts us is silent.
        """
        provider.ping()

    def test_create_without_method_waits_for_the_customer(self, provider: IPaymentProvider) -> None:
        """
        Without a payment method nothing is charged, and the browser gets a secret.
        """
        payment = self.create(provider)

        assert payment.status is P.REQUIRES_PAYMENT_METHOD
        assert payment.client_secret
        assert (payment.authorized, payment.captured) == (NOTHING, NOTHING)
        assert payment.failure is None

    def test_create_with_method_pays_in_one_call(self, provider: IPaymentProvider) -> None:
        """
        With a payment method the same call confirms and takes the money.
        """
        payment = self.create(provider, self.approved)

        assert payment.status is P.SUCCEEDED
        assert (payment.authorized, payment.captured) == (TEN, TEN)

    def test_create_echoes_what_it_is_for(self, provider: IPaymentProvider) -> None:
        """
        Amount, currency and our ids come back, in the reply and when read again.
        """
        request = self.request(self.approved)
        payment = provider.create_intent(request, idempotency_key=a_key())
        again = provider.retrieve(payment.id)

        for seen in (payment, again):
            assert seen.amount == request.amount
            assert seen.payment_id == request.payment_id
            assert seen.operation_id == request.operation_id
            assert seen.created_at.utcoffset() == timedelta(0)

    @pytest.mark.parametrize(
        ("amount", "currency"), [("500", "JPY"), ("5.250", "BHD"), ("700", "ISK"), ("4000", "UGX")]
    )
    def test_currencies_of_other_scales_round_trip(
        self, provider: IPaymentProvider, amount: str, currency: str
    ) -> None:
        """
        However the provider counts minor units, the amount that comes back is the same.
        """
        money = Money.parse(amount, currency)
        provider.check_amount(money)
        payment = self.create(provider, self.approved, amount=money)

        assert (payment.amount, payment.captured) == (money, money)

    def test_decline_is_told_with_the_object(self, provider: IPaymentProvider) -> None:
        """
        A declined attempt names its reason and the object that is left behind.
        """
        with pytest.raises(ProviderDeclined) as declined:
            self.create(provider, self.declined)

        assert declined.value.failure.code == self.declined_code
        assert declined.value.failure.message
        assert declined.value.payment is not None
        assert declined.value.payment.status is P.REQUIRES_PAYMENT_METHOD
        assert declined.value.payment.failure is not None

    def test_unknown_method_is_rejected(self, provider: IPaymentProvider) -> None:
        """
        A payment method that does not exist is a wrong request, not a decline.
        """
        with pytest.raises(ProviderRejected):
            self.create(provider, "pm_that_does_not_exist")

    def test_action_names_a_page_for_the_customer(self, provider: IPaymentProvider) -> None:
        """
        A payment that needs approval says where the customer must go; nothing is taken yet.
        """
        payment = self.create(provider, self.action)

        assert payment.status is P.REQUIRES_ACTION
        assert payment.redirect_url is not None
        assert payment.redirect_url.startswith("http")
        assert payment.captured == NOTHING

    def test_approved_action_pays(self, provider: IPaymentProvider) -> None:
        """
        After the customer approved, the object shows the money as taken.
        """
        payment = self.create(provider, self.action)
        self.approve(payment)
        after = provider.retrieve(payment.id)

        assert after.status is P.SUCCEEDED
        assert after.captured == TEN
        assert after.redirect_url is None

    def test_rejected_action_is_a_failure(self, provider: IPaymentProvider) -> None:
        """
        After the customer refused, the object waits for another method and says why.
        """
        payment = self.create(provider, self.action)
        self.reject(payment)
        after = provider.retrieve(payment.id)

        assert after.status is P.REQUIRES_PAYMENT_METHOD
        assert after.failure is not None
        assert after.captured == NOTHING

    def test_confirm_pays(self, provider: IPaymentProvider) -> None:
        """
        An object without a method is paid by confirming it with one.
        """
        payment = self.create(provider)
        request = ConfirmIntent(payment.id, self.approved, RETURN_URL)
        after = provider.confirm(request, idempotency_key=a_key())

        assert (after.id, after.status) == (payment.id, P.SUCCEEDED)

    def test_confirm_declined_can_be_tried_again(self, provider: IPaymentProvider) -> None:
        """
        A decline does not end the provider's object: another method may pay it.
        """
        payment = self.create(provider)
        with pytest.raises(ProviderDeclined):
            provider.confirm(
                ConfirmIntent(payment.id, self.declined, RETURN_URL), idempotency_key=a_key()
            )
        after = provider.confirm(
            ConfirmIntent(payment.id, self.approved, RETURN_URL), idempotency_key=a_key()
        )

        assert after.status is P.SUCCEEDED
        assert after.failure is None

    def test_confirm_of_a_paid_one_conflicts(self, provider: IPaymentProvider) -> None:
        """
        What is paid cannot be confirmed again: the caller must read the object.
        """
        payment = self.create(provider, self.approved)

        with pytest.raises(ProviderConflict):
            provider.confirm(
                ConfirmIntent(payment.id, self.approved, RETURN_URL), idempotency_key=a_key()
            )

    # ------------------------------------------------------------ idempotency keys

    def test_same_key_is_the_same_object(self, provider: IPaymentProvider) -> None:
        """
        The same request under the same key makes one object, however often it is sent.
        """
        request, key = self.request(self.approved), a_key()
        first = provider.create_intent(request, idempotency_key=key)
        second = provider.create_intent(request, idempotency_key=key)
        hour = Window(first.created_at - timedelta(hours=1), first.created_at + timedelta(hours=1))
        found = [p for p in provider.list_payments(hour) if p.payment_id == request.payment_id]

        assert second.id == first.id
        assert [p.id for p in found] == [first.id]

    def test_same_key_is_the_same_refund(self, provider: IPaymentProvider) -> None:
        """
        A refund that is sent twice under one key returns the money once.
        """
        payment = self.create(provider, self.approved)
        assert payment.payment_id is not None
        request = RefundCapture(payment.payment_id, uuid4(), uuid4(), payment.id, FOUR)
        key = a_key()
        first = provider.refund(request, idempotency_key=key)
        second = provider.refund(request, idempotency_key=key)

        assert second.id == first.id
        assert len(provider.refunds_of(payment.id)) == 1

    def test_same_key_for_another_request_is_refused(self, provider: IPaymentProvider) -> None:
        """
        A key is bound to its request; another request under it is a bug to be seen.
        """
        key = a_key()
        provider.create_intent(self.request(self.approved), idempotency_key=key)

        with pytest.raises(ProviderKeyMismatch):
            provider.create_intent(self.request(self.approved, amount=SIX), idempotency_key=key)

    def test_declined_key_stays_declined(self, provider: IPaymentProvider) -> None:
        """
        A decline is the key's answer for good: repeating it makes no second attempt.
        """
        request, key = self.request(self.declined), a_key()
        errors = []
        for _ in range(2):
            with pytest.raises(ProviderDeclined) as declined:
                provider.create_intent(request, idempotency_key=key)
            errors.append(declined.value)

        assert errors[0].payment is not None
        assert errors[1].payment is not None
        assert errors[0].payment.id == errors[1].payment.id

    # ------------------------------------------------------------ capture and cancel

    def test_manual_capture_reserves_first(self, provider: IPaymentProvider) -> None:
        """
        With manual capture confirming reserves the money and takes none.
        """
        payment = self.authorized(provider)

        assert payment.status is P.REQUIRES_CAPTURE
        assert (payment.authorized, payment.captured) == (TEN, NOTHING)

    def test_capture_takes_all(self, provider: IPaymentProvider) -> None:
        """
        Capturing what is reserved takes it.
        """
        payment = self.authorized(provider)
        after = provider.capture(CaptureIntent(payment.id, TEN), idempotency_key=a_key())

        assert (after.status, after.captured) == (P.SUCCEEDED, TEN)

    def test_capture_of_a_part_releases_the_rest(self, provider: IPaymentProvider) -> None:
        """
        A part is taken, the object still says what it was for, and the release is no refund.
        """
        if not self.supports_partial_capture:
            pytest.skip("the provider captures all or nothing")
        payment = self.authorized(provider)
        after = provider.capture(CaptureIntent(payment.id, FOUR), idempotency_key=a_key())
        refunds = provider.refunds_of(payment.id)

        assert (after.status, after.captured, after.amount) == (P.SUCCEEDED, FOUR, TEN)
        assert all(refund.releases_only for refund in refunds)

    def test_capture_of_too_much_is_refused(self, provider: IPaymentProvider) -> None:
        """
        No more than what is reserved can be taken.
        """
        payment = self.authorized(provider)
        request = CaptureIntent(payment.id, Money.parse("10.01", "EUR"))

        with pytest.raises(ProviderRejected):
            provider.capture(request, idempotency_key=a_key())

    def test_capture_twice_conflicts(self, provider: IPaymentProvider) -> None:
        """
        Under a new key a second capture takes nothing.
        """
        payment = self.authorized(provider)
        provider.capture(CaptureIntent(payment.id, TEN), idempotency_key=a_key())

        with pytest.raises(ProviderConflict):
            provider.capture(CaptureIntent(payment.id, TEN), idempotency_key=a_key())

    @pytest.mark.parametrize("method", [None, "action", "authorized"])
    def test_cancel_ends_what_took_no_money(
        self, provider: IPaymentProvider, method: str | None
    ) -> None:
        """
        An object that took no money can be cancelled, and no refund of ours comes of it.
        """
        if method == "authorized":
            payment = self.authorized(provider)
        else:
            payment = self.create(provider, self.action if method else None)
        request = CancelIntent(payment.id, CancelReason.REQUESTED)
        after = provider.cancel(request, idempotency_key=a_key())

        assert after.status is P.CANCELED
        assert after.captured == NOTHING
        assert not after.expired
        assert all(refund.releases_only for refund in provider.refunds_of(payment.id))

    def test_cancel_after_payment_conflicts(self, provider: IPaymentProvider) -> None:
        """
        Money that is taken is refunded, not cancelled.
        """
        payment = self.create(provider, self.approved)
        request = CancelIntent(payment.id, CancelReason.REQUESTED)

        with pytest.raises(ProviderConflict):
            provider.cancel(request, idempotency_key=a_key())

    # ------------------------------------------------------------ refunds

    def test_refund_of_a_part(self, provider: IPaymentProvider) -> None:
        """
        A part goes back; the refund names its payment and our id, also when listed.
        """
        payment = self.create(provider, self.approved)
        refund_id = uuid4()
        refund = self.refund(provider, payment, FOUR, refund_id=refund_id)
        listed = provider.refunds_of(payment.id)

        assert refund.status is ProviderRefundStatus.SUCCEEDED
        assert refund.amount == FOUR
        assert refund.refund_id == refund_id
        assert not refund.releases_only
        assert [r.id for r in listed] == [refund.id]
        assert listed[0].refund_id == refund_id
        assert not listed[0].releases_only

    def test_refund_does_not_lower_what_was_captured(self, provider: IPaymentProvider) -> None:
        """
        The object keeps saying what was taken, whatever went back.
        """
        payment = self.create(provider, self.approved)
        self.refund(provider, payment, FOUR)
        self.refund(provider, payment, SIX)
        after = provider.retrieve(payment.id)

        assert (after.status, after.captured) == (P.SUCCEEDED, TEN)

    def test_refund_of_too_much_is_refused(self, provider: IPaymentProvider) -> None:
        """
        No more goes back than was taken.
        """
        payment = self.create(provider, self.approved)
        self.refund(provider, payment, SIX)

        with pytest.raises((ProviderRejected, ProviderConflict)):
            self.refund(provider, payment, SIX)

    # ------------------------------------------------------------ reading

    def test_unknown_object_is_rejected(self, provider: IPaymentProvider) -> None:
        """
        Reading what does not exist is refused for good, not an outage.
        """
        with pytest.raises(ProviderRejected):
            provider.retrieve("pi_that_does_not_exist")

    def test_lists_what_the_window_holds(self, provider: IPaymentProvider) -> None:
        """
        Payments and refunds of the window are listed, newest first; others are not.
        """
        first = self.create(provider, self.approved)
        refund = self.refund(provider, first, FOUR)
        second = self.create(provider, self.approved)
        after = second.created_at + timedelta(seconds=2)
        now = Window(first.created_at - timedelta(seconds=1), after)
        later = Window(after, after + timedelta(hours=1))
        ids = [p.id for p in provider.list_payments(now)]

        assert ids.index(second.id) < ids.index(first.id)
        assert refund.id in [r.id for r in provider.list_refunds(now)]
        assert first.id not in [p.id for p in provider.list_payments(later)]
        assert refund.id not in [r.id for r in provider.list_refunds(later)]

    def test_lists_the_events_of_the_window(self, provider: IPaymentProvider) -> None:
        """
        What happened to payments and refunds is listed, newest first, without secrets.
        """
        payment = self.create(provider, self.approved)
        self.refund(provider, payment, FOUR)
        after = provider.retrieve(payment.id).created_at + timedelta(seconds=5)
        now = Window(payment.created_at - timedelta(seconds=1), after)
        events = list(provider.list_events(now))
        topics = [e.topic for e in events if e.provider_payment_id == payment.id]
        later = provider.list_events(Window(after, after + timedelta(hours=1)))

        assert set(topics) == {NoticeTopic.PAYMENT, NoticeTopic.REFUND}
        assert topics[-1] is NoticeTopic.PAYMENT
        assert len({e.id for e in events}) == len(events)
        assert [e.created_at for e in events] == sorted(
            (e.created_at for e in events), reverse=True
        )
        assert not any("_secret_" in e.payload for e in events)
        assert not list(later)

    def test_delivered_event_is_listed(self, provider: IPaymentProvider) -> None:
        """
        The list has the very event that a webhook brings, under the same id.
        """
        payment = self.create(provider, self.approved)
        brought = provider.parse_webhook(*self.delivery(payment))
        start = brought.created_at - timedelta(seconds=1)
        listed = provider.list_events(Window(start, brought.created_at + timedelta(seconds=1)))
        (found,) = [event for event in listed if event.id == brought.id]

        assert attrs.evolve(found, headers=brought.headers) == brought

    # ------------------------------------------------------------ webhooks

    def test_genuine_webhook_names_its_object(self, provider: IPaymentProvider) -> None:
        """
        A signed delivery is accepted and says which object it is about, without secrets.
        """
        payment = self.create(provider, self.approved)
        payload, headers = self.delivery(payment)
        notice = provider.parse_webhook(payload, headers)

        assert notice.topic is NoticeTopic.PAYMENT
        assert notice.provider_payment_id == payment.id
        assert notice.id
        assert notice.created_at <= datetime.now(UTC) + timedelta(days=1)
        assert "_secret_" not in notice.payload

    def test_unsigned_webhook_is_refused(self, provider: IPaymentProvider) -> None:
        """
        Without a signature nothing is believed.
        """
        payload, _ = self.delivery(self.create(provider, self.approved))

        with pytest.raises(WebhookSignatureMissing):
            provider.parse_webhook(payload, {})

    def test_tampered_webhook_is_refused(self, provider: IPaymentProvider) -> None:
        """
        One changed byte and the signature fits no more.
        """
        payload, headers = self.delivery(self.create(provider, self.approved))

        with pytest.raises(WebhookSignatureInvalid):
            provider.parse_webhook(payload + b" ", headers)

    @pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"{}"])
    def test_garbage_is_refused_not_a_crash(
        self, provider: IPaymentProvider, payload: bytes
    ) -> None:
        """
        Whatever arrives, the answer is one of the port's own errors.
        """
        _, headers = self.delivery(self.create(provider, self.approved))

        with pytest.raises(WebhookInvalid) as refused:
            provider.parse_webhook(payload, headers)
        assert isinstance(refused.value, PaymentsError)
