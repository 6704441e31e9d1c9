"""
Stripe's API through its SDK, as JSON.

The SDK's own objects would be made of each answer to be taken apart again, for more than a third
of a call's processor time: of all that an answer holds a dozen fields are read.
"""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import stripe

from payments_stripe.settings import StripeSettings
from payments_stripe.transport import Transport

Json = Mapping[str, Any]

# It writes an id into the home directory, and fails where there is none.
stripe.enable_telemetry = False


class Calls:
    """
    Sends requests with the settings' key and the SDK's own version of the API.

    Each raises what the SDK raises, a `stripe.StripeError`, and what the transport does.
    """

    def __init__(self, settings: StripeSettings, transport: Transport) -> None:
        # The SDK writes whole bodies, client secrets included, to its debug log.
        log = logging.getLogger("stripe")
        log.setLevel(max(log.getEffectiveLevel(), logging.INFO))
        self._client = stripe.StripeClient(
            settings.api_key,
            base_addresses={"api": settings.api_base.rstrip("/")},
            max_network_retries=0,
            http_client=transport,
        )

    def post(self, *path: str, params: Json, key: str) -> stripe.StripeResponse:
        """
        Write something, at most once under an idempotency key.
        """
        written: stripe.StripeResponse = self._client.raw_request(
            "post", _address(path), **params, idempotency_key=key
        )
        return written

    def get(self, *path: str, params: Json | None = None) -> Any:
        """
        Return an object or a page of a listing, as JSON.
        """
        return self._client.raw_request("get", _address(path), **(params or {})).data


def _address(path: tuple[str, ...]) -> str:
    return "/".join(("/v1", *(quote(part, safe="") for part in path)))
