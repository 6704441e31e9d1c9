"""
Who is let in at all: what a good token says, and in which header it comes.
"""

import json
import time
from pathlib import Path
from typing import Any

import attrs
import pytest
from joserfc.jwk import RSAKey
from werkzeug.datastructures import Headers

from payments_bootstrap import Container
from payments_bootstrap.configuration import load
from payments_bootstrap.settings import KeycloakSettings
from payments_http.app import create_app
from payments_http.keys import IssuerKeys
from payments_http.problems import Problem
from payments_http.tokens import TokenVerifier
from tests.http.refusals import GOOD_HEADER, PLACE, ask, assert_refused

Api = Any
Issuer = Any
Claims = dict[str, Any]


NO_BEARER: dict[str, list[str]] = {
    "no header": [],
    "empty": [""],
    "Basic": ["Basic YTpi"],
    "another scheme": ["Token x"],
    "one word": ["x"],
    "Bearer alone": ["Bearer"],
    "Bearer and a blank": ["Bearer "],
}


@pytest.mark.parametrize("name", sorted(NO_BEARER))
def test_no_bearer(api: Api, name: str) -> None:
    """
    Without a bearer token nobody gets in, and is told how to.
    """
    headers = Headers([("Authorization", value) for value in NO_BEARER[name]])

    assert_refused(api.get(PLACE, headers=headers), "unauthenticated")


def test_token_in_the_address(api: Api) -> None:
    """
    A token in the address, which logs keep, is not looked at.
    """
    token = api.issuer.token("Admin")

    assert_refused(api.get(f"{PLACE}?access_token={token}"), "unauthenticated")


def test_token_in_the_body(api: Api) -> None:
    """
    A token in a form is not looked at either.
    """
    form = {"access_token": api.issuer.token("Admin")}

    assert_refused(api.call("POST", PLACE, data=form), "unauthenticated")


def test_two_headers(api: Api) -> None:
    """
    Two good tokens in two headers are none.
    """
    token = api.issuer.token("Admin")
    twice = Headers([("Authorization", f"Bearer {token}")] * 2)

    assert_refused(api.client.get(PLACE, headers=twice), "token_invalid")


NOW = int(time.time())

BAD_CLAIMS: dict[str, Claims] = {
    "exp missing": {"exp": None},
    "exp far away": {"exp": 10**30},
    "exp beyond numbers": {"exp": 10**400},
    "exp is text": {"exp": "tomorrow"},
    "exp is true": {"exp": True},
    "exp is a list": {"exp": [NOW + 300]},
    "exp is no number": {"exp": float("nan")},
    "exp is endless": {"exp": float("inf")},
    "lives too long": {"exp": NOW + 25 * 3600},
    "iat missing": {"iat": None},
    "iat in the future": {"iat": NOW + 600, "exp": NOW + 900},
    "iat is no number": {"iat": float("nan")},
    "iat is endless": {"iat": float("-inf")},
    "nbf in the future": {"nbf": NOW + 600},
    "nbf is text": {"nbf": "x"},
    "other realm": {"iss": "https://issuer.example/realms/other"},
    "issuer with slash": {"iss": "https://issuer.example/realms/ecommerce-realm/"},
    "issuer in capitals": {"iss": "https://ISSUER.example/realms/ecommerce-realm"},
    "issuer is a list": {"iss": ["https://issuer.example/realms/ecommerce-realm"]},
    "issuer missing": {"iss": None},
    "audience of another": {"aud": "account"},
    "audiences of others": {"aud": ["account", "shop"]},
    "audience in part": {"aud": "payment-service-2"},
    "audience missing": {"aud": None},
    "audience is a number": {"aud": 5},
    "audience is an object": {"aud": {"payment-service": True}},
    "audience is empty": {"aud": []},
    "subject missing": {"sub": None},
    "subject empty": {"sub": ""},
    "subject is a number": {"sub": 5},
    "subject is a list": {"sub": ["alice"]},
    "subject too long": {"sub": "a" * 256},
    "subject with U+0000": {"sub": "ali\x00ce"},
    "subject with a line break": {"sub": "alice\nroot"},
    "subject beyond ASCII": {"sub": "\u0430lice"},
    "refresh token": {"typ": "Refresh"},
    "offline token": {"typ": "Offline"},
    "ID token": {"typ": "ID"},
    "logout token": {"typ": "Logout"},
    "no kind": {"typ": None},
    "kind is a list": {"typ": ["Bearer"]},
}


@pytest.mark.parametrize("name", sorted(BAD_CLAIMS))
def test_bad_claims(api: Api, name: str) -> None:
    """
    A token that says something wrong, or not enough, is refused, rightly signed as it is.
    """
    claims = json.dumps(api.issuer.claims(**BAD_CLAIMS[name]))

    assert_refused(ask(api, api.issuer.stamp(GOOD_HEADER, claims)), "token_invalid")


NO_CLAIMS = ["", "null", "[]", '"x"', "5", "{", "[" * 100_000, '{"exp": ' + "9" * 5000 + "}"]


@pytest.mark.parametrize("claims", NO_CLAIMS, ids=[c[:9] for c in NO_CLAIMS])
def test_no_claims(api: Api, claims: str) -> None:
    """
    What is rightly signed and no object of JSON is refused, and never an error.
    """
    assert_refused(ask(api, api.issuer.stamp(GOOD_HEADER, claims)), "token_invalid")


