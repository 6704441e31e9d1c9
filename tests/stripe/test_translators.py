"""
What Stripe's objects mean to the core.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from payments_core.domain.facts import ProviderPaymentStatus, ProviderRefundStatus
from payments_core.domain.failure import Failure
from payments_core.domain.money import Money
from payments_stripe.translators import failure_of, is_foreign, payment_of, refund_of
from tests.stripe.shapes import (
    OPERATION_ID,
    PAYMENT_ID,
    REFUND_ID,
    a_charge,
    a_refund,
    an_intent,
)

TEN = Money.parse("10.00", "EUR")
FOUR = Money.parse("4.00", "EUR")
NOTHING = Money.zero("EUR")


def test_paid_intent() -> None:
    """
    A paid PaymentIntent shows what was taken, when it was made and whose it is.
    """
    payment = payment_of(an_intent())

    assert payment.id == "pi_1"
    assert payment.status is ProviderPaymentStatus.SUCCEEDED
    assert (payment.amount, payment.authorized, payment.captured) == (TEN, TEN, TEN)
    assert payment.created_at == datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
    assert payment.created_at.tzinfo is UTC
    assert (payment.payment_id, payment.operation_id) == (PAYMENT_ID, OPERATION_ID)


P = ProviderPaymentStatus

PAYMENT_STATUSES = {
    "requires_payment_method": P.REQUIRES_PAYMENT_METHOD,
    "requires_confirmation": P.REQUIRES_CONFIRMATION,
    "requires_action": P.REQUIRES_ACTION,
    "processing": P.PROCESSING,
    "requires_capture": P.REQUIRES_CAPTURE,
    "succeeded": P.SUCCEEDED,
    "canceled": P.CANCELED,
}


@pytest.mark.parametrize(("status", "expected"), PAYMENT_STATUSES.items())
def test_payment_statuses(status: str, expected: ProviderPaymentStatus) -> None:
    """
    Each of Stripe's seven words has its meaning.
    """
    assert payment_of(an_intent(status=status)).status is expected


def test_every_payment_status_is_reached() -> None:
    """
    The core has no state of a provider's object that Stripe's words cannot bring about.
    """
    reached = {payment_of(an_intent(status=status)).status for status in PAYMENT_STATUSES}

    assert reached == set(ProviderPaymentStatus)


def test_unknown_payment_status_is_processing() -> None:
    """
    A status that Stripe may add one day says nothing final.
    """
    payment = payment_of(an_intent(status="requires_tea"))

    assert payment.status is ProviderPaymentStatus.PROCESSING


@pytest.mark.parametrize(
    ("capturable", "received", "authorized", "captured"),
    [
        (0, 0, NOTHING, NOTHING),
        (1000, 0, TEN, NOTHING),
        (0, 1000, TEN, TEN),
        (0, 400, FOUR, FOUR),
        (600, 400, TEN, FOUR),
    ],
)
def test_authorized_is_what_is_held_and_what_was_taken(
    capturable: int, received: int, authorized: Money, captured: Money
) -> None:
    """
    What is held and what was taken add up to what is authorised at least.
    """
    payment = payment_of(an_intent(amount_capturable=capturable, amount_received=received))

    assert (payment.authorized, payment.captured) == (authorized, captured)


@pytest.mark.parametrize(
    ("reason", "expired"),
    [
        ("automatic", True),
        ("expired", True),
        ("requested_by_customer", False),
        ("abandoned", False),
        (None, False),
    ],
)
def test_expired_is_what_stripe_cancelled_itself(reason: str | None, *, expired: bool) -> None:
    """
    Only a reason that Stripe gives itself means that the hold ran out.
    """
    payment = payment_of(an_intent(status="canceled", cancellation_reason=reason))

    assert payment.expired is expired


@pytest.mark.parametrize(
    ("action", "url"),
    [
        (None, None),
        ({"type": "use_stripe_sdk", "use_stripe_sdk": {"stripe_js": "https://x"}}, None),
        (
            {"type": "redirect_to_url", "redirect_to_url": {"url": "https://hooks.stripe.com/3d"}},
            "https://hooks.stripe.com/3d",
        ),
    ],
)
def test_redirect_url_is_where_the_customer_must_go(
    action: dict[str, Any] | None, url: str | None
) -> None:
    """
    Only an action that is a page has an address.
    """
    assert payment_of(an_intent(next_action=action)).redirect_url == url


@pytest.mark.parametrize("metadata", [{}, None, {"payment_id": "order 66"}, {"payment_id": ""}])
def test_objects_of_others_have_no_ids_of_ours(metadata: Any) -> None:
    """
    Metadata that others wrote is not taken for ours.
    """
    payment = payment_of(an_intent(metadata=metadata))

    assert (payment.payment_id, payment.operation_id) == (None, None)


def test_secrets_are_in_no_repr() -> None:
    """
    A payment can be logged.
    """
    assert "secret" not in repr(payment_of(an_intent())).replace("client_secret", "")


@pytest.mark.parametrize("decline_code", ["lost_card", "stolen_card", "fraudulent"])
def test_failure_does_not_tell_what_the_bank_suspects(decline_code: str) -> None:
    """
    Stripe asks never to show that a card is reported lost or stolen.
    """
    error = {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": decline_code,
        "message": "Your card was declined.",
    }

    assert failure_of(error) == Failure("card_declined", "Your card was declined.")


@pytest.mark.parametrize("error", [None, {}])
def test_no_error_is_no_failure(error: Any) -> None:
    """
    An object whose last attempt did not fail has no failure.
    """
    assert failure_of(error) is None


def test_failure_has_a_code_and_a_message_whatever_is_missing() -> None:
    """
    Both fields are always there to be shown.
    """
    failure = failure_of({"type": "api_error"})

    assert failure == Failure("api_error", "Stripe gave no reason.")


def test_refund_of_ours() -> None:
    """
    A refund shows its payment, its amount and our id.
    """
    refund = refund_of(a_refund())

    assert (refund.id, refund.provider_payment_id) == ("re_1", "pi_1")
    assert refund.status is ProviderRefundStatus.SUCCEEDED
    assert (refund.amount, refund.refund_id) == (FOUR, REFUND_ID)
    assert refund.created_at == datetime(2027, 1, 15, 8, 1, 40, tzinfo=UTC)
    assert not refund.releases_only


REFUND_STATUSES = {
    "succeeded": ProviderRefundStatus.SUCCEEDED,
    "pending": ProviderRefundStatus.PENDING,
    "failed": ProviderRefundStatus.FAILED,
    "canceled": ProviderRefundStatus.CANCELED,
    "requires_action": ProviderRefundStatus.PENDING,
    "teatime": ProviderRefundStatus.PENDING,
}


@pytest.mark.parametrize(("status", "expected"), REFUND_STATUSES.items())
def test_refund_statuses(status: str, expected: ProviderRefundStatus) -> None:
    """
    What is not final is pending, known or not.
    """
    assert refund_of(a_refund(status=status)).status is expected


def test_every_refund_status_is_reached() -> None:
    """
    The core has no state of a provider's refund that Stripe's words cannot bring about.
    """
    reached = {refund_of(a_refund(status=status)).status for status in REFUND_STATUSES}

    assert reached == set(ProviderRefundStatus)


def test_failed_refund_says_why() -> None:
    """
    Stripe's reason is the code, and reads as a sentence.
    """
    refund = refund_of(a_refund(status="failed", failure_reason="expired_or_canceled_card"))

    assert refund.failure is not None
    assert refund.failure.code == "expired_or_canceled_card"
    assert "expired or canceled card" in refund.failure.message


def test_refund_with_an_expanded_intent() -> None:
    """
    The payment is named by its id, expanded or not.
    """
    assert refund_of(a_refund(payment_intent=an_intent())).provider_payment_id == "pi_1"


VOID: dict[str, Any] = {"metadata": {}, "balance_transaction": None, "amount": 1000}
REST = VOID | {"amount": 600}
PARTLY = a_charge(amount_captured=400)


@pytest.mark.parametrize(
    ("changes", "releases"),
    [
        (VOID | {"charge": a_charge(captured=False, amount_captured=0)}, True),
        (REST | {"charge": PARTLY}, True),
        (VOID | {"reason": "expired_uncaptured_charge", "charge": "ch_1"}, True),
        # Money was moved, whoever moved it.
        (REST | {"charge": PARTLY, "balance_transaction": "txn_2"}, False),
        # Ours, whatever else is true of it.
        (REST | {"charge": PARTLY, "metadata": {"refund_id": str(REFUND_ID)}}, False),
        # Not booked yet, but of another amount than what was released.
        (REST | {"charge": PARTLY, "amount": 100}, False),
        # Still on its way: a release is done at once.
        (REST | {"charge": PARTLY, "status": "pending"}, False),
        # Nothing is known of the charge.
        (REST | {"charge": "ch_1"}, False),
    ],
)
def test_releases_are_told_from_refunds(changes: dict[str, Any], *, releases: bool) -> None:
    """
    A refund that only let go of held money is no refund here; when in doubt it is one.
    """
    assert refund_of(a_refund(**changes)).releases_only is releases


@pytest.mark.parametrize(
    ("listed", "foreign"),
    [
        (an_intent(), False),
        (an_intent(metadata={}), False),
        (an_intent(metadata={}, currency="std"), True),
        (an_intent(currency="std"), False),
        (a_refund(metadata={}), False),
        (a_refund(metadata={}, payment_intent=None), True),
    ],
)
def test_foreign_objects(listed: dict[str, Any], *, foreign: bool) -> None:
    """
    Only what is none of ours and beyond the core's words is foreign.
    """
    assert is_foreign(listed) is foreign
