"""
The search for planted secrets finds them.
"""

import pytest

from payments_core.masking import contains_card_number
from tests.input.planted import Cards, finds


@pytest.mark.parametrize("separator", ["", " ", "-", ".", "\n", "%20", " - "])
def test_found(separator: str) -> None:
    """
    A planted card number is found where it is, whatever is between its digits.
    """
    cards = Cards()
    shown = cards("a place")
    text = f"before {separator.join((shown[:4], shown[4:8], shown[8:12], shown[12:]))} after"
    found = finds({"log": text, "table": "nothing"}, cards.planted)

    # Digits between digits are another number to this search; the masking knows better.
    assert bool(found) is ("%" not in separator)
    assert all((f.secret, f.source) == ("card number 0, in a place", "log") for f in found)


def test_card_numbers() -> None:
    """
    What is planted passes for card numbers, each another one.
    """
    cards = Cards()
    numbers = {cards(f"place {n}") for n in range(100)}

    assert len(numbers) == 100
    assert all(map(contains_card_number, numbers))


def test_words() -> None:
    """
    A key is found as it is, anywhere.
    """
    assert finds({"a": "xsk_test_abcx"}, {"key": "sk_test_abc"})
    assert not finds({"a": "sk_test_***"}, {"key": "sk_test_abc"})
