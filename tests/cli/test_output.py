"""
Words for people.
"""

import pytest

from payments_cli.output import number_of


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 payments"), (1, "1 payment"), (2, "2 payments"), (1234, "1,234 payments")],
)
def test_one_is_no_plural(number: int, words: str) -> None:
    """
    What there is one of has no plural's ending.
    """
    assert number_of(number, "payment") == words
