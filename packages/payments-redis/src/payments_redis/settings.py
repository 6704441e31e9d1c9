"""
Where Redis is, and how little it may cost.
"""

from datetime import timedelta
from urllib.parse import urlsplit

import attrs

_SCHEMES = frozenset({"redis", "rediss", "unix"})
_SHORTEST_KEY = 32


def _address(_: object, __: object, url: str) -> None:
    if url and urlsplit(url).scheme not in _SCHEMES:
        raise ValueError("it must look like redis://:password@host:6379/0")


def _long_enough(_: object, __: object, key: str) -> None:
    if key and len(key) < _SHORTEST_KEY:
        raise ValueError(
            f"it must have {_SHORTEST_KEY} characters or more: take what `openssl rand -hex 32` prints"
        )


def _positive(_: object, attribute: "attrs.Attribute[timedelta]", value: timedelta) -> None:
    if value <= timedelta():
        raise ValueError(f"{attribute.name} must be above zero")


@attrs.frozen(kw_only=True)
class RedisSettings:
    """
    A Redis in which processes share what may be forgotten.

    Attributes:
        url: ``redis://:password@host:6379/0``; empty for none, and each process for itself.

        seal_key: Seals what is kept, the same for all processes; empty to derive it from Stripe's
            API key.

        key_prefix: Before every key, so that services can share a Redis.

        timeout: For connecting, and for each answer.

        pause: How long Redis is left alone after it failed.

        keep: How long a result is remembered at most.
    """

    url: str = attrs.field(default="", repr=False, validator=_address)
    seal_key: str = attrs.field(default="", repr=False, validator=_long_enough)
    key_prefix: str = "payment:"
    timeout: timedelta = attrs.field(default=timedelta(milliseconds=100), validator=_positive)
    pause: timedelta = attrs.field(default=timedelta(seconds=5), validator=_positive)
    keep: timedelta = attrs.field(default=timedelta(hours=24), validator=_positive)

    @property
    def configured(self) -> bool:
        """
        Whether there is a Redis.
        """
        return bool(self.url)
