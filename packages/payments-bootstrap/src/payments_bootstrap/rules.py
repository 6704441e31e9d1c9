"""
Which settings do not go together, and why a service with them must not start.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from payments_bootstrap.schedule import is_schedule
from payments_bootstrap.settings import Check, PaymentProviderSettings
from payments_core.domain.reconciliation import ReconciliationPolicy
from payments_stripe import KEYS_ARE_KEPT, is_live

DEVELOPMENT_ISSUER: Final = "urn:payments:development"
"""
Who issues the tokens on a developer's machine.
"""

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

PROVIDERS: Final = tuple(field.name for field in attrs.fields(PaymentProviderSettings))
"""
The names under which providers can be configured.
"""

OPENTELEMETRY: Final = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
"""
What traces need.
"""

_BEATS: Final = 3  # one may be late, and one may be lost
_CALLS_OF_AN_OPERATION: Final = 3  # a write, and two reads of what it did
_BESIDES_CALLS: Final = timedelta(seconds=10)

_KEPT_AT_LEAST: Final = {
    "messages": (timedelta(days=62), "a reconciliation may look back over 31 days"),
    "webhooks": (timedelta(days=62), "providers still list and send what is a month old"),
    "audit": (timedelta(days=365), "who did what is asked for long after"),
}
"""
How long each history must be kept, and why.
"""

Values = Mapping[str, Any]
"""
Converted values by dotted path, or the default of what is not given or wrong; what has none is
left out.
"""


def _is_development(values: Values) -> bool:
    return str(values["environment"]) == "development"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_used(values: Values, provider: str) -> bool:
    """
    Return whether a provider has settings of its own among these.
    """
    return any(path.startswith(f"payment_providers.{provider}.") for path in values)


def _live_key(values: Values) -> bool:
    return is_live(values.get("payment_providers.stripe.api_key", "")) and _is_development(values)


def _nobody(values: Values) -> bool:
    return not any(map(str.strip, values["keycloak.issuer"]))


def _no_issuer(values: Values) -> bool:
    # Where its keys are follows from its name, if nothing else is said.
    named = () if values["keycloak.jwks_url"] else values["keycloak.issuer"]
    return any(
        urlsplit(name).scheme not in {"https", "http"}
        for name in named
        if name.strip() and name != DEVELOPMENT_ISSUER
    )


def _no_level(values: Values) -> bool:
    return values["log.level"].upper() not in LEVELS


def _nothing(values: Values) -> bool:
    return not values["keycloak.audience"].strip()


def _trusts_development(values: Values) -> bool:
    from_file = values["keycloak.jwks_url"].startswith("file:")
    return DEVELOPMENT_ISSUER in values["keycloak.issuer"] or from_file


def _development_in_production(values: Values) -> bool:
    return _trusts_development(values) and not _is_development(values)


def _development_for_everyone(values: Values) -> bool:
    return _is_development(values) and not _is_loopback(values["http.host"])


def _no_address(values: Values) -> bool:
    return urlsplit(values["keycloak.jwks_url"]).scheme not in {"", "https", "http", "file"}


def _weak_algorithm(values: Values) -> bool:
    allowed = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
    chosen = values["keycloak.algorithms"]
    return not chosen or not allowed.issuperset(chosen)


def _impatient(values: Values) -> bool:
    return bool(values["keycloak.keys_pause"] <= timedelta(0))


def _stale_before_fresh(values: Values) -> bool:
    return bool(values["keycloak.keys_stale"] < values["keycloak.keys_fresh"])


def _unknown_provider(values: Values) -> bool:
    return values["default_provider"] not in PROVIDERS


def _required(values: Values) -> frozenset[str]:
    return frozenset(values["health.required"])


def _unknown_check(values: Values) -> bool:
    return not _required(values) <= set(Check)


def _no_provider_to_check(values: Values) -> bool:
    return any(not is_used(values, name) for name in _required(values).intersection(PROVIDERS))


def _no_broker_to_check(values: Values) -> bool:
    return Check.RABBITMQ in _required(values) and not values["rabbitmq.url"]


def _no_redis_to_check(values: Values) -> bool:
    return Check.REDIS in _required(values) and not values["redis.url"]


def _no_seal(values: Values) -> bool:
    sealed = values["redis.seal_key"] or is_used(values, "stripe")
    return bool(values["redis.url"]) and not sealed


def _away_between_two_beats(values: Values) -> bool:
    return bool(values["health.away_after"] < _BEATS * values["worker.heartbeat_every"])


def _short_lease(values: Values) -> bool:
    call = timedelta(seconds=values.get("payment_providers.stripe.deadline", 0))
    return bool(values["policy.lease"] < _CALLS_OF_AN_OPERATION * call + _BESIDES_CALLS)


def _no_schedule_of(name: str) -> Callable[[Values], bool]:
    def broken(values: Values) -> bool:
        schedule = values[f"{name}.schedule"]
        return bool(schedule) and not is_schedule(schedule)

    return broken


def _gone_too_soon(name: str, least: timedelta) -> Callable[[Values], bool]:
    def broken(values: Values) -> bool:
        kept: timedelta = values[f"retention.{name}"]
        return kept != timedelta(0) and kept < least

    return broken


def _long_lookback(values: Values) -> bool:
    return not timedelta(0) < values["reconcile.lookback"] <= ReconciliationPolicy().longest


def _keys_outlive_the_providers(values: Values) -> bool:
    return bool(values["policy.key_life"] >= KEYS_ARE_KEPT)


def _proof_within_a_lease(values: Values) -> bool:
    return bool(values["policy.proof_after"] < values["policy.lease"])


def _no_opentelemetry(values: Values) -> bool:
    return values["tracing.enabled"] and not all(map(_is_installed, OPENTELEMETRY))


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _no_waits(values: Values) -> bool:
    return not (values["policy.backoff"] and values["policy.spent_backoff"])


RULES: Final[tuple[tuple[str, Callable[[Values], bool], str], ...]] = (
    (
        "payment_providers.stripe.api_key",
        _live_key,
        "a live key must not be used in development; take a test key",
    ),
    (
        "keycloak.issuer",
        _nobody,
        "name at least one issuer whose tokens are accepted",
    ),
    (
        "keycloak.issuer",
        _no_issuer,
        "an issuer is an address such as https://sso.example/realms/shop",
    ),
    ("log.level", _no_level, f"it must be one of {', '.join(LEVELS)}"),
    (
        "keycloak.audience",
        _nothing,
        "it must not be empty, or tokens for other services would be accepted",
    ),
    (
        "keycloak.issuer",
        _development_in_production,
        "the development issuer and keys from a file are accepted with ENVIRONMENT=development alone",
    ),
    (
        "http.host",
        _development_for_everyone,
        "in development only this machine may call; use 127.0.0.1",
    ),
    ("keycloak.jwks_url", _no_address, "it must be an http or https address"),
    (
        "keycloak.algorithms",
        _weak_algorithm,
        "only signatures with a public key are accepted, such as RS256 and ES256",
    ),
    (
        "keycloak.keys_pause",
        _impatient,
        "it must be more than nothing, or tokens with made-up keys would flood the issuer",
    ),
    (
        "keycloak.keys_stale",
        _stale_before_fresh,
        "it must not be shorter than KEYCLOAK__KEYS_FRESH",
    ),
    (
        "default_provider",
        _unknown_provider,
        f"no provider of this name is configured; there is {', '.join(PROVIDERS)}",
    ),
    (
        "health.required",
        _unknown_check,
        f"there are no other checks than {', '.join(Check)}",
    ),
    (
        "health.required",
        _no_provider_to_check,
        "a provider cannot be required while none of its settings is set",
    ),
    (
        "health.required",
        _no_broker_to_check,
        "rabbitmq cannot be required while RABBITMQ__URL is empty",
    ),
    (
        "health.required",
        _no_redis_to_check,
        "redis cannot be required while REDIS__URL is empty",
    ),
    (
        "redis.seal_key",
        _no_seal,
        "it is required while Stripe is not used; give all processes what `openssl rand -hex 32` prints",
    ),
    (
        "health.away_after",
        _away_between_two_beats,
        f"it must be at least {_BEATS} times WORKER__HEARTBEAT_EVERY",
    ),
    (
        "policy.lease",
        _short_lease,
        f"it must be at least {_CALLS_OF_AN_OPERATION} times PAYMENT_PROVIDERS__STRIPE__DEADLINE and {_BESIDES_CALLS.seconds} s more",
    ),
    (
        "reconcile.schedule",
        _no_schedule_of("reconcile"),
        'it must be a cron expression of five fields, such as "30 3 * * *", or empty',
    ),
    (
        "retention.schedule",
        _no_schedule_of("retention"),
        'it must be a cron expression of five fields, such as "40 4 * * *", or empty',
    ),
    *(
        (
            f"retention.{name}",
            _gone_too_soon(name, least),
            f"it must be at least {least.days} days, or 0 to keep everything: {why}",
        )
        for name, (least, why) in _KEPT_AT_LEAST.items()
    ),
    (
        "reconcile.lookback",
        _long_lookback,
        f"it must be above zero and at most {ReconciliationPolicy().longest.days} days",
    ),
    (
        "policy.key_life",
        _keys_outlive_the_providers,
        "it must be under 24h: later Stripe may have forgotten the key, and would do it twice",
    ),
    (
        "policy.proof_after",
        _proof_within_a_lease,
        "it must be at least POLICY__LEASE, or absence would be proven while a sender may send",
    ),
    (
        "policy.backoff",
        _no_waits,
        "POLICY__BACKOFF and POLICY__SPENT_BACKOFF need one wait at least",
    ),
    (
        "tracing.enabled",
        _no_opentelemetry,
        "OpenTelemetry is not installed; install payments-bootstrap[otel]",
    ),
)
"""
The setting to change, when it must not stay so, and what to do.
"""


def broken_rules(values: Values) -> Iterator[tuple[str, str]]:
    """
    Yield the setting and the sentence of each rule that does not hold.
    """
    for path, broken, sentence in RULES:
        if broken(values):
            yield path, sentence
