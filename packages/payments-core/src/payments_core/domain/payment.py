"""
The aggregate: one payment of one order, with its operations and refunds.
"""

from datetime import datetime
from uuid import UUID

import attrs

from payments_core.domain.discrepancy import Discrepancy
from payments_core.domain.errors import InvalidState
from payments_core.domain.events import Event
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.failure import Failure
from payments_core.domain.fixed import fixed, others_change
from payments_core.domain.ids import child_id
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation, OperationKind, OperationState
from payments_core.domain.policy import Policy
from payments_core.domain.refund import Refund, RefundStatus
from payments_core.domain.requests import (
    CancelIntent,
    CancelReason,
    CaptureMethod,
    CreateIntent,
    ProviderRequest,
    RefundCapture,
)
from payments_core.domain.status import CLOSED, PaymentStatus

ATTEMPTS = frozenset({OperationKind.CREATE, OperationKind.CONFIRM})
"""
Kinds of operation that may charge the customer.
"""

UNPAID = (
    ProviderPaymentStatus.REQUIRES_PAYMENT_METHOD,
    ProviderPaymentStatus.REQUIRES_CONFIRMATION,
)
"""
States of the provider's object in which no attempt is under way.
"""


@attrs.define(kw_only=True, field_transformer=others_change)
class Payment:
    """
    One payment, consistent whatever is asked of it.

    `payments_core.domain.asking` says what may be asked of it; what the provider answers
    reaches it through `payments_core.domain.settlement.apply` alone.

    Attributes:
        customer_id: The owner.

        payment_method_id: The provider's token, when the server confirms; None when the
            customer's browser does.

        client_secret: Lets the browser finish the payment. Secret, and None once useless.

        authorized: Reserved at most; captured: taken. Refunds lower neither.

        cancel_requested: A person wants it cancelled, done as soon as that is possible.

        expires_at: When it ends if the customer has not paid by then; None for no end.

        version: Grows by one with each committed change.

        events: What must be told, not yet saved. Likewise `discrepancies`.
    """

    id: UUID = attrs.field(on_setattr=fixed)
    order_id: UUID = attrs.field(on_setattr=fixed)
    customer_id: str = attrs.field(on_setattr=fixed)
    amount: Money = attrs.field(on_setattr=fixed)
    capture_method: CaptureMethod = attrs.field(on_setattr=fixed)
    provider: str = attrs.field(on_setattr=fixed)
    payment_method_id: str | None = attrs.field(default=None, on_setattr=fixed)
    return_url: str | None = attrs.field(default=None, on_setattr=fixed)
    created_at: datetime = attrs.field(on_setattr=fixed)
    updated_at: datetime
    status: PaymentStatus = PaymentStatus.PENDING
    authorized: Money
    captured: Money
    provider_payment_id: str | None = None
    provider_status: ProviderPaymentStatus | None = None
    client_secret: str | None = attrs.field(default=None, repr=False)
    redirect_url: str | None = attrs.field(default=None, repr=False)
    failure: Failure | None = None
    cancel_requested: bool = False
    expires_at: datetime | None = None
    version: int = 0
    operations: list[Operation] = attrs.field(factory=list)
    refunds: list[Refund] = attrs.field(factory=list)
    events: list[Event] = attrs.field(factory=list, eq=False)
    discrepancies: list[Discrepancy] = attrs.field(factory=list, eq=False)

    # ------------------------------------------------------------ what it is

    @property
    def closed(self) -> bool:
        """
        Whether it is Failed or Canceled, for ever.
        """
        return self.status in CLOSED

    @property
    def refunded(self) -> Money:
        """
        What has gone back to the customer.
        """
        return self._sum(RefundStatus.SUCCEEDED)

    @property
    def reserved(self) -> Money:
        """
        What is on its way back, or may be.
        """
        return self._sum(RefundStatus.PENDING)

    @property
    def refundable(self) -> Money:
        """
        What can still be refunded; never below zero.
        """
        held = self.refunded + self.reserved
        return self.captured - held if held < self.captured else Money.zero(self.amount.currency)

    @property
    def unresolved_operations(self) -> int:
        """
        How many operations have an outcome that nobody can tell yet.
        """
        return sum(1 for o in self.operations if o.unresolved)

    @property
    def server_confirmed(self) -> bool:
        """
        Whether the server confirms: then one decline ends the payment.
        """
        return self.payment_method_id is not None

    @property
    def last_attempt(self) -> Operation:
        """
        The newest operation that may charge the customer.
        """
        return next(o for o in reversed(self.operations) if o.kind in ATTEMPTS)

    @property
    def declined(self) -> bool:
        """
        Whether its one attempt failed or never happened, so that its object must be cancelled.
        """
        last = self.last_attempt
        refused = last.state is OperationState.DECLINED
        absent = last.state is OperationState.ABSENT and last.kind is OperationKind.CREATE
        waits = self.provider_status in (UNPAID if absent else UNPAID[:1])
        return self.server_confirmed and waits and (refused or absent)

    @property
    def ending(self) -> bool:
        """
        Whether its cancellation is asked for or under way.
        """
        return self.cancel_requested or self.open_operation(OperationKind.CANCEL) is not None

    def in_flight(self, now: datetime, *, other_than: UUID | None = None) -> Operation | None:
        """
        Return an operation that its sender may still be sending, other than this one.
        """
        sent = (o for o in self.operations if o.state is OperationState.SENT)
        return next((o for o in sent if o.id != other_than and now < o.lease_until), None)

    def operation(self, operation_id: UUID) -> Operation:
        """
        Return the operation with this id, which must be one of this payment.
        """
        return next(o for o in self.operations if o.id == operation_id)

    def open_operation(self, *kinds: OperationKind) -> Operation | None:
        """
        Return an operation of these kinds that is not final yet, if there is one.
        """
        return next((o for o in self.operations if o.open and o.kind in kinds), None)

    def _sum(self, status: RefundStatus) -> Money:
        found = (r.amount for r in self.refunds if r.status is status)
        return sum(found, start=Money.zero(self.amount.currency))

    def copy(self) -> "Payment":
        """
        Return a payment of its own that shares with this one only what cannot change.
        """
        return attrs.evolve(
            self,
            operations=[attrs.evolve(o) for o in self.operations],
            refunds=[attrs.evolve(r) for r in self.refunds],
            events=list(self.events),
            discrepancies=list(self.discrepancies),
        )

    # ------------------------------------------------------------ how it begins

    @classmethod
    def open(
        cls,
        *,
        payment_id: UUID,
        order_id: UUID,
        customer_id: str,
        amount: Money,
        provider: str,
        now: datetime,
        policy: Policy,
        capture_method: CaptureMethod = CaptureMethod.AUTOMATIC,
        payment_method_id: str | None = None,
        return_url: str | None = None,
        request_key: str | None = None,
    ) -> "Payment":
        """
        Return a new payment with the operation that creates it at the provider.

        Raises:
            AmountNotPositive: The amount is zero or below.
        """
        nothing = Money.zero(amount.currency)
        payment = cls(
            id=payment_id,
            order_id=order_id,
            customer_id=customer_id,
            amount=amount.require_positive(),
            capture_method=capture_method,
            provider=provider,
            payment_method_id=payment_method_id,
            return_url=return_url,
            created_at=now,
            updated_at=now,
            expires_at=now + policy.expire_after,
            authorized=nothing,
            captured=nothing,
        )
        payment.begin(
            CreateIntent(
                payment_id=payment_id,
                operation_id=payment.next_operation_id,
                order_id=order_id,
                amount=amount,
                capture_method=capture_method,
                payment_method_id=payment_method_id,
                return_url=return_url,
            ),
            now,
            policy,
            request_key=request_key,
        )
        return payment

    @property
    def next_operation_id(self) -> UUID:
        """
        The id of the operation that `begin` will write next.
        """
        return child_id(self.id, "operation", len(self.operations) + 1)

    def begin(
        self,
        request: ProviderRequest,
        now: datetime,
        policy: Policy,
        *,
        request_key: str | None = None,
    ) -> Operation:
        """
        Write an operation to the log. It may be sent only after it is committed.
        """
        operation_id = self.next_operation_id
        operation = Operation(
            id=operation_id,
            number=len(self.operations) + 1,
            request=request,
            first_sent_at=now,
            last_sent_at=now,
            lease_until=now + policy.lease,
            next_at=now + policy.lease,
            lease_token=operation_id,
            request_key=request_key,
        )
        self.operations.append(operation)
        self.updated_at = now
        return operation

    def begin_cancel(
        self,
        reason: CancelReason,
        now: datetime,
        policy: Policy,
        *,
        request_key: str | None = None,
    ) -> Operation | None:
        """
        Write the cancellation, unless one is under way or an unanswered attempt forbids it yet.
        """
        waits = self.last_attempt.unresolved or self.open_operation(OperationKind.CANCEL)
        if self.provider_payment_id is None or waits:
            return None
        request = CancelIntent(self.provider_payment_id, reason)
        return self.begin(request, now, policy, request_key=request_key)

    def begin_refund(
        self,
        amount: Money,
        reason: str | None,
        now: datetime,
        policy: Policy,
        *,
        request_key: str | None = None,
        compensates: bool = False,
    ) -> tuple[Refund, Operation]:
        """
        Write a refund and its operation; the amount is reserved from now on.
        """
        refund = Refund(
            id=child_id(self.id, "refund", len(self.refunds) + 1),
            amount=amount,
            created_at=now,
            reason=reason,
            request_key=request_key,
            compensates=compensates,
        )
        self.refunds.append(refund)
        request = RefundCapture(
            payment_id=self.id,
            operation_id=self.next_operation_id,
            refund_id=refund.id,
            provider_payment_id=self.object_id,
            amount=amount,
            reason=reason,
        )
        return refund, self.begin(request, now, policy, request_key=request_key)

    @property
    def object_id(self) -> str:
        """
        The provider's id of its payment object.

        Raises:
            InvalidState: It is not known yet.
        """
        if self.provider_payment_id is None:
            raise InvalidState("The provider has not named its payment object yet; ask again soon")
        return self.provider_payment_id
