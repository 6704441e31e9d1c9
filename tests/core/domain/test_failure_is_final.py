"""
`IPaymentFailed` is told for what can never succeed, in whatever order the facts come.
"""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from payments_core.domain.events import PaymentFailed, PaymentSucceeded
from payments_core.domain.facts import ProviderPayment, ProviderPaymentStatus
from payments_core.domain.failure import Failure
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.requests import CaptureMethod
from payments_core.domain.settlement import Answer, apply
from payments_core.testing.builders import NOW, a_fact, a_payment

P = ProviderPaymentStatus
DECLINED = {"failure": Failure("card_declined", "Your card was declined.")}
Step = tuple[ProviderPaymentStatus, dict[str, Any]]

# What a provider can report of one object's life, by how the payment is confirmed and captured.
LIVES: list[tuple[dict[str, Any], list[Step]]] = [
    (
        {"payment_method_id": None},
        [
            (P.REQUIRES_PAYMENT_METHOD, {}),
            (P.REQUIRES_PAYMENT_METHOD, DECLINED),
            (P.REQUIRES_ACTION, {}),
            (P.PROCESSING, {}),
            (P.SUCCEEDED, {}),
            (P.SUCCEEDED, {}),
        ],
    ),
    (
        {"payment_method_id": None, "capture_method": CaptureMethod.MANUAL},
        [
            (P.REQUIRES_PAYMENT_METHOD, {}),
            (P.REQUIRES_PAYMENT_METHOD, DECLINED),
            (P.REQUIRES_ACTION, {}),
            (P.REQUIRES_CAPTURE, {}),
            (P.REQUIRES_CAPTURE, {}),
            (P.SUCCEEDED, {}),
        ],
    ),
    (
        {"payment_method_id": None},
        [
            (P.REQUIRES_PAYMENT_METHOD, {}),
            (P.REQUIRES_PAYMENT_METHOD, DECLINED),
            (P.REQUIRES_ACTION, {}),
            (P.PROCESSING, {}),
            (P.REQUIRES_PAYMENT_METHOD, DECLINED),
            (P.CANCELED, {}),
        ],
    ),
    (
        {"payment_method_id": "fake_action"},
        [
            (P.REQUIRES_CONFIRMATION, {}),
            (P.REQUIRES_ACTION, {}),
            (P.PROCESSING, {}),
            (P.REQUIRES_PAYMENT_METHOD, DECLINED),
            (P.CANCELED, DECLINED),
            (P.CANCELED, DECLINED),
        ],
    ),
]


def live(terms: dict[str, Any], facts: Sequence[Step]) -> tuple[Payment, list[int]]:
    """
    Bring facts to a payment; return it, and after how many facts it was told to have failed.
    """
    payment = a_payment(**terms)
    told = []
    for number, (status, more) in enumerate(facts):
        fact: ProviderPayment = a_fact(payment, status, **more)
        apply(payment, Answer(payment=fact), NOW, Policy())
        if any(isinstance(e, PaymentFailed) for e in payment.events):
            told.append(number)
    return payment, told


@pytest.mark.parametrize(("terms", "facts"), LIVES)
def test_every_order_of_six_facts(terms: dict[str, Any], facts: list[Step]) -> None:
    """
    In each of 720 orders: told as failed only once the object is cancelled, or not at all.
    """
    ends_in_success = facts[-1][0] is P.SUCCEEDED
    for order in permutations(facts):
        payment, told = live(terms, order)
        names = [type(e) for e in payment.events]
        cancelled_at = next((n for n, (s, _) in enumerate(order) if s is P.CANCELED), None)

        assert names.count(PaymentFailed) == (0 if ends_in_success else 1), order
        assert names.count(PaymentSucceeded) == (1 if ends_in_success else 0), order
        assert told[:1] == ([] if cancelled_at is None else [cancelled_at]), order
