"""
The states of a payment: the table of allowed steps, and the state as a function of facts.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from payments_core.domain.errors import InvalidTransition
from payments_core.domain.money import Money


class PaymentStatus(StrEnum):
    """
    What a payment is, for everyone who asks.
    """

    PENDING = "Pending"
    REQUIRES_ACTION = "RequiresAction"
    AUTHORIZED = "Authorized"
    SUCCEEDED = "Succeeded"
    REFUNDED = "Refunded"
    FAILED = "Failed"
    CANCELED = "Canceled"


S = PaymentStatus

TRANSITIONS: Final[Mapping[PaymentStatus | None, frozenset[PaymentStatus]]] = {
    None: frozenset({S.PENDING}),
    S.PENDING: frozenset({S.REQUIRES_ACTION, S.AUTHORIZED, S.SUCCEEDED, S.FAILED, S.CANCELED}),
    S.REQUIRES_ACTION: frozenset({S.PENDING, S.AUTHORIZED, S.SUCCEEDED, S.FAILED, S.CANCELED}),
    S.AUTHORIZED: frozenset({S.SUCCEEDED, S.CANCELED, S.FAILED}),
    S.SUCCEEDED: frozenset({S.REFUNDED}),
    S.REFUNDED: frozenset({S.SUCCEEDED}),
    S.FAILED: frozenset(),
    S.CANCELED: frozenset(),
}
"""
From each state, the states that may follow; None is before the payment exists.
"""

CLOSED: Final = frozenset({S.FAILED, S.CANCELED})
"""
States that never end: whatever a provider says later, it is a discrepancy.
"""

AWAITING_CONFIRMATION: Final = frozenset({S.PENDING, S.REQUIRES_ACTION})
"""
States in which the customer's money is neither reserved nor taken.
"""


def check_transition(before: PaymentStatus | None, after: PaymentStatus) -> None:
    """
    Accept a step that the table has.

    Raises:
        InvalidTransition: The table has no such step.
    """
    if after not in TRANSITIONS[before]:
        raise InvalidTransition(f"A payment does not go from {before} to {after}")


def status_of(
    *,
    closed: PaymentStatus | None,
    action_required: bool,
    authorized: Money,
    captured: Money,
    refunded: Money,
) -> PaymentStatus:
    """
    Return the state that the amounts and the answers so far amount to.

    Args:
        closed: Failed or Canceled, once that is proven; it outlives every later fact.

        action_required: The provider waits for the customer.
    """
    if closed is not None:
        return closed
    if captured:
        return S.REFUNDED if refunded >= captured else S.SUCCEEDED
    if authorized:
        return S.AUTHORIZED
    return S.REQUIRES_ACTION if action_required else S.PENDING
