"""
Secrets and card numbers stay out of what is kept.
"""

from typing import Any

import pytest

from payments_stripe.masking import MASK, masked, masked_tree


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pi_1_secret_abc", MASK),
        ("seti_1_secret_abc", MASK),
        ("https://hooks.stripe.com/x?client_secret=src_client_secret_9", None),
        ("Invalid API Key provided: sk_live_****abcd", f"Invalid API Key provided: {MASK}"),
        ("rk_test_51abc", MASK),
        ("whsec_abc", MASK),
        ("4242424242424242", MASK),
        ("my card is 4242 4242 4242 4242.", f"my card is {MASK}."),
        ("378282246310005", MASK),
        ("4242-4242-4242-4242", MASK),
        # What is not a card number stays.
        ("4242424242424241", "4242424242424241"),
        ("pi_3PgafyB7WZ01zgkWSjxsAJo3", "pi_3PgafyB7WZ01zgkWSjxsAJo3"),
        ("0190c0de-0000-7000-8000-000000000001", "0190c0de-0000-7000-8000-000000000001"),
        ("order 1234", "order 1234"),
    ],
)
def test_text(text: str, expected: str | None) -> None:
    """
    A secret is hidden wherever it stands; what is around it stays.
    """
    shown = masked(text)

    assert MASK in shown or shown == text
    assert "secret_" not in shown.replace("client_secret", "")
    if expected is not None:
        assert shown == expected


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"client_secret": "x"}, {"client_secret": MASK}),
        ({"client_secret": None}, {"client_secret": None}),
        ({"card": {"number": 4242424242424242, "cvc": "123", "last4": "4242"}}, None),
        ([{"secret": "x"}], [{"secret": MASK}]),
        ({"amount": 1000, "livemode": False}, {"amount": 1000, "livemode": False}),
        ({"description": "4242424242424242"}, {"description": MASK}),
        ({"metadata": {"4242424242424242": "x"}}, {"metadata": {MASK: "x"}}),
        ({"metadata": {"sk_live_abc": {"whsec_1": 1}}}, {"metadata": {MASK: {MASK: 1}}}),
    ],
)
def test_tree(tree: Any, expected: Any) -> None:
    """
    The shape stays; only secrets are replaced.
    """
    shown = masked_tree(tree)

    if expected is None:
        expected = {"card": {"number": MASK, "cvc": MASK, "last4": "4242"}}
    assert shown == expected
