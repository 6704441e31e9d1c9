"""
Who signed a delivery, and when: the header ``Stripe-Signature`` over the raw bytes.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from payments_core.ports.errors import WebhookSignatureInvalid, WebhookTimestampInvalid
from payments_stripe.settings import StripeSettings

_LONGEST_HEADER: Final = 4096
_TIME: Final = re.compile(r"[0-9]{1,11}", re.ASCII)


def verify(payload: bytes, header: str, settings: StripeSettings, now: datetime) -> None:
    """
    Return if one of our secrets signed a delivery, lately.

    Raises:
        WebhookSignatureInvalid: None of them did.
        WebhookTimestampInvalid: One did too long ago, or in the future.
    """
    time, signatures = _parts(header)
    signed = str(time).encode() + b"." + payload
    if not _fits(signed, signatures, settings.webhook_secrets):
        raise WebhookSignatureInvalid(
            "No configured secret made this signature; compare webhook_secrets with the"
            " signing secret of the endpoint in Stripe's Dashboard"
        )
    age = int(now.timestamp()) - time
    if not -settings.webhook_leeway <= age <= settings.webhook_tolerance:
        raise WebhookTimestampInvalid(
            f"The delivery was signed {age} seconds ago; check this machine's clock"
        )


def _fits(signed: bytes, signatures: Sequence[bytes], secrets: Sequence[str]) -> bool:
    expected = [
        hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets
    ]
    # All of them are compared, so that the time tells nothing.
    fits = [hmac.compare_digest(e, s) for e in expected for s in signatures]
    return any(fits)


def _parts(header: str) -> tuple[int, list[bytes]]:
    """
    Return the time and the signatures of a header such as ``t=1700000000,v1=…,v1=…``.
    """
    pairs = [part.partition("=") for part in header[:_LONGEST_HEADER].split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    signatures = [value.encode(errors="replace") for name, _, value in pairs if name == "v1"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not signatures:
        raise WebhookSignatureInvalid("The header Stripe-Signature is not t=…,v1=…")
    return int(times[0]), signatures
