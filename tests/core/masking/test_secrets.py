"""
Secrets are hidden wherever they stand; what is around them stays.
"""

import json
from typing import Any

import pytest

from payments_core.masking import mask, mask_tree

CARD = "[card number]"

TEXTS = [
    ("pi_1_secret_abc", "pi_1_secret_***"),
    ("seti_1_secret_abc", "seti_1_secret_***"),
    ("cs_test_a1B2_secret_fid%2Fab-c", "cs_test_a1B2_secret_***"),
    ("https://x.example/?client_secret=src_client_secret_9&a=1", None),
    ("Invalid API Key provided: sk_live_****abcd", "Invalid API Key provided: sk_live_***"),
    ("key sk_live_51Habc,", "key sk_live_***,"),
    ("rk_test_51abc", "rk_test_***"),
    ("whsec_abcDEF123+/=", "whsec_***"),
    ("token eyJhbGciOi.eyJzdWIi.c2ln", "token eyJ***"),
    ("Authorization: Bearer abcdef", "Authorization: Bearer ***"),
    ("{'Authorization': 'Basic dXNlcg=='}", "{'Authorization': 'Basic ***'}"),
    ("sent bearer 8b5e1d9c70a94f6e with it", "sent bearer *** with it"),
    ("postgresql://app:p@ss:word@db/payments", "postgresql://app:***@db/payments"),
    ("redis://:hunter2@cache:6379/0", "redis://:***@cache:6379/0"),
    ("host=db password=hunter2 user=app", "host=db password=*** user=app"),
    ('{"cvc": "123", "a": 1}', '{"cvc": "***", "a": 1}'),
    ("{'cvv2': 123}", "{'cvv2': ***}"),
    ("?cvc=123&x=1", "?cvc=***&x=1"),
    ("4242424242424242", CARD),
    ("my card is 4242 4242 4242 4242.", f"my card is {CARD}."),
    ("378282246310005", CARD),
    ("4242-4242-4242-4242", CARD),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_text(text: str, expected: str | None) -> None:
    """
    A secret is hidden wherever it stands; what is around it stays.
    """
    shown = mask(text)

    assert shown != text
    assert "secret_9" not in shown
    if expected is not None:
        assert shown == expected


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_masked_once_is_masked(text: str, expected: str | None) -> None:
    """
    To mask again what was masked changes nothing.
    """
    del expected

    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",  # fails the check digit
        "pi_3PgafyB7WZ01zgkWSjxsAJo3",
        "0190c0de-0000-7000-8000-000000000001",
        "order 1234",
        "The secret of a good bearer is patience.",
        "Send an access token: Authorization: ",
        "https://api.stripe.com/v1/refunds",
    ],
)
def test_the_rest_stays(text: str) -> None:
    """
    What is no secret is shown as it is.
    """
    assert mask(text) == text


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"client_secret": "x"}, {"client_secret": "***"}),
        ({"clientSecret": "x"}, {"clientSecret": "***"}),
        ({"client_secret": None}, {"client_secret": None}),
        (
            {"card": {"number": 4242424242424242, "cvc": "123", "last4": "4242"}},
            {"card": {"number": "***", "cvc": "***", "last4": "4242"}},
        ),
        ([{"secret": "x"}], [{"secret": "***"}]),
        ({"amount": 1000, "livemode": False}, {"amount": 1000, "livemode": False}),
        ({"description": "4242424242424242"}, {"description": CARD}),
        ({"metadata": {"n": 4242424242424242}}, {"metadata": {"n": CARD}}),
        ({"metadata": {"n": 4242424242424242.0}}, {"metadata": {"n": f"{CARD}.0"}}),
        ({"metadata": {"4242424242424242": "x"}}, {"metadata": {CARD: "x"}}),
        (
            {"metadata": {"sk_live_abc": {"whsec_1": 1}}},
            {"metadata": {"sk_live_***": {"whsec_***": 1}}},
        ),
    ],
)
def test_tree(tree: Any, expected: Any) -> None:
    """
    The shape stays; only secrets are replaced, and numbers can be such too.
    """
    shown = mask_tree(tree)

    assert shown == expected
    assert json.loads(json.dumps(shown)) == shown
