"""
How adapters that hold connections are made of their settings, and what closes them.
"""

import hmac
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TypeVar

from payments_bootstrap.client_credentials import ClientCredentials
from payments_bootstrap.log_publisher import LogPublisher
from payments_bootstrap.metrics.provider import CountedProvider, CountedStripe
from payments_bootstrap.settings import PaymentProviderSettings
from payments_bootstrap.worker import Link, Part
from payments_core.ports.idempotency import IResultCache, NoResultCache
from payments_core.ports.provider import IPaymentProvider
from payments_postgres import create_engine
from payments_rabbit import RabbitConsumer, RabbitEventPublisher, RabbitSettings
from payments_redis import RedisResultCache, RedisSettings
from payments_stripe import StripePaymentProvider, StripeSettings

S = TypeVar("S")
T = TypeVar("T")


def opener(make: Callable[[S], T], close: Callable[[T], None]) -> Callable[[S, ExitStack], T]:
    """
    Return what makes a thing of its settings, and leaves its end to a stack.
    """

    def opened(settings: S, closing: ExitStack) -> T:
        thing = make(settings)
        closing.callback(close, thing)
        return thing

    return opened


# The engine's type is SQLAlchemy's, which is named in its own package alone.
open_engine = opener(create_engine, lambda engine: engine.dispose())
open_credentials = opener(ClientCredentials.of, ClientCredentials.close)


def open_stripe(settings: StripeSettings, closing: ExitStack) -> IPaymentProvider:
    """
    Return Stripe, whose calls are counted; leave its end to the stack.
    """
    provider = StripePaymentProvider(settings, watch=CountedStripe("stripe"))
    closing.callback(provider.close)
    return CountedProvider(provider)


def open_used(
    settings: PaymentProviderSettings, **opening: Callable[[], IPaymentProvider]
) -> Mapping[str, IPaymentProvider]:
    """
    Return those providers that are used; no other is opened.
    """
    return {name: opening[name]() for name in settings.used}


def publisher_of(settings: RabbitSettings) -> RabbitEventPublisher | LogPublisher:
    """
    Return the way to the broker, or to the log where there is none.
    """
    return RabbitEventPublisher(settings) if settings.configured else LogPublisher()


def results_of(
    settings: RedisSettings, stripe: StripeSettings | None, closing: ExitStack
) -> IResultCache:
    """
    Return what remembers results in front of the database; nothing where there is no Redis.
    """
    if not settings.configured:
        return NoResultCache()
    cache = RedisResultCache(settings, seal_of(settings, stripe))
    closing.callback(cache.close)
    return cache


def seal_of(settings: RedisSettings, stripe: StripeSettings | None) -> bytes:
    """
    Return the key that all processes know, and nobody else does.

    After it was changed, what stands in Redis is forgotten, and the database is asked.
    """
    known = settings.seal_key or (stripe.api_key if stripe else "")
    if not known:
        raise ValueError("seal_key of RedisSettings is required where Stripe is not used")
    return hmac.digest(known.encode(), b"results in redis", "sha256")


def ping_of(results: IResultCache) -> Callable[[], None] | None:
    """
    Return what asks Redis; None where there is none.
    """
    return results.ping if isinstance(results, RedisResultCache) else None


def links_of(
    settings: RabbitSettings,
    publisher: Callable[[], RabbitEventPublisher],
    consumer: Callable[[], RabbitConsumer],
) -> Mapping[Part, Callable[[], Link]]:
    """
    Return what makes the link of each part of the worker; none without a broker.
    """
    return {Part.RELAY: publisher, Part.CONSUMERS: consumer} if settings.configured else {}
