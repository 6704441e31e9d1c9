"""
Over TLS, as in production: trust is checked, and the deadline holds as well.
"""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from payments_core.ports.errors import ProviderUnavailable
from payments_stripe import StripePaymentProvider
from tests.stripe.peers import SLACK, Behaviour, answer, drip, peer, settings_for, silence
from tests.stripe.shapes import an_intent


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A file with a key and a certificate for 127.0.0.1 that nobody signed but itself.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made for a test")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + signed.public_bytes(pem)
    )
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """
    What a server needs to show it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The environment trusts the certificate, as a company's does with its own.
    """
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))


@contextmanager
def adapter(url: str) -> Iterator[StripePaymentProvider]:
    """
    An adapter that talks to this address.
    """
    provider = StripePaymentProvider(settings_for(url, max_attempts=10))
    try:
        yield provider
    finally:
        provider.close()


@pytest.mark.usefixtures("trusted")
def test_trusted_certificate(tls: ssl.SSLContext) -> None:
    """
    The certificates that the environment names are trusted.
    """
    with peer(answer(200, an_intent()), tls=tls) as server, adapter(server.url) as provider:
        assert provider.retrieve("pi_1").id == "pi_1"


def test_unknown_certificate(tls: ssl.SSLContext) -> None:
    """
    Without trust nothing is sent, and it is not tried again: it would fail again.
    """
    with peer(answer(200, an_intent()), tls=tls) as server, adapter(server.url) as provider:
        with pytest.raises(ProviderUnavailable, match="tls_failed"):
            provider.retrieve("pi_1")

        assert server.requests == []


@pytest.mark.usefixtures("trusted")
def test_certificate_of_another_name(tls: ssl.SSLContext) -> None:
    """
    A trusted certificate for another name is none.
    """
    with peer(answer(200, an_intent()), tls=tls) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        with adapter(url) as provider, pytest.raises(ProviderUnavailable, match="tls_failed"):
            provider.retrieve("pi_1")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("behaviour", [silence, drip(b"HTTP/1.1 ")])
def test_deadline_over_tls(tls: ssl.SSLContext, behaviour: Behaviour) -> None:
    """
    Encrypted or not, a call ends in time.
    """
    with peer(behaviour, tls=tls) as server, adapter(server.url) as provider:
        before = time.monotonic()
        with pytest.raises(ProviderUnavailable, match="timeout"):
            provider.retrieve("pi_1")

        assert time.monotonic() - before < 1.5 + SLACK


@pytest.mark.parametrize("behaviour", [silence, drip(b"HTTP/1.1 200 OK\r\nX-Slow: ")])
def test_deadline_through_a_proxy(behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The environment's proxy is used, and may be as slow as it likes.
    """
    with peer(behaviour) as server:
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        monkeypatch.setenv("NO_PROXY", "")
        with adapter("https://stripe.example") as provider:
            before = time.monotonic()
            with pytest.raises(ProviderUnavailable):
                provider.retrieve("pi_1")

            assert time.monotonic() - before < 1.5 + SLACK
            assert server.requests[0].line.startswith("CONNECT stripe.example:443 ")
