"""
Values for tests: complete and valid, with only what a test is about spelled out.
"""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from payments_core.domain.facts import (
    ProviderPayment,
    ProviderPaymentStatus,
    ProviderRefund,
    ProviderRefundStatus,
)
from payments_core.domain.ids import new_payment_id
from payments_core.domain.money import Money
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.settlement import Answer, apply

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""
The moment at which built values were made.
"""


def eur(amount: str) -> Money:
    """
    Return so many euros.
    """
    return Money.parse(amount, "EUR")


def a_payment(**changes: Any) -> Payment:
    """
    Return a payment of 10.00 EUR that was opened and not yet sent.
    """
    fields: dict[str, Any] = {
        "payment_id": new_payment_id(NOW),
        "order_id": uuid4(),
        "customer_id": "alice",
        "amount": eur("10.00"),
        "provider": "fake",
        "payment_method_id": "fake_approved",
        "now": NOW,
        "policy": Policy(),
    }
    return Payment.open(**fields | changes)


def a_fact(
    payment: Payment,
    status: ProviderPaymentStatus = ProviderPaymentStatus.SUCCEEDED,
    **changes: Any,
) -> ProviderPayment:
    """
    Return the provider's object of a payment in a state, with the amounts that fit it.
    """
    nothing = Money.zero(payment.amount.currency)
    taken = status is ProviderPaymentStatus.SUCCEEDED
    held = taken or status is ProviderPaymentStatus.REQUIRES_CAPTURE
    fields: dict[str, Any] = {
        "id": payment.provider_payment_id or f"fake_{payment.id.hex}",
        "status": status,
        "amount": payment.amount,
        "authorized": payment.amount if held else nothing,
        "captured": payment.amount if taken else nothing,
        "created_at": payment.created_at,
        "client_secret": "fake_secret",
        "payment_id": payment.id,
        "operation_id": payment.operations[0].id,
    }
    return ProviderPayment(**fields | changes)


def a_refund_fact(
    payment: Payment,
    amount: Money,
    status: ProviderRefundStatus = ProviderRefundStatus.SUCCEEDED,
    refund_id: UUID | None = None,
    **changes: Any,
) -> ProviderRefund:
    """
    Return a provider's refund object; without `refund_id` it was made elsewhere.
    """
    assert payment.provider_payment_id is not None
    fields: dict[str, Any] = {
        "id": f"fake_re_{(refund_id or uuid4()).hex}",
        "provider_payment_id": payment.provider_payment_id,
        "status": status,
        "amount": amount,
        "created_at": NOW,
        "refund_id": refund_id,
    }
    return ProviderRefund(**fields | changes)


def answered(
    payment: Payment,
    status: ProviderPaymentStatus = ProviderPaymentStatus.SUCCEEDED,
    **changes: Any,
) -> Payment:
    """
    Return the payment after the provider answered its newest operation with a state.
    """
    answer = Answer(
        payment=a_fact(payment, status, **changes), operation_id=payment.operations[-1].id
    )
    apply(payment, answer, NOW, Policy())
    return payment
