"""
The status table, cell by cell.
"""

from itertools import product

import pytest

from payments_core.domain.errors import InvalidTransition
from payments_core.domain.money import Money
from payments_core.domain.status import TRANSITIONS, PaymentStatus, check_transition, status_of
from payments_core.testing.builders import eur

S = PaymentStatus

# Written out by hand, independently of the table in the code.
ALLOWED = {
    (None, "Pending"),
    ("Pending", "RequiresAction"),
    ("Pending", "Authorized"),
    ("Pending", "Succeeded"),
    ("Pending", "Failed"),
    ("Pending", "Canceled"),
    ("RequiresAction", "Pending"),
    ("RequiresAction", "Authorized"),
    ("RequiresAction", "Succeeded"),
    ("RequiresAction", "Failed"),
    ("RequiresAction", "Canceled"),
    ("Authorized", "Succeeded"),
    ("Authorized", "Canceled"),
    ("Authorized", "Failed"),
    ("Succeeded", "Refunded"),
    ("Refunded", "Succeeded"),
}
CELLS = list(product([None, *S], S))


@pytest.mark.parametrize(("before", "after"), CELLS)
def test_each_cell(before: PaymentStatus | None, after: PaymentStatus) -> None:
    """
    A step is accepted exactly if the table of the product's description has it.
    """
    if (before, after) in ALLOWED:
        check_transition(before, after)
    else:
        with pytest.raises(InvalidTransition):
            check_transition(before, after)


def test_the_table_has_every_state() -> None:
    """
    No state is missing from the table, and Failed and Canceled lead nowhere.
    """
    assert set(TRANSITIONS) == {None, *S}
    assert not TRANSITIONS[S.FAILED]
    assert not TRANSITIONS[S.CANCELED]


ZERO, FOUR, TEN = Money.zero("EUR"), eur("4.00"), eur("10.00")


@pytest.mark.parametrize(
    ("closed", "waits", "authorized", "captured", "refunded", "expected"),
    [
        (None, False, ZERO, ZERO, ZERO, S.PENDING),
        (None, True, ZERO, ZERO, ZERO, S.REQUIRES_ACTION),
        (None, False, TEN, ZERO, ZERO, S.AUTHORIZED),
        (None, True, TEN, ZERO, ZERO, S.AUTHORIZED),
        (None, False, TEN, TEN, ZERO, S.SUCCEEDED),
        (None, False, TEN, FOUR, ZERO, S.SUCCEEDED),
        (None, False, TEN, TEN, FOUR, S.SUCCEEDED),
        (None, False, TEN, FOUR, FOUR, S.REFUNDED),
        (None, False, TEN, TEN, TEN, S.REFUNDED),
        (S.FAILED, False, TEN, TEN, ZERO, S.FAILED),
        (S.CANCELED, True, TEN, TEN, TEN, S.CANCELED),
    ],
)
def test_status_follows_the_facts(
    closed: PaymentStatus | None,
    waits: bool,
    authorized: Money,
    captured: Money,
    refunded: Money,
    expected: PaymentStatus,
) -> None:
    """
    The state is a function of what is proven, and nothing else.
    """
    found = status_of(
        closed=closed,
        action_required=waits,
        authorized=authorized,
        captured=captured,
        refunded=refunded,
    )

    assert found is expected
