"""
Which tokens are believed.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from payments_bootstrap import Container
from payments_bootstrap.configuration import load
from payments_http.app import create_app

Api = Any
Claims = dict[str, Any]

NOW = int(time.time())

BAD_CLAIMS: dict[str, Claims] = {
    "exp missing": {"exp": None},
    "exp far away": {"exp": 10**30},
    "exp is text": {"exp": "tomorrow"},
    "lives too long": {"exp": NOW + 25 * 3600},
    "iat missing": {"iat": None},
    "iat in the future": {"iat": NOW + 600, "exp": NOW + 900},
    "nbf in the future": {"nbf": NOW + 600},
    "other realm": {"iss": "https://issuer.example/realms/other"},
    "issuer with slash": {"iss": "https://issuer.example/realms/ecommerce-realm/"},
    "issuer is a list": {"iss": ["https://issuer.example/realms/ecommerce-realm"]},
    "issuer missing": {"iss": None},
    "audience of another": {"aud": "account"},
    "audiences of others": {"aud": ["account", "shop"]},
    "audience missing": {"aud": None},
    "audience is a number": {"aud": 5},
    "subject missing": {"sub": None},
    "subject empty": {"sub": ""},
    "subject is a number": {"sub": 5},
    "refresh token": {"typ": "Refresh"},
    "ID token": {"typ": "ID"},
    "no kind": {"typ": None},
}


@pytest.mark.parametrize("name", sorted(BAD_CLAIMS))
def test_bad_claims(api: Api, name: str) -> None:
    """
    A token that says something wrong, or not enough, is refused.
    """
    api.token = api.issuer.sign(api.issuer.claims(**BAD_CLAIMS[name]))
    answer = api.get("/api/payments")

    assert answer.status_code == 401
    assert answer.get_json()["code"] == "token_invalid"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("ago", "status"), [(31, 401), (28, 403)])
def test_leeway(api: Api, ago: int, status: int) -> None:
    """
    Clocks may differ by half a minute.
    """
    now = int(time.time())
    api.token = api.issuer.sign(api.issuer.claims(iat=now - 100, exp=now - ago))
    answer = api.get("/api/payments")

    assert answer.status_code == status
    if status == 401:
        assert answer.get_json()["code"] == "token_expired"


@pytest.mark.parametrize(
    "claims",
    [{"aud": ["account", "payment-service"]}, {"nbf": NOW}, {"azp": None}, {"exp": NOW + 3600.5}],
)
def test_good_claims(api: Api, claims: Claims) -> None:
    """
    These are accepted: what is missing for the list is a role.
    """
    api.token = api.issuer.sign(api.issuer.claims(**claims))

    assert api.get("/api/payments").status_code == 403


def test_access_token_by_rfc_9068(api: Api) -> None:
    """
    Issuers other than Keycloak say in the header that it is an access token.
    """
    api.token = api.issuer.sign(api.issuer.claims(typ=None), typ="at+jwt")

    assert api.get("/api/payments").status_code == 403


def _b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(api: Api) -> str:
    return f"{_b64({'alg': 'none', 'kid': 'key-1'})}.{_b64(api.issuer.claims())}."


def _signed_with_the_public_key(api: Api) -> str:
    secret = api.issuer.key.as_pem(private=False)
    signed = f"{_b64({'alg': 'HS256', 'kid': 'key-1'})}.{_b64(api.issuer.claims())}"
    code = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"


def _signed_by_another(api: Api) -> str:
    key = RSAKey.generate_key(2048)
    return jwt.encode({"alg": "RS256", "kid": "key-1"}, api.issuer.claims(), key)


def _brings_its_key(api: Api) -> str:
    key = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "kid": "key-1", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, api.issuer.claims(), key)


def _of_another_algorithm(api: Api) -> str:
    key = ECKey.generate_key("P-256")
    return jwt.encode({"alg": "ES256", "kid": "key-1"}, api.issuer.claims(), key)


def _without_key_id(api: Api) -> str:
    return str(api.issuer.sign(api.issuer.claims(), kid=None))


def _key_id_is_a_list(api: Api) -> str:
    _, claims, signature = api.issuer.sign(api.issuer.claims()).split(".")
    return f"{_b64({'alg': 'RS256', 'kid': ['key-1']})}.{claims}.{signature}"


def _algorithm_is_a_list(api: Api) -> str:
    _, claims, signature = api.issuer.sign(api.issuer.claims()).split(".")
    return f"{_b64({'alg': ['RS256'], 'kid': 'key-1'})}.{claims}.{signature}"


def _critical(api: Api) -> str:
    _, claims, signature = api.issuer.sign(api.issuer.claims()).split(".")
    odd = {"alg": "RS256", "kid": "key-1", "crit": ["x"], "x": 1}
    return f"{_b64(odd)}.{claims}.{signature}"


def _changed(api: Api) -> str:
    head, _, signature = api.issuer.token("Customer").split(".")
    return f"{head}.{_b64(api.issuer.claims(realm_access={'roles': ['Admin']}))}.{signature}"


FORGED: dict[str, Callable[[Api], str]] = {
    "garbage": lambda _: "a.b.c",
    "one word": lambda _: "abc",
    "five parts": lambda _: "a.b.c.d.e",
    "a megabyte": lambda _: "e" * 1_000_000,
    "unsigned": _unsigned,
    "signed with the public key": _signed_with_the_public_key,
    "signed by another": _signed_by_another,
    "brings its key": _brings_its_key,
    "of another algorithm": _of_another_algorithm,
    "without key id": _without_key_id,
    "key id is a list": _key_id_is_a_list,
    "algorithm is a list": _algorithm_is_a_list,
    "critical header": _critical,
    "changed after signing": _changed,
    "unknown key": lambda api: api.issuer.sign(api.issuer.claims(), kid="key-9"),
}


@pytest.mark.parametrize("name", sorted(FORGED))
def test_forged(api: Api, name: str) -> None:
    """
    What the issuer's key did not sign as the settings allow is refused, and never an error.
    """
    api.token = FORGED[name](api)
    answer = api.get("/api/payments")

    assert answer.status_code == 401
    assert answer.get_json()["code"] == "token_invalid"


@pytest.mark.parametrize("kind", ["jku", "x5u"])
def test_no_key_is_fetched_from_a_token(api: Api, kind: str) -> None:
    """
    An address in a token is never asked for a key; the test's closed door would tell.
    """
    header = {kind: "https://attacker.example/keys.json"}
    api.token = api.issuer.sign(api.issuer.claims(), **header)

    assert api.get("/api/payments").status_code in {401, 403}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token x", "x"])
def test_no_bearer(api: Api, header: str | None) -> None:
    """
    Without a bearer token nobody gets in, and is told how to.
    """
    headers = {} if header is None else {"Authorization": header}
    answer = api.get("/api/payments", headers=headers)

    assert answer.status_code == 401
    assert answer.get_json()["code"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_token_in_the_address(api: Api) -> None:
    """
    A token in the address, which logs keep, is not looked at.
    """
    token = api.issuer.token("Admin")

    assert api.get(f"/api/payments?access_token={token}").status_code == 401


def test_two_tokens(api: Api) -> None:
    """
    Two headers, joined as servers do, are no token.
    """
    token = api.issuer.token("Admin")
    answer = api.get("/api/payments", headers={"Authorization": f"Bearer {token},Bearer {token}"})

    assert answer.status_code == 401


def test_issuer_was_never_there(issuer: Any, environ: dict[str, str], tmp_path: Path) -> None:
    """
    Before the first keys nobody can be judged: 503, and try again.
    """
    nowhere = environ | {"KEYCLOAK__JWKS_URL": (tmp_path / "jwks.json").as_uri()}
    client = create_app(Container(settings=load(nowhere))).test_client()
    headers = {"Authorization": f"Bearer {issuer.token('Admin')}"}
    answer = client.get("/api/payments", headers=headers)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
