"""
What is compared with the provider, as a table: each kind of difference, and when it is there.

The same rules run twice: over rows of many payments, to find what may differ, and over one
locked payment with objects that were read afresh, to say what does.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import attrs

from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.facts import (
    ProviderPayment,
    ProviderPaymentStatus,
    ProviderRefund,
)
from payments_core.domain.money import Money
from payments_core.domain.payment import Payment
from payments_core.domain.refund import STATUS_OF, Refund, RefundStatus
from payments_core.domain.status import CLOSED, PaymentStatus

P, S, K = ProviderPaymentStatus, PaymentStatus, DiscrepancyKind

AGREES: Final[Mapping[ProviderPaymentStatus, frozenset[PaymentStatus]]] = {
    P.REQUIRES_PAYMENT_METHOD: frozenset({S.PENDING, S.REQUIRES_ACTION}),
    P.REQUIRES_CONFIRMATION: frozenset({S.PENDING, S.REQUIRES_ACTION}),
    P.REQUIRES_ACTION: frozenset({S.REQUIRES_ACTION}),
    P.PROCESSING: frozenset({S.PENDING}),
    P.REQUIRES_CAPTURE: frozenset({S.AUTHORIZED}),
    P.SUCCEEDED: frozenset({S.SUCCEEDED, S.REFUNDED}) | CLOSED,
    P.CANCELED: CLOSED,
}
"""
With each state of the provider's object, the states of ours that say the same.

