"""
Which settings do not go together, and why a service with them must not start.
"""

from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

DEVELOPMENT_ISSUER: Final = "urn:payments:development"
"""
Who issues the tokens on a developer's machine.
"""

Values = Mapping[str, Any]
"""
Converted values by dotted path; those that are missing or wrong are left out.
"""


def _is_development(values: Values) -> bool:
    return str(values.get("environment")) == "development"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _live_key(values: Values) -> bool:
    key = values.get("payment_providers.stripe.api_key", "")
    return "_live_" in str(key) and _is_development(values)


def _nobody(values: Values) -> bool:
    return not any(map(str.strip, values.get("keycloak.issuer", ())))


def _nothing(values: Values) -> bool:
    return not values.get("keycloak.audience", "payment-service").strip()


def _trusts_development(values: Values) -> bool:
    return DEVELOPMENT_ISSUER in values.get("keycloak.issuer", ()) or str(
        values.get("keycloak.jwks_url", "")
    ).startswith("file:")


def _development_in_production(values: Values) -> bool:
    return _trusts_development(values) and not _is_development(values)


def _development_for_everyone(values: Values) -> bool:
    return _is_development(values) and not _is_loopback(values.get("http.host", "127.0.0.1"))


def _no_address(values: Values) -> bool:
    return urlsplit(values.get("keycloak.jwks_url", "")).scheme not in {
        "",
        "https",
        "http",
        "file",
    }


def _weak_algorithm(values: Values) -> bool:
    allowed = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
    chosen = values.get("keycloak.algorithms", ("RS256",))
    return not chosen or not allowed.issuperset(chosen)


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
