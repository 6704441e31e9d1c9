"""
API keys: the secret one for servers, the publishable one for browsers.
"""

from __future__ import annotations

import base64

from stripe_simulator.api import Operation
from stripe_simulator.errors import ApiError
from stripe_simulator.settings import Settings

SHOWN = 4


def is_publishable(operation: Operation, authorization: str, settings: Settings) -> bool:
    """
    Whether a browser calls.

    Raises:
        ApiError: 401 for a wrong or missing key, 403 when the publishable key is not enough.
    """
    key = _key(authorization)
    if key == settings.api_key:
        return False
    if key != settings.publishable_key:
        raise ApiError(_message(key), status=401, executed=False)
    if not operation.publishable:
        message = (
            "This API call cannot be made with a publishable API key. Please use a secret API key."
            " You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys."
        )
        raise ApiError(message, status=403, code="secret_key_required", executed=False)
    return True


def _key(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except ValueError:
            return ""
    return ""


def _message(key: str) -> str:
    if key:
        hidden = "*" * max(len(key) - 3 * SHOWN, SHOWN)
        return f"Invalid API Key provided: {key[: 2 * SHOWN]}{hidden}{key[-SHOWN:]}"
    return (
        "You did not provide an API key. You need to provide your API key in the Authorization"
        " header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See"
        " https://stripe.com/docs/api#authentication for details, or we can help at"
        " https://support.stripe.com/."
    )
