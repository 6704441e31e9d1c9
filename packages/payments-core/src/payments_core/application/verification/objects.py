"""
What the provider's objects tell about the invariants, beside what is stored of them.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from payments_core.application.verification.terms import Terms
from payments_core.domain.facts import ProviderPayment, ProviderPaymentStatus, ProviderRefund
from payments_core.domain.invariants import Violation
from payments_core.domain.payment import Payment
from payments_core.domain.refund import STATUS_OF
from payments_core.ports.records import PaymentRecord

CLOCKS: Final = timedelta(seconds=60)
"""
How far the provider's clock and ours may be apart.
"""

P = ProviderPaymentStatus


def check_object(
    fact: ProviderPayment, record: PaymentRecord | None, terms: Terms
) -> Iterator[Violation]:
    """
    Yield every broken promise that an object shows which carries a payment's id.

    Args:
        record: That payment, if there is one.
    """
    if record is None:
        yield Violation("I18", fact.id, f"asked for payment {fact.payment_id}, which is not here")
        return
    yield from _asked_for(fact, record.payment)
    yield from _unchanged(fact, record)
    known = record.payment.provider_payment_id
    if known is None and not _quiet(record.payment, terms):
        return  # its creation has no answer yet: the object is being found
    if known != fact.id:
        yield from _second(fact, record.payment)
    elif _quiet(record.payment, terms):
        yield from _same(fact, record)


def check_refund(fact: ProviderRefund, record: PaymentRecord, terms: Terms) -> Iterator[Violation]:
    """
    Yield every broken promise that a refund object of a payment shows.
    """
    if fact.releases_only or not _quiet(record.payment, terms):
        return
    ours = next((r for r in record.payment.refunds if r.provider_refund_id == fact.id), None)
    stored = (ours.status, ours.amount) if ours else None
    if stored != (STATUS_OF[fact.status], fact.amount) and not record.discrepancies:
        here = f"{ours.status}, {ours.amount}" if ours else "not there"
        yield Violation("I4", fact.id, f"refund {fact.status}, {fact.amount}; here {here}")


def _quiet(payment: Payment, terms: Terms) -> bool:
    """
    Return whether nothing about the payment should be on its way.
    """
    settled = not any(o.open for o in payment.operations)
    return settled and terms.overdue(payment.updated_at)


def _asked_for(fact: ProviderPayment, payment: Payment) -> Iterator[Violation]:
    asked = next((o for o in payment.operations if o.id == fact.operation_id), None)
    if asked is None:
        yield Violation("I18", fact.id, f"no operation {fact.operation_id} of {payment.id}")
    elif fact.created_at + CLOCKS < asked.first_sent_at:
        yield Violation("I18", fact.id, f"made before operation {asked.id} was written")


def _unchanged(fact: ProviderPayment, record: PaymentRecord) -> Iterator[Violation]:
    payment = record.payment
    if fact.amount != payment.amount and not record.discrepancies:
        yield Violation("I21", str(payment.id), f"{payment.amount}, and {fact.id} {fact.amount}")


def _second(fact: ProviderPayment, payment: Payment) -> Iterator[Violation]:
    if fact.status is not P.CANCELED:
        known = payment.provider_payment_id
        yield Violation("I3", str(payment.id), f"{fact.id} is {fact.status} beside {known}")
    if fact.captured:
        yield Violation("I2", str(payment.id), f"{fact.id} took {fact.captured} besides")


def _same(fact: ProviderPayment, record: PaymentRecord) -> Iterator[Violation]:
    payment = record.payment
    if fact.captured > fact.amount:
        yield Violation("I2", str(payment.id), f"{fact.id} took {fact.captured} of {fact.amount}")
    if fact.captured != payment.captured and not record.discrepancies:
        here, there = payment.captured, fact.captured
        yield Violation("I4", str(payment.id), f"captured {here} here, {there} at {fact.id}")
    if payment.closed and fact.status is not P.CANCELED and not record.discrepancies:
        yield Violation("I20", str(payment.id), f"{payment.status}, and {fact.id} is {fact.status}")
