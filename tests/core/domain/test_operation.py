"""
The operation log: what evidence may do to an entry.
"""

from datetime import timedelta
from itertools import product

import pytest

from payments_core.domain.errors import InvalidTransition
from payments_core.domain.failure import Failure
from payments_core.domain.operation import OPERATION_TRANSITIONS, Operation, OperationState
from payments_core.domain.refund import REFUND_TRANSITIONS, Refund, RefundStatus
from payments_core.testing.builders import NOW, a_payment, eur

O = OperationState  # noqa: E741 - short for the tables

FINAL = {"succeeded", "declined", "absent"}
OPEN_CELLS = {("sent", after) for after in [*O, "unknown"] if after != "sent"} | {
    (before, after)
    for before in ("unknown", "pending", "action_required", "review")
    for after in ("pending", "action_required", "review", *FINAL)
    if before != after
}


def an_operation(state: OperationState) -> Operation:
    """
    Return an operation in a state.
    """
    operation = a_payment().operations[0]
    operation.state = state
    return operation


@pytest.mark.parametrize(("before", "after"), list(product(O, O)))
def test_each_cell(before: OperationState, after: OperationState) -> None:
    """
    Evidence moves an open entry; a final one never moves; repeated news changes nothing.
    """
    operation = an_operation(before)
    ignored = after is before or (after is O.UNKNOWN and before is not O.SENT)
    if not ignored and (before, after) not in OPEN_CELLS:
        with pytest.raises(InvalidTransition):
            operation.resolve(after, NOW)
        return
    operation.resolve(after, NOW, Failure("why", "Because."))

    assert operation.state is (before if ignored else after)
    assert (operation.resolved_at == NOW) is (not ignored and after.value in FINAL)


def test_the_tables_are_complete() -> None:
    """
    Every state has its row.
    """
    assert set(OPERATION_TRANSITIONS) == set(O)
    assert set(REFUND_TRANSITIONS) == set(RefundStatus)


def test_one_operation_has_one_key_for_ever() -> None:
    """
    The provider's idempotency key is the operation's id, and differs between operations.
    """
    first, second = a_payment().operations[0], a_payment().operations[0]

    assert first.provider_key == str(first.id)
    assert first.provider_key != second.provider_key


def test_a_new_operation_is_leased_to_its_sender() -> None:
    """
    Whoever writes an operation may send it for the time of the lease.
    """
    operation = a_payment().operations[0]

    assert operation.state is O.SENT
    assert operation.lease_until == NOW + timedelta(seconds=60)
    assert operation.unresolved


REFUND_CELLS = {
    ("Pending", "Succeeded"),
    ("Pending", "Failed"),
    ("Pending", "Canceled"),
    ("Succeeded", "Failed"),
}


@pytest.mark.parametrize(("before", "after"), list(product(RefundStatus, RefundStatus)))
def test_each_cell_of_refunds(before: RefundStatus, after: RefundStatus) -> None:
    """
    A refund moves as its table says; other news is stale and changes nothing.
    """
    refund = Refund(id=a_payment().id, amount=eur("1.00"), created_at=NOW, status=before)
    moved = refund.move(after, NOW)

    assert moved is ((before, after) in REFUND_CELLS)
    assert refund.status is (after if moved else before)
