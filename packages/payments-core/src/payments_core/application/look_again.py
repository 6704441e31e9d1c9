"""
A person's word that an operation in review can be looked at once more.
"""

from uuid import UUID

import attrs

from payments_core.application.audit import Asked
from payments_core.application.operations import Operations, locked
from payments_core.domain.actor import EMBEDDING, Actor
from payments_core.domain.recovery import look_again
from payments_core.ports.queries import PaymentView


@attrs.frozen(kw_only=True)
class LookAgainCommand:
    """
    Which operation of which payment.

    Attributes:
        reason: What was done about it, for the record.

        actor: Who asks.
    """

    payment_id: UUID
    operation_id: UUID
    reason: str | None = None
    actor: Actor = EMBEDDING


@attrs.frozen
class LookAgain:
    """
    Hands an operation in review back to recovery, which ends it by evidence or returns it.

    Nothing is sent again, and nobody's word ends a payment: it is what the provider shows.
    """

    operations: Operations

    def execute(self, command: LookAgainCommand) -> PaymentView:
        """
        Make it due; the sweeper looks within seconds.

        Raises:
            PaymentNotFound: There is no such payment.
            InvalidState: It has no such operation in review.
        """
        asked = Asked(action="operation.look_again", actor=command.actor, reason=command.reason)
        with self.operations.unit_of_work() as uow:
            payment = locked(uow, command.payment_id)
            before = payment.status
            now = self.operations.clock.now()
            operation = look_again(payment, command.operation_id, now)
            uow.payments.save(payment)
            uow.audit.add(asked.entry(payment, operation, before))
            uow.commit()
        return PaymentView.of(payment)