@pytest.mark.parametrize(("ago", "code"), [(31, "token_expired"), (3600, "token_expired")])
def test_expired(api: Api, ago: int, code: str) -> None:
    """
    An expired token is told from a bad one: a new one helps.
    """
    now = int(time.time())
    token = api.issuer.sign(api.issuer.claims(iat=now - ago - 60, exp=now - ago))

    assert_refused(ask(api, token), code)


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({"exp": NOW - 29}, True),
        ({"exp": NOW - 30}, False),
        ({"iat": NOW + 30}, True),
        ({"iat": NOW + 31}, False),
        ({"nbf": NOW + 30}, True),
        ({"nbf": NOW + 31}, False),
        ({"iat": NOW, "exp": NOW + 86_400}, True),
        ({"iat": NOW, "exp": NOW + 86_401}, False),
    ],
)
def test_clocks(container: Container, issuer: Issuer, changes: Claims, *, good: bool) -> None:
    """
    Clocks may differ by half a minute, and a token may live a day; to the second.
    """
    keys = IssuerKeys(lambda: {"keys": [issuer.key.as_dict(private=False)]})
    verifier = TokenVerifier(container.settings().keycloak, keys, clock=lambda: NOW)
    claims = issuer.claims(**({"iat": NOW - 100, "exp": NOW + 100} | changes))
    token = issuer.sign(claims)
    try:
        accepted = verifier.verify(token) == claims
    except Problem:
        accepted = False

    assert accepted is good


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["account", "payment-service"]},
        {"nbf": NOW},
        {"azp": None},
        {"exp": NOW + 3600.5},
        {"sub": "f:2b7e1c1a:alice@example.com"},
        {"sub": "a" * 255},
    ],
)
def test_good_claims(api: Api, claims: Claims) -> None:
    """
    These are accepted: what is missing for the list is a role.
    """
    answer = ask(api, api.issuer.sign(api.issuer.claims(**claims)))

    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("claim", "header", "good"),
    [
        ("Bearer", None, True),
        ("Bearer", "JWT", True),
        ("Bearer", "ID", True),
        (None, "at+jwt", True),
        (None, "application/at+jwt", True),
        (None, "JWT", False),
        (None, "ID", False),
        ("ID", "at+jwt", False),
        ("DPoP", "at+jwt", False),
    ],
)
def test_kinds(api: Api, claim: str | None, header: str | None, *, good: bool) -> None:
    """
    Keycloak says in the claims that it is an access token; others in the header (RFC 9068).
    """
    answer = ask(api, api.issuer.sign(api.issuer.claims(typ=claim), typ=header))

    assert answer.status_code == (403 if good else 401)


@pytest.mark.parametrize("name", ["exp", "aud", "realm_access"])
def test_a_claim_twice(api: Api, name: str) -> None:
    """
    Of a claim that the issuer wrote twice the last counts, for every check alike.
    """
    claims = json.dumps(api.issuer.claims(realm_access={"roles": ["Ops"]}))
    bad: dict[str, Any] = {"exp": 1, "aud": "account", "realm_access": {}}
    first = claims.replace("{", f'{{"{name}": {json.dumps(bad[name])}, ', 1)
    last = f'{claims[:-1]}, "{name}": {json.dumps(bad[name])}}}'

    assert ask(api, api.issuer.stamp(GOOD_HEADER, first)).status_code == 200
    assert ask(api, api.issuer.stamp(GOOD_HEADER, last)).status_code in {401, 403}


def test_refusals_repeat_nothing(api: Api) -> None:
    """
    A refusal shows neither the token nor a part of it, and no word of the library's.
    """
    token = api.issuer.sign(api.issuer.claims(aud="account", sub="somebody-in-particular"))
    answer = ask(api, token)

    assert not any(part in answer.text for part in (*token.split("."), "somebody", "account"))
    assert answer.get_json()["detail"] == "The token is not valid here."


def test_issuer_was_never_there(issuer: Issuer, environ: dict[str, str], tmp_path: Path) -> None:
    """
    Before the first keys nobody can be judged: 503, and try again.
    """
    nowhere = environ | {"KEYCLOAK__JWKS_URL": (tmp_path / "jwks.json").as_uri()}
    client = create_app(Container(settings=load(nowhere))).test_client()
    headers = {"Authorization": f"Bearer {issuer.token('Admin')}"}
    answer = client.get(PLACE, headers=headers)

    assert (answer.status_code, answer.get_json()["code"]) == (503, "identity_unavailable")
    assert answer.headers["Retry-After"]


def test_a_remembered_token_ends_with_its_time_and_its_key(issuer: Issuer) -> None:
    """
    A signature is checked once; the time is looked at each time, and so is whose key it was.
    """
    now = [time.time()]
    listed: list[Any] = [issuer.key.as_dict(private=False)]
    keys = IssuerKeys(lambda: {"keys": listed}, fresh=10, pause=1, clock=lambda: now[0])
    settings = attrs.evolve(KeycloakSettings(), issuer=(issuer.issuer,))
    verifier = TokenVerifier(settings, keys, clock=lambda: now[0])
    token = issuer.token("Customer")
    first, again = verifier.verify(token), verifier.verify(token)
    other = RSAKey.generate_key(2048, {"kid": issuer.key.kid, "use": "sig", "alg": "RS256"})
    listed[:] = [other.as_dict(private=False)]
    now[0] += 11
    with pytest.raises(Problem, match="token_invalid"):
        verifier.verify(token)
    listed[:] = [issuer.key.as_dict(private=False)]
    now[0] += 11
    back = verifier.verify(token)
    now[0] += 3600
    with pytest.raises(Problem, match="token_expired"):
        verifier.verify(token)

    assert first == again == back
