"""
Reading the settings.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from payments_bootstrap.configuration import (
    ConfigurationError,
    load,
    warn_of_strangers,
)
from payments_bootstrap.ranges import ABOVE_ZERO, NOT_NEGATIVE, PORTS
from payments_bootstrap.reading import every_option
from payments_bootstrap.rules import DEVELOPMENT_ISSUER

GOOD = {
    "DATABASE__URL": "sqlite://",
    "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",
    "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one,whsec_two",
    "KEYCLOAK__ISSUER": "https://a.example/realms/x,http://keycloak:8080/realms/x",
}


def _problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(environ)
    return caught.value.problems


def test_environment() -> None:
    """
    Names with two underscores reach the nested settings; commas separate.
    """
    settings = load(GOOD | {"HTTP__PORT": "81", "WORKER__WEBHOOKS_EVERY": "5s"})

    assert settings.http.port == 81
    assert settings.worker.webhooks_every == timedelta(seconds=5)
    assert settings.payment_providers.stripe
    assert settings.payment_providers.stripe.webhook_secrets == ("whsec_one", "whsec_two")
    assert settings.keycloak.issuer == (
        "https://a.example/realms/x",
        "http://keycloak:8080/realms/x",
    )


def test_file_then_environment(tmp_path: Path) -> None:
    """
    The file is read, and the environment wins over it.
    """
    file = tmp_path / "settings.toml"
    file.write_text('[http]\nport = 1\nhost = "::1"\n[keycloak.roles]\nBoss = ["refund:any"]\n')
    settings = load(GOOD | {"SETTINGS_FILE": str(file), "HTTP__PORT": "2"})

    assert (settings.http.host, settings.http.port) == ("::1", 2)
    assert settings.keycloak.roles == {"Boss": ("refund:any",)}


def test_all_mistakes_at_once() -> None:
    """
    Everything that is missing or wrong is named in one go.
    """
    problems = _problems({"HTTP__PORT": "abc", "ENVIRONMENT": "test", "KEYCLOAK__AUDIENCE": ""})

    assert [p.partition(":")[0] for p in problems] == [
        "DATABASE__URL",
        "PAYMENT_PROVIDERS__STRIPE__API_KEY",
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET",
        "ENVIRONMENT",
        "HTTP__PORT",
        "KEYCLOAK__ISSUER",
        "KEYCLOAK__AUDIENCE",
    ]


def test_no_provider() -> None:
    """
    Where no provider has a setting, those of the default one are asked for, and why is said.
    """
    problems = _problems({k: v for k, v in GOOD.items() if "STRIPE" not in k})

    assert problems == [
        f"PAYMENT_PROVIDERS__STRIPE__{name}: it is required while DEFAULT_PROVIDER is stripe"
        for name in ("API_KEY", "WEBHOOK_SECRET")
    ]


@pytest.mark.parametrize("name", ["API_KEY", "WEBHOOK_SECRET"])
def test_half_a_provider(name: str) -> None:
    """
    Who set one thing of Stripe's is asked for the other.
    """
    left_out = f"PAYMENT_PROVIDERS__STRIPE__{name}"

    assert _problems({k: v for k, v in GOOD.items() if k != left_out}) == [
        f"{left_out}: it is required"
    ]


REFUSED = [
    ({"PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": ""}, "__WEBHOOK_SECRET: it must hold"),
    ({"PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": " , "}, "__WEBHOOK_SECRET: it must hold"),
    ({"PAYMENT_PROVIDERS__STRIPE__WEBHOOK_TOLERANCE": "0"}, "__WEBHOOK_TOLERANCE: it must be"),
    ({"KEYCLOAK__ISSUER": ""}, "KEYCLOAK__ISSUER"),
    ({"KEYCLOAK__AUDIENCE": ""}, "KEYCLOAK__AUDIENCE"),
    ({"KEYCLOAK__ISSUER": DEVELOPMENT_ISSUER}, "KEYCLOAK__ISSUER"),
    ({"KEYCLOAK__JWKS_URL": "file:///tmp/keys.json"}, "KEYCLOAK__ISSUER"),
    ({"KEYCLOAK__JWKS_URL": "ftp://keys"}, "KEYCLOAK__JWKS_URL"),
    ({"KEYCLOAK__KEYS_PAUSE": "0s"}, "KEYCLOAK__KEYS_PAUSE"),
    ({"KEYCLOAK__KEYS_STALE": "9m"}, "KEYCLOAK__KEYS_STALE"),
    ({"KEYCLOAK__ALGORITHMS": "none"}, "KEYCLOAK__ALGORITHMS"),
    ({"KEYCLOAK__ALGORITHMS": "HS256"}, "KEYCLOAK__ALGORITHMS"),
    ({"ENVIRONMENT": "development", "HTTP__HOST": "0.0.0.0"}, "HTTP__HOST"),
    (
        {"ENVIRONMENT": "development", "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_live_abcdef"},
        "API_KEY",
    ),
    ({"DATABASE__URL": "mysql://app:geheim@db/payments"}, "DATABASE"),
    ({"SETTINGS_FILE": "/nowhere.toml"}, "SETTINGS_FILE"),
    ({"DEFAULT_PROVIDER": "strip"}, "DEFAULT_PROVIDER"),
    ({"DEFAULT_PROVIDER": ""}, "DEFAULT_PROVIDER"),
    ({"HEALTH__REQUIRED": "database,postgres"}, "HEALTH__REQUIRED"),
    ({"HEALTH__REQUIRED": "database,rabbitmq"}, "HEALTH__REQUIRED"),
    ({"HEALTH__REQUIRED": "database,redis"}, "HEALTH__REQUIRED"),
    ({"REDIS__URL": "http://redis"}, "REDIS"),
    ({"KEYCLOAK__ISSUER": "realm"}, "KEYCLOAK__ISSUER: an issuer is an address"),
    ({"LOG__LEVEL": "loud"}, "LOG__LEVEL"),
    ({"HTTP__PORT": "0"}, "HTTP__PORT: it must be a port"),
    ({"HTTP__METRICS_PORT": "65536"}, "HTTP__METRICS_PORT: it must be a port"),
    ({"HTTP__WORKERS": "0"}, "HTTP__WORKERS: it must be above zero"),
    ({"WORKER__SWEEP_EVERY": "-1s"}, "WORKER__SWEEP_EVERY: it must be above zero"),
    ({"RELAY__LEASE": "0s"}, "RELAY__LEASE: it must be above zero"),
    ({"HTTP__TRUSTED_PROXIES": "-1"}, "HTTP__TRUSTED_PROXIES: it must not be below zero"),
    ({"DATABASE__POOL_SIZE": "0"}, "DATABASE__POOL_SIZE: it must be > 0"),
    ({"HEALTH__AWAY_AFTER": "14s"}, "HEALTH__AWAY_AFTER: it must be at least 3 times"),
    ({"POLICY__LEASE": "45s"}, "POLICY__LEASE"),
    ({"PAYMENT_PROVIDERS__STRIPE__DEADLINE": "17"}, "POLICY__LEASE"),
    ({"POLICY__KEY_LIFE": "24h"}, "POLICY__KEY_LIFE"),
    ({"POLICY__PROOF_AFTER": "59s"}, "POLICY__PROOF_AFTER"),
    ({"POLICY__BACKOFF": ""}, "POLICY__BACKOFF"),
    ({"POLICY__PROOF_GAP": "0s"}, "POLICY__PROOF_GAP: it must be above zero"),
    ({"POLICY__EXPIRE_AFTER": "-1h"}, "POLICY__EXPIRE_AFTER: it must be above zero"),
]


@pytest.mark.parametrize(("change", "name"), REFUSED)
def test_refused(change: dict[str, str], name: str) -> None:
    """
    What would be dangerous or cannot work does not start, and the one setting is named.
    """
    (problem,) = _problems(GOOD | change)

    assert name in problem


@pytest.mark.parametrize(
    "change",
    [
        {"DEFAULT_PROVIDER": "stripe"},
        {"HEALTH__REQUIRED": ""},
        {"HEALTH__REQUIRED": "database,rabbitmq", "RABBITMQ__URL": "amqp://broker"},
        {"HEALTH__REQUIRED": "database,redis", "REDIS__URL": "redis://redis"},
        {"POLICY__LEASE": "46s"},
        {"HEALTH__AWAY_AFTER": "15s", "HEALTH__FRESH": "0s", "HTTP__METRICS_PORT": "0"},
        {"LOG__LEVEL": "debug", "HTTP__PORT": "65535"},
        {"POLICY__KEY_LIFE": "23h59m", "POLICY__BACKOFF": "1s,2m", "POLICY__REVIEW_AFTER": "7d"},
        {"KEYCLOAK__KEYS_FRESH": "1m", "KEYCLOAK__KEYS_STALE": "1m", "KEYCLOAK__KEYS_PAUSE": "1s"},
        {"PAYMENT_PROVIDERS__STRIPE__DEADLINE": "20", "POLICY__LEASE": "70s"},
    ],
)
def test_accepted(change: dict[str, str]) -> None:
    """
    What just fits together starts.
    """
    settings = load(GOOD | change)

    assert settings.default_provider == "stripe"


@pytest.mark.parametrize(
    "change",
    [
        {"PAYMENT_PROVIDERS__STRIPE__API_KEY": "geheim"},
        {"PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "geheim"},
        {"DATABASE__URL": "mysql://app:geheim@db/payments"},
        {"HTTP__PORT": "geheim"},
        {"ENVIRONMENT": "geheim"},
        {"POLICY__LEASE": "geheim"},
    ],
)
def test_no_value_is_shown(change: dict[str, str]) -> None:
    """
    No message quotes a value: it may be a secret in the wrong place.
    """
    assert "geheim" not in str(_problems(GOOD | change))


@pytest.mark.parametrize(
    ("name", "value"),
    [("REDIS__URL", "redis"), ("RABBITMQ__URL", "amqp"), ("DATABASE__URL", "sqlite")],
)
def test_an_example_is_shown_whole(name: str, value: str) -> None:
    """
    A value that stands in the example of what to write strikes nothing out of it.
    """
    (problem,) = _problems(GOOD | {name: value})

    assert f"{value}://" in problem


def test_settings_do_not_show_secrets() -> None:
    """
    Printing the settings prints no key, secret or password.
    """
    text = repr(load(GOOD | {"DATABASE__URL": "postgresql://app:geheim@db/payments"}))

    assert not any(secret in text for secret in ("sk_test_", "whsec_", "geheim"))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HTTP__PROT", "HTTP__PORT"),
        ("METRICS__PORT", "HTTP__METRICS_PORT"),
        ("WORKERS__RELAYS", "WORKER__RELAYS"),
        ("STRIPE__API_KEY", "PAYMENT_PROVIDERS__STRIPE__API_KEY"),
        ("PAYMENT_PROVIDERS__STRIPE__APIKEY", "PAYMENT_PROVIDERS__STRIPE__API_KEY"),
        ("PAYMENT_PROVIDER", "DEFAULT_PROVIDER"),
        ("PAYMENT_PROVIDERS_STRIPE_API_KEY", "PAYMENT_PROVIDERS__STRIPE__API_KEY"),
    ],
)
def test_stranger(name: str, meant: str, caplog: pytest.LogCaptureFixture) -> None:
    """
    A name that is misspelt, or in the wrong group, is warned about with the nearest right one.
    """
    warn_of_strangers(GOOD | {name: "x"})

    assert caplog.messages == [f"{name} is no setting here; {meant} is"]


def test_names_of_others(caplog: pytest.LogCaptureFixture) -> None:
    """
    Nothing is said of settings, nor of what other programs read.
    """
    others = ("HOME", "LESS__X", "SERILOG__LEVEL", "APP__PORT", "__CF_USER", "PAYMENT_SERVICE_PORT")
    warn_of_strangers(GOOD | dict.fromkeys(others, "x"))

    assert not caplog.messages


def test_one_underscore() -> None:
    """
    A required setting that was written with one underscore is asked for by its right name.
    """
    environ = GOOD | {"DATABASE_URL": GOOD["DATABASE__URL"]}
    del environ["DATABASE__URL"]

    assert _problems(environ) == ["DATABASE__URL: it is required; did you mean it by DATABASE_URL?"]


def test_plural() -> None:
    """
    A required setting under a name that is nearly right is asked for by its right one.
    """
    secrets = "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRETS"
    environ = {name: value for name, value in GOOD.items() if f"{name}S" != secrets}
    (problem,) = _problems(environ | {secrets: "whsec_one"})

    assert problem == f"{secrets[:-1]}: it is required; did you mean it by {secrets}?"


def test_development_on_loopback() -> None:
    """
    On the developer's own machine the development issuer is accepted.
    """
    settings = load(GOOD | {"ENVIRONMENT": "development", "KEYCLOAK__ISSUER": DEVELOPMENT_ISSUER})

    assert settings.development


def test_every_range_is_of_a_setting() -> None:
    """
    No bound is kept for a name that no setting has.
    """
    known = {option.path for option in every_option()}

    assert {*ABOVE_ZERO, *NOT_NEGATIVE, *PORTS} <= known


def test_every_mistake_of_one_group() -> None:
    """
    Two mistakes in settings of the same adapter are two lines.
    """
    stripe = "PAYMENT_PROVIDERS__STRIPE"
    problems = _problems(
        GOOD | {f"{stripe}__WEBHOOK_SECRET": "", f"{stripe}__WEBHOOK_TOLERANCE": "0"}
    )

    assert [p.partition(":")[0] for p in problems] == [
        f"{stripe}__WEBHOOK_SECRET",
        f"{stripe}__WEBHOOK_TOLERANCE",
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\xfe", "it cannot be read (it is not UTF-8)"),
        (b"[http\n", "Expected ']'"),
        (b"[http]\nprt = 1\n", "http.prt"),
    ],
)
def test_file_that_says_nothing(tmp_path: Path, content: bytes, why: str) -> None:
    """
    A file that cannot be read, or names what is no setting, is one line.
    """
    file = tmp_path / "settings.toml"
    file.write_bytes(content)
    (problem,) = _problems(GOOD | {"SETTINGS_FILE": str(file)})

    assert problem.startswith("SETTINGS_FILE: ")
    assert why in problem
