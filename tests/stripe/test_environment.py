"""
The way out that the machine's environment describes.
"""

import gzip
import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from payments_core.ports.errors import ProviderUnavailable
from payments_stripe import StripePaymentProvider
from payments_stripe.environment import proxy_for, trust
from tests.stripe.peers import answer, peer, settings_for
from tests.stripe.shapes import an_intent

STRIPE = "https://api.stripe.com"
WORD = "p@ss"
NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")

PROXIES: list[tuple[Mapping[str, str], str, str | None]] = [
    ({}, STRIPE, None),
    ({"HTTPS_PROXY": "http://proxy:3128"}, STRIPE, "http://proxy:3128"),
    ({"https_proxy": "http://proxy:3128"}, STRIPE, "http://proxy:3128"),
    ({"HTTPS_PROXY": "proxy:3128"}, STRIPE, "http://proxy:3128"),
    ({"ALL_PROXY": "http://proxy:3128"}, STRIPE, "http://proxy:3128"),
    ({"HTTP_PROXY": "http://proxy:3128"}, STRIPE, None),
    ({"HTTP_PROXY": "http://proxy:3128"}, "http://simulator:9000", "http://proxy:3128"),
    ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "stripe.com"}, STRIPE, None),
    ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"}, STRIPE, None),
    ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "other.com"}, STRIPE, "http://proxy:3128"),
    *(
        ({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": no_proxy}, url, expected)
        for no_proxy, url, expected in [
            ("stripe.com, 10.0.0.0/8", "http://10.1.2.3:9000", None),
            ("10.1.2.3/8", "http://10.9.9.9", None),
            ("10.1.2.3", "http://10.1.2.3:9000", None),
            ("fd00::/8", "http://[fd00::1]:9000", None),
            ("10.0.0.0/8", "http://11.1.2.3", "http://proxy:3128"),
            ("0.0.0.0/0", "http://simulator:9000", "http://proxy:3128"),
            ("10.0.0.0/8", "http://[fd00::1]", "http://proxy:3128"),
            ("10.0.0.0/99", "http://10.1.2.3", "http://proxy:3128"),
        ]
    ),
]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An environment that says nothing.
    """
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(("environment", "url", "expected"), PROXIES)
def test_proxy(
    environment: Mapping[str, str],
    url: str,
    expected: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    The proxy is the one that other programs would take.
    """
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    found = proxy_for(url)

    assert (found and found.url) == expected


def test_proxy_is_told_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The name and password of a proxy's address reach the proxy, as they are without escapes.
    """
    with peer(answer(200, an_intent())) as server:
        place = server.url.removeprefix("http://")
        monkeypatch.setenv("HTTP_PROXY", f"http://shop:{quote(WORD)}@{place}")
        provider = StripePaymentProvider(settings_for("http://stripe.example"))

        assert provider.retrieve("pi_1").id == "pi_1"

        provider.close()
        (request,) = server.requests
        assert request.line.startswith("GET http://stripe.example/v1/payment_intents/pi_1")
        secret = b64encode(f"shop:{WORD}".encode()).decode().lower()
        assert request.headers["proxy-authorization"] == f"basic {secret}"


def test_unknown_proxy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A proxy of a kind that cannot be used is told at once, and nothing goes around it.
    """
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:1080")

    with pytest.raises(ValueError, match=r"HTTPS_PROXY.*socks5"):
        StripePaymentProvider(settings_for(STRIPE))


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unusable_certificates_are_refused(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Certificates that cannot be read are told at once, by the name of the variable.
    """
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))

    with pytest.raises(ValueError, match=r"REQUESTS_CA_BUNDLE: it must name a readable file"):
        trust()


def test_packed_answer_is_read() -> None:
    """
    An answer may come packed, as Stripe's do.
    """
    packed = gzip.compress(json.dumps(an_intent()).encode())
    with peer(answer(200, packed, Content_Encoding="gzip")) as server:
        provider = StripePaymentProvider(settings_for(server.url))

        assert provider.retrieve("pi_1").id == "pi_1"

        provider.close()
        assert "gzip" in server.requests[0].headers["accept-encoding"]


def test_packed_answer_is_bounded_too() -> None:
    """
    What is small on the wire and huge when unpacked is not read to its end.
    """
    packed = gzip.compress(b" " * 64 * 1024 * 1024)
    with peer(answer(200, packed, Content_Encoding="gzip")) as server:
        provider = StripePaymentProvider(settings_for(server.url))
        with pytest.raises(ProviderUnavailable, match="answer_too_large"):
            provider.retrieve("pi_1")
        provider.close()
