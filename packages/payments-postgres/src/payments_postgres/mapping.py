"""
Aggregates as rows and back: what never changes, and what may.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import attrs

from payments_core.contracts.requests import request_from_json, request_to_json
from payments_core.domain.discrepancy import Discrepancy, DiscrepancyKind, Repair
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.failure import Failure
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation, OperationKind, OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.refund import Refund, RefundStatus
from payments_core.domain.requests import CaptureMethod
from payments_core.domain.status import PaymentStatus
from payments_core.ports.queries import PaymentView
from payments_postgres.statements import Record, Values


@attrs.frozen(kw_only=True)
class Snapshot:
    """
    Everything of a payment that may change, as it is stored or is to be stored.
    """

    version: int
    updated_at: datetime
    payment: Values
    operations: Mapping[UUID, Values]
    refunds: Mapping[UUID, Values]

    @classmethod
    def of(cls, payment: Payment) -> "Snapshot":
        """
        Return the payment's state; later changes of the payment do not change it.
        """
        return cls(
            version=payment.version,
            updated_at=payment.updated_at,
            payment=payment_state(payment),
            operations={o.id: operation_state(o) for o in payment.operations},
            refunds={r.id: refund_state(r) for r in payment.refunds},
        )

    def kept_as(self, payment: Payment) -> "Snapshot":
        """
        Return the same state under the payment's version and time of now.
        """
        # By hand: `attrs.evolve` asks for each field first, and each change comes by here.
        return Snapshot(
            version=payment.version,
            updated_at=payment.updated_at,
            payment=self.payment,
            operations=self.operations,
            refunds=self.refunds,
        )

    def same_state(self, other: "Snapshot") -> bool:
        """
        Return whether nothing but the time of the last change differs.
        """
        mine = (self.payment, self.operations, self.refunds)
        return mine == (other.payment, other.operations, other.refunds)


# ---------------------------------------------------------------- payments


NOTHING: Final = Snapshot(
    version=0, updated_at=datetime.min.replace(tzinfo=UTC), payment={}, operations={}, refunds={}
)
"""
What is stored of a payment that is new.
"""


def payment_row(payment: Payment, state: Snapshot, version: int) -> Values:
    """
    Return the whole row of a new payment that is in this state.
    """
    return {
        "id": payment.id,
        "order_id": payment.order_id,
        "customer_id": payment.customer_id,
        "amount": payment.amount.minor_units,
        "currency": payment.amount.currency,
        "capture_method": payment.capture_method,
        "provider": payment.provider,
        "payment_method_id": payment.payment_method_id,
        "return_url": payment.return_url,
        "created_at": payment.created_at,
        "updated_at": state.updated_at,
        "version": version,
        **state.payment,
    }


def payment_state(payment: Payment) -> Values:
    """
    Return the columns that may change.
    """
    return {
        "status": payment.status,
        "authorized": payment.authorized.minor_units,
        "captured": payment.captured.minor_units,
        "refunded": payment.refunded.minor_units,
        "provider_payment_id": payment.provider_payment_id,
        "provider_status": payment.provider_status,
        "client_secret": payment.client_secret,
        "redirect_url": payment.redirect_url,
        "cancel_requested": payment.cancel_requested,
        "expires_at": payment.expires_at,
        "unresolved_operations": payment.unresolved_operations,
        "refund_count": len(payment.refunds),
        **_failure_columns(payment.failure),
    }


def _shown(row: Record) -> dict[str, Any]:
    """
    Return what the aggregate and the view have in common.
    """
    currency = row.currency
    status = row.provider_status
    return {
        "id": row.id,
        "order_id": row.order_id,
        "customer_id": row.customer_id,
        "status": PaymentStatus(row.status),
        "amount": Money.from_minor(row.amount, currency),
        "authorized": Money.from_minor(row.authorized, currency),
        "captured": Money.from_minor(row.captured, currency),
        "capture_method": CaptureMethod(row.capture_method),
        "provider": row.provider,
        "provider_payment_id": row.provider_payment_id,
        "provider_status": None if status is None else ProviderPaymentStatus(status),
        "client_secret": row.client_secret,
        "redirect_url": row.redirect_url,
        "failure": _failure(row),
        "cancel_requested": row.cancel_requested,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def to_view(row: Record) -> PaymentView:
    """
    Return what is shown of a payment's row.
    """
    return PaymentView(
        refunded=Money.from_minor(row.refunded, row.currency),
        unresolved_operations=row.unresolved_operations,
        **_shown(row),
    )


def to_payment(row: Record, operations: Sequence[Record], refunds: Sequence[Record]) -> Payment:
    """
    Return the aggregate.
    """
    return Payment(
        payment_method_id=row.payment_method_id,
        return_url=row.return_url,
        expires_at=row.expires_at,
        operations=[to_operation(r) for r in operations],
        refunds=[_refund(r) for r in refunds],
        **_shown(row),
    )


# ---------------------------------------------------------------- operations and refunds


def operation_rows(payment: Payment, wanted: Iterable[UUID]) -> Sequence[Values]:
    """
    Return the whole rows of new operations.
    """
    ids = set(wanted)
    return [
        {
            "id": operation.id,
            "payment_id": payment.id,
            "number": operation.number,
            "kind": operation.kind,
            "request": request_to_json(operation.request),
            "request_key": operation.request_key,
            "first_sent_at": operation.first_sent_at,
            **operation_state(operation),
        }
        for operation in payment.operations
        if operation.id in ids
    ]


def operation_state(operation: Operation) -> Values:
    """
    Return the columns that may change.
    """
    return {
        "state": operation.state,
        "lease_until": operation.lease_until,
        "lease_token": operation.lease_token,
        "attempts": operation.attempts,
        "last_sent_at": operation.last_sent_at,
        "looks": operation.looks,
        "next_at": operation.next_at,
        "key_spent": operation.key_spent,
        "first_pass_at": operation.first_pass_at,
        "second_pass_at": operation.second_pass_at,
        "resolved_at": operation.resolved_at,
        "provider_status": operation.provider_status,
        **_failure_columns(operation.failure),
    }


def to_operation(row: Record) -> Operation:
    """
    Return the operation of a row.
    """
    return Operation(
        id=row.id,
        number=row.number,
        request=request_from_json(OperationKind(row.kind), row.request),
        first_sent_at=row.first_sent_at,
        lease_until=row.lease_until,
        lease_token=row.lease_token,
        request_key=row.request_key,
        state=OperationState(row.state),
        attempts=row.attempts,
        last_sent_at=row.last_sent_at,
        looks=row.looks,
        next_at=row.next_at,
        key_spent=row.key_spent,
        first_pass_at=row.first_pass_at,
        second_pass_at=row.second_pass_at,
        resolved_at=row.resolved_at,
        provider_status=row.provider_status,
        failure=_failure(row),
    )


def refund_rows(payment: Payment, wanted: Iterable[UUID]) -> Sequence[Values]:
    """
    Return the whole rows of new refunds; their number keeps their order.
    """
    ids = set(wanted)
    return [
        {
            "id": refund.id,
            "payment_id": payment.id,
            "number": number,
            "amount": refund.amount.minor_units,
            "currency": refund.amount.currency,
            "reason": refund.reason,
            "request_key": refund.request_key,
            "compensates": refund.compensates,
            "created_at": refund.created_at,
            **refund_state(refund),
        }
        for number, refund in enumerate(payment.refunds, start=1)
        if refund.id in ids
    ]


def refund_state(refund: Refund) -> Values:
    """
    Return the columns that may change.
    """
    return {
        "status": refund.status,
        "provider_refund_id": refund.provider_refund_id,
        "completed_at": refund.completed_at,
        **_failure_columns(refund.failure),
    }


def _refund(row: Record) -> Refund:
    return Refund(
        id=row.id,
        amount=Money.from_minor(row.amount, row.currency),
        created_at=row.created_at,
        reason=row.reason,
        request_key=row.request_key,
        compensates=row.compensates,
        status=RefundStatus(row.status),
        provider_refund_id=row.provider_refund_id,
        failure=_failure(row),
        completed_at=row.completed_at,
    )


# ---------------------------------------------------------------- discrepancies and failures


def to_discrepancy(row: Record) -> Discrepancy:
    """
    Return the difference of a row.
    """
    values = row._asdict()
    values["kind"] = DiscrepancyKind(row.kind)
    values["repair"] = Repair(row.repair) if row.repair else None
    return Discrepancy(**values)


def _failure_columns(failure: Failure | None) -> Values:
    return {
        "failure_code": failure.code if failure else None,
        "failure_message": failure.message if failure else None,
    }


def _failure(row: Record) -> Failure | None:
    return None if row.failure_code is None else Failure(row.failure_code, row.failure_message)
