"""
Nothing that comes by a message is kept or passed on with a secret in it.
"""

import json

import pytest

from payments_rabbit.delivery import without_secrets


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"paymentId": "0199f3c5-1c9a-7d44-a5e2-0f8a4d9f2c11", "amount": 10.50 }',
        b"\xff\xfe no text",
        b"{ not json",
    ],
)
def test_untouched(body: bytes) -> None:
    """
    A body without secrets is handed on byte for byte, whatever it is.
    """
    assert without_secrets(body) == body


def test_masked() -> None:
    """
    In JSON the secrets are replaced where they stand; amounts keep every digit.
    """
    body = b'{"reason": "4242 4242 4242 4242", "cvc": "123", "n": 4242424242424242, "a": 129.90}'

    assert json.loads(without_secrets(body)) == {
        "reason": "[card number]",
        "cvc": "***",
        "n": "[card number]",
        "a": "129.90",
    }


@pytest.mark.parametrize(
    "body", [b"{ 4242424242424242", b"\xff 4242-4242-4242-4242", b"[" * 9999 + b"4242424242424242"]
)
def test_what_is_no_json_is_masked_too(body: bytes) -> None:
    """
    Garbage goes to the error queue, and a card number in it does not.
    """
    masked = without_secrets(body)

    assert b"[card number]" in masked
    assert b"4242" not in masked
