"""
Settings are right before anything is sent, and keep their secrets.
"""

import subprocess
import sys
from typing import Any

import pytest

from payments_stripe import StripeSettings

KEY = "sk_test_51Simulated"
LIVE = "sk_" + "live_51Simulated"  # in two, or the search for secrets would stop here
SECRET = "whsec_abcdef"


def a_setting(**changes: Any) -> StripeSettings:
    """
    Return valid settings with some changed.
    """
    return StripeSettings(**{"api_key": KEY, "webhook_secrets": (SECRET,)} | changes)


WRONG: list[tuple[str, Any, str]] = [
    ("api_key", "", "sk_live_"),
    ("api_key", "pk_test_51Publishable", "sk_live_"),
    ("api_key", "sk_test_with space", "sk_live_"),
    ("api_key", "sk_test_51\n", "sk_live_"),
    ("webhook_secrets", (), "whsec_"),
    ("webhook_secrets", "", "whsec_"),
    ("webhook_secrets", ("",), "whsec_"),
    ("webhook_secrets", (SECRET, " "), "whsec_"),
    ("webhook_secrets", ("swordfish",), "whsec_"),
    ("api_base", "ftp://127.0.0.1", "address"),
    ("api_base", "https://api.stripe.com/v1", "address"),
    ("api_base", "https://user@api.stripe.com", "address"),
    ("api_base", "https://", "address"),
    ("account", "me", "acct_"),
    ("connect_timeout", 0, "connect_timeout"),
    ("read_timeout", -1, "read_timeout"),
    ("deadline", None, "deadline"),
    ("deadline", float("nan"), "deadline"),
    ("max_attempts", 0, "max_attempts"),
    ("webhook_tolerance", 0, "webhook_tolerance"),
    ("webhook_tolerance", None, "webhook_tolerance"),
    ("webhook_leeway", 0, "webhook_leeway"),
    ("webhook_leeway", None, "webhook_leeway"),
    ("breaker_failures", True, "breaker_failures"),
    ("breaker_pause", 0, "breaker_pause"),
]


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_what_is_wrong_is_refused_with_what_to_do(name: str, value: Any, words: str) -> None:
    """
    A mistake is found at start-up, named, and shows no secret.
    """
    with pytest.raises(ValueError, match=words) as refused:
        a_setting(**{name: value})

    assert KEY not in str(refused.value)
    assert SECRET not in str(refused.value)
    assert "swordfish" not in str(refused.value)


@pytest.mark.parametrize(
    ("key", "live"),
    [
        ("sk_live_51Real", True),
        ("rk_live_51Real", True),
        ("sk_test_51Made", False),
        ("rk_test_51Made", False),
    ],
)
def test_mode_follows_the_key(key: str, *, live: bool) -> None:
    """
    Whether money is real is not told twice.
    """
    assert a_setting(api_key=key).livemode is live


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:12111", "http://localhost:5", "http://[::1]:5", "https://x.example"]
)
@pytest.mark.parametrize("key", [KEY, LIVE])
def test_simulator_on_this_machine_needs_no_certificate(base: str, key: str) -> None:
    """
    Whatever the key, what goes to this machine passes nobody.
    """
    assert a_setting(api_base=base, api_key=key).api_base == base


@pytest.mark.parametrize("base", ["http://stripe.example", "http://127.0.0.1.example"])
def test_live_key_never_leaves_this_machine_in_the_clear(base: str) -> None:
    """
    Plain http to another machine is for test keys, as a simulator in a container has one.
    """
    with pytest.raises(ValueError, match="https with a live key"):
        a_setting(api_base=base, api_key=LIVE)

    assert a_setting(api_base=base).api_base == base


@pytest.mark.parametrize(
    "given", ["whsec_one,whsec_two", "whsec_one whsec_two", ["whsec_one", "whsec_two"]]
)
def test_several_webhook_secrets(given: Any) -> None:
    """
    An environment variable holds them with a comma or a space between.
    """
    assert a_setting(webhook_secrets=given).webhook_secrets == ("whsec_one", "whsec_two")


def test_secrets_are_not_shown() -> None:
    """
    Settings can be logged.
    """
    shown = repr(a_setting())

    assert KEY not in shown
    assert SECRET not in shown


def test_defaults_are_those_of_the_design() -> None:
    """
    One call ends well before the request that it serves, and before any lease.
    """
    settings = a_setting()

    assert (settings.connect_timeout, settings.read_timeout, settings.deadline) == (3, 8, 12)
    assert (settings.webhook_tolerance, settings.webhook_leeway) == (300, 60)
    assert settings.api_base == "https://api.stripe.com"


def test_settings_do_not_import_the_sdk() -> None:
    """
    Who only reads settings does not wait a quarter of a second for Stripe's SDK.
    """
    code = "import sys, payments_stripe; print('stripe' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "False"


def test_unknown_names_are_no_attributes() -> None:
    """
    The late import answers for one name only.
    """
    import payments_stripe

    with pytest.raises(AttributeError, match="Nothing"):
        _ = payments_stripe.Nothing
