"""
What the adapter must be told, checked before anything is sent.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

_KEY: Final = re.compile(r"(sk|rk)_(live|test)_\w{3,}", re.ASCII)
_SECRET: Final = re.compile(r"whsec_\S{3,}", re.ASCII)
_ACCOUNT: Final = re.compile(r"acct_\w{3,}", re.ASCII)
_LONGEST_TOLERANCE: Final = 3600

KEYS_ARE_KEPT: Final = timedelta(hours=24)
"""
How long Stripe keeps an idempotency key at least. https://docs.stripe.com/api/idempotent_requests
"""


def _secrets(value: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """
    Accept one secret, several with commas or spaces between them, or a sequence.
    """
    return tuple(re.split(r"[\s,]+", value.strip())) if isinstance(value, str) else tuple(value)


def _check_key(_settings: Any, _field: Any, value: str) -> None:
    if not _KEY.fullmatch(value):
        raise ValueError(
            "api_key must be a secret or restricted key of Stripe, which begins with sk_live_,"
            " sk_test_, rk_live_ or rk_test_: copy it from the Dashboard, Developers, API keys"
        )


def is_live(api_key: str) -> bool:
    """
    Return whether a key moves real money.
    """
    return api_key[3:].startswith("live_")


def _check_secrets(_settings: Any, _field: Any, value: tuple[str, ...]) -> None:
    if not value or not all(_SECRET.fullmatch(secret) for secret in value):
        raise ValueError(
            "webhook_secrets must hold one signing secret or more, each beginning with whsec_:"
            " copy it from the Dashboard, Developers, Webhooks, your endpoint"
        )


def _check_base(_settings: Any, _field: Any, value: str) -> None:
    url = urlsplit(value)
    plain = url.hostname and not (url.path.strip("/") or url.query or url.username)
    if not plain or url.scheme not in {"https", "http"}:
        raise ValueError("api_base must be an address such as https://api.stripe.com")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _check_account(_settings: Any, _field: Any, value: str | None) -> None:
    if value is not None and not _ACCOUNT.fullmatch(value):
        raise ValueError(
            "account must be the id of a Stripe account, such as acct_1A2b3C, or unset"
        )


def _between(least: float, most: float, unit: str) -> Callable[[Any, Any, Any], None]:
    def check(_settings: Any, field: "attrs.Attribute[Any]", value: object) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not least <= value <= most:  # type: ignore[operator]  # number says so
            raise ValueError(f"{field.name} must be between {least} and {most} {unit}")

    return check


@attrs.frozen(kw_only=True)
class StripeSettings:
    """
    One Stripe account, and how patient to be with it.

    Whether it is about real money follows from the key: an event of the other mode is
    refused. A restricted key (``rk_…``) is enough if it may write PaymentIntents, and
    write Charges and Refunds.

    Attributes:
        api_key: The secret (``sk_…``) or restricted key; no live key in development.

        webhook_secrets: The signing secrets (``whsec_…``) of the webhook endpoint; two while
            one replaces the other.

        api_base: Where the API is. Plain http only to this machine or with a test key, for a
            simulator.

        account: The account whose events are acted on, where an event names one; those of others
            are kept and ignored.

        connect_timeout: Seconds to reach Stripe, over all its addresses.

        read_timeout: Seconds for one whole answer, however slowly it comes.

        deadline: Seconds for one call of the port, all its attempts and waits included.

        max_attempts: How often one request is sent at most.

        webhook_tolerance: Seconds that a signature may be old.

        webhook_leeway: Seconds that a signature may be ahead of our clock.

        breaker_failures: After how many calls without an answer, one after the other, no
            call is made for a while.

        breaker_pause: Seconds until Stripe is tried again then.
    """

    api_key: str = attrs.field(repr=False, validator=_check_key)
    webhook_secrets: tuple[str, ...] = attrs.field(
        repr=False, converter=_secrets, validator=_check_secrets
    )
    api_base: str = attrs.field(default="https://api.stripe.com", validator=_check_base)
    account: str | None = attrs.field(default=None, validator=_check_account)
    connect_timeout: float = attrs.field(default=3.0, validator=_between(0.1, 30, "seconds"))
    read_timeout: float = attrs.field(default=8.0, validator=_between(0.1, 60, "seconds"))
    deadline: float = attrs.field(default=12.0, validator=_between(0.1, 60, "seconds"))
    max_attempts: int = attrs.field(default=3, validator=_between(1, 10, "attempts"))
    webhook_tolerance: int = attrs.field(
        default=300, validator=_between(1, _LONGEST_TOLERANCE, "seconds")
    )
    webhook_leeway: int = attrs.field(
        default=60, validator=_between(1, _LONGEST_TOLERANCE, "seconds")
    )
    breaker_failures: int = attrs.field(default=5, validator=_between(1, 1000, "calls"))
    breaker_pause: float = attrs.field(default=10.0, validator=_between(0.1, 600, "seconds"))

    def __attrs_post_init__(self) -> None:
        """
        Keep a live key out of the clear; a key of the test mode moves no money.
        """
        url = urlsplit(self.api_base)
        if url.scheme == "http" and self.livemode and not _is_loopback(url.hostname or ""):
            raise ValueError(
                "api_base must use https with a live key; http is allowed only to this machine"
                " (127.0.0.1, localhost), or with a test key"
            )

    @property
    def livemode(self) -> bool:
        """
        Whether the key moves real money.
        """
        return is_live(self.api_key)
