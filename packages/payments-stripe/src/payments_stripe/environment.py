"""
What the machine says of the way out: whose certificates are trusted, and by which proxy.

The names are those that ``requests``, curl and Python's own ``urllib`` read, so whoever
has set them for other programs has set them for this one.
"""

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
from urllib3.util import make_headers
from urllib3.util.ssl_ import create_urllib3_context

_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Proxy(NamedTuple):
    """
    Whom to ask in place of the server itself, and the headers that it wants.
    """

    url: str
    headers: dict[str, str]


def mistakes(url: str) -> Iterator[str]:
    """
    Yield what of the way to this address cannot be used, by the name of its variable.
    """
    looks: list[Callable[[], object]] = [lambda: proxy_for(url)]
    if any(map(os.environ.get, _BUNDLES)):
        looks.append(trust)
    for look in looks:
        try:
            look()
        except ValueError as error:
            yield str(error)


def trust() -> ssl.SSLContext:
    """
    Return what is trusted: the environment's file or folder, else Mozilla's list.

    Raises:
        ValueError: The environment names what cannot be read as certificates.
    """
    name = next((name for name in _BUNDLES if os.environ.get(name)), None)
    path = Path(os.environ[name]) if name else Path(certifi.where())
    context = create_urllib3_context()
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:
        raise ValueError(
            f"{name}: it must name a readable file or folder of certificates (PEM), or be unset"
            f" ({error.strerror or error})"
        ) from error
    return context


def proxy_for(url: str) -> Proxy | None:
    """
    Return the proxy that leads to this address, or None where the way is straight.

    ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``ALL_PROXY`` name one, ``NO_PROXY`` says for which
    hosts there is none: names with all below them, addresses, and ranges of addresses such as
    ``10.0.0.0/8``, which a name is not looked up for; each variable in small letters as well.

    Raises:
        ValueError: The proxy is of a kind that cannot be asked.
    """
    target = urlsplit(url)
    if proxy_bypass(target.netloc) or _in_a_range(target.hostname or ""):
        return None
    proxies = getproxies()
    found = proxies.get(target.scheme) or proxies.get("all")
    return _proxy(found, target.scheme) if found else None


def _in_a_range(host: str) -> bool:
    # Python's own `proxy_bypass` takes ranges for names.
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in _ranges(getproxies().get("no", "")))


def _ranges(names: str) -> Iterator[IPv4Network | IPv6Network]:
    for name in names.split(","):
        with suppress(ValueError):
            yield ip_network(name.strip(), strict=False)


def _proxy(address: str, scheme: str) -> Proxy:
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme not in {"http", "https"}:
        raise ValueError(
            f"{scheme.upper()}_PROXY: it must name an http or https proxy, or be unset; {parts.scheme} is not spoken"
        )
    credentials, _, place = parts.netloc.rpartition("@")
    headers = make_headers(proxy_basic_auth=unquote(credentials)) if credentials else {}
    return Proxy(f"{parts.scheme}://{place}", headers)