Money of a closed payment is a matter of amounts: late, or known to be.
"""


@attrs.frozen
class HeldPayment:
    """
    What of a payment is compared, and what tells its place in the order of time.
    """

    id: UUID
    created_at: datetime
    provider_payment_id: str | None
    status: PaymentStatus
    amount: Money
    captured: Money
    refunded: Money

    @classmethod
    def of(cls, payment: Payment) -> "HeldPayment":
        """
        Return what of this payment is compared.
        """
        return cls(*(getattr(payment, field.name) for field in attrs.fields(cls)))


@attrs.frozen
class HeldRefund:
    """
    What of a refund is compared; `provider_payment_id` is its payment's object.
    """

    id: UUID
    created_at: datetime
    payment_id: UUID
    provider_payment_id: str | None
    provider_refund_id: str | None
    status: RefundStatus
    amount: Money

    @classmethod
    def all_of(cls, payment: Payment) -> "Sequence[HeldRefund]":
        """
        Return what of this payment's refunds is compared.
        """
        return [
            cls(
                id=refund.id,
                created_at=refund.created_at,
                payment_id=payment.id,
                provider_payment_id=payment.provider_payment_id,
                provider_refund_id=refund.provider_refund_id,
                status=refund.status,
                amount=refund.amount,
            )
            for refund in payment.refunds
        ]


@attrs.frozen
class Difference:
    """
    A rule that is broken: what this service holds, and what the provider says.
    """

    kind: DiscrepancyKind
    object_id: str
    ours: str
    theirs: str


H = TypeVar("H", HeldPayment, HeldRefund)
F = TypeVar("F", ProviderPayment, ProviderRefund)
R = TypeVar("R", Refund, HeldRefund)
Rule = tuple[
    DiscrepancyKind, Callable[[H, F], object], Callable[[H], object], Callable[[F], object]
]


def _money_at_another_object(held: HeldPayment, fact: ProviderPayment) -> bool:
    other = held.provider_payment_id not in {None, fact.id}
    return other and bool(fact.captured or fact.authorized)


def _late(held: HeldPayment, fact: ProviderPayment) -> bool:
    return held.status in CLOSED and fact.captured > held.captured


PAYMENT_RULES: Final[tuple[Rule[HeldPayment, ProviderPayment], ...]] = (
    (
        K.DUPLICATE_CHARGE,
        _money_at_another_object,
        lambda held: held.provider_payment_id,
        lambda fact: fact.id,
    ),
    (
        K.CURRENCY_MISMATCH,
        lambda held, fact: held.amount.currency != fact.amount.currency,
        lambda held: held.amount,
        lambda fact: fact.amount,
    ),
    (
        K.AMOUNT_MISMATCH,
        lambda held, fact: held.amount != fact.amount,
        lambda held: held.amount,
        lambda fact: fact.amount,
    ),
    (K.LATE_SUCCESS, _late, lambda held: held.status, lambda fact: f"captured {fact.captured}"),
    (
        K.MISSING_LOCAL,
        lambda held, _: held.provider_payment_id is None,
        lambda _: "not known to belong to the payment",
        lambda fact: f"{fact.status} {fact.amount}",
    ),
    (
        K.STATUS_MISMATCH,
        lambda held, fact: held.status not in AGREES[fact.status],
        lambda held: held.status,
        lambda fact: fact.status,
    ),
    (
        K.AMOUNT_MISMATCH,
        lambda held, fact: held.captured != fact.captured,
        lambda held: f"captured {held.captured}",
        lambda fact: f"captured {fact.captured}",
    ),
)
"""
Of the rules that are broken, the first is the difference: what comes after it follows from it.
"""

REFUND_RULES: Final[tuple[Rule[HeldRefund, ProviderRefund], ...]] = (
    (
        K.CURRENCY_MISMATCH,
        lambda held, fact: held.amount.currency != fact.amount.currency,
        lambda held: held.amount,
        lambda fact: fact.amount,
    ),
    (
        K.AMOUNT_MISMATCH,
        lambda held, fact: held.amount != fact.amount,
        lambda held: held.amount,
        lambda fact: fact.amount,
    ),
    (
        K.REFUND_MISSING_LOCAL,
        lambda held, fact: held.provider_refund_id != fact.id,
        lambda _: "not known to be the refund",
        lambda fact: f"{fact.status} {fact.amount}",
    ),
    (
        K.REFUND_STATUS_MISMATCH,
        lambda held, fact: held.status is not STATUS_OF[fact.status],
        lambda held: held.status,
        lambda fact: fact.status,
    ),
)
"""
The same for refunds.
"""


def compare_payment(held: HeldPayment, fact: ProviderPayment) -> Difference | None:
    """
    Return how a payment and the provider's object differ; None if they say the same.

    An object beside the payment's own is a difference only if there is money in it.
    """
    another = held.provider_payment_id not in {None, fact.id}
    return _first(PAYMENT_RULES[:1] if another else PAYMENT_RULES, held, fact)


def compare_refund(held: HeldRefund | None, fact: ProviderRefund) -> Difference | None:
    """
    Return how a refund and the provider's object differ; None if they say the same.

    What merely releases money that was never taken is no refund here.
    """
    if fact.releases_only:
        return None
    if held is None:
        theirs = f"{fact.status} {fact.amount}"
        return Difference(K.REFUND_MISSING_LOCAL, fact.id, "no such refund", theirs)
    return _first(REFUND_RULES, held, fact)


def compare_refunds(
    held: Collection[HeldRefund], facts: Collection[ProviderRefund]
) -> Iterator[Difference]:
    """
    Yield how all refunds of one payment differ from all that the provider has of it.
    """
    for fact in facts:
        found = compare_refund(matching(held, fact), fact)
        if found:
            yield found
    shown = {fact.id for fact in facts}
    for refund in held:
        if refund.provider_refund_id is not None and refund.provider_refund_id not in shown:
            ours = f"{refund.status} {refund.amount}"
            yield Difference(
                K.REFUND_MISSING_PROVIDER, refund.provider_refund_id, ours, "no such refund"
            )


def matching(held: Collection[R], fact: ProviderRefund) -> R | None:
    """
    Return the refund that a provider's object is: by its id there, or else by ours.
    """
    known = (r for r in held if r.provider_refund_id == fact.id)
    return next(known, None) or next((r for r in held if r.id == fact.refund_id), None)


def _first(rules: tuple[Rule[H, F], ...], held: H, fact: F) -> Difference | None:
    for kind, broken, ours, theirs in rules:
        if broken(held, fact):
            return Difference(kind, fact.id, str(ours(held)), str(theirs(fact)))
    return None


TELLS: Final[Mapping[PaymentStatus, str]] = {
    S.AUTHORIZED: "IPaymentAuthorized",
    S.SUCCEEDED: "IPaymentSucceeded",
    S.REFUNDED: "IPaymentSucceeded",
    S.FAILED: "IPaymentFailed",
    S.CANCELED: "IPaymentFailed",
}
"""
The message that was written when a payment entered the state that it is in.
"""

TRUE_IN: Final[Mapping[str, frozenset[PaymentStatus]]] = {
    "IPaymentSucceeded": frozenset({S.SUCCEEDED, S.REFUNDED}),
    "IPaymentFailed": CLOSED,
}
"""
In which states what a message told for good is still true.
"""
