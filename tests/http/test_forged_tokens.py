"""
Tokens that the issuer did not sign as the settings allow.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.http.key_server import serving_keys
from tests.http.refusals import GOOD_HEADER, ask, assert_refused

Api = Any
Issuer = Any


def _header(**changes: Any) -> str:
    head = {"alg": "RS256", "kid": "key-1"} | changes
    return json.dumps({k: v for k, v in head.items() if v is not None})


ODD_HEADERS: dict[str, str] = {
    "key id missing": _header(kid=None),
    "key id empty": _header(kid=""),
    "key id is a number": _header(kid=5),
    "key id is a list": _header(kid=["key-1"]),
    "key id is an object": _header(kid={"key-1": 1}),
    "key id unknown": _header(kid="key-9"),
    "key id is a path": _header(kid="../../dev/null"),
    "algorithm missing": _header(alg=None),
    "algorithm is a list": _header(alg=["RS256"]),
    "algorithm is an object": _header(alg={}),
    "algorithm none": _header(alg="none"),
    "algorithm None": _header(alg="nOnE"),
    "algorithm in small letters": _header(alg="rs256"),
    "algorithm not allowed": _header(alg="RS512"),
    "algorithm of another key": _header(alg="ES256"),
    "symmetric algorithm": _header(alg="HS256"),
    "critical unknown": _header(crit=["x"], x=1),
    "critical empty": _header(crit=[]),
    "critical is text": _header(crit="exp"),
    "payload not encoded": _header(b64=False, crit=["b64"]),
    "header is a list": "[]",
    "header is text": '"RS256"',
    "header is null": "null",
    "header is empty": "",
    "header is cut off": '{"alg": "RS256", "kid": "key-1"',
    "header is deep": '{"alg": "RS256", "kid": "key-1", "x": ' + "[" * 100_000,
    "header has a long number": '{"alg": "RS256", "kid": "key-1", "x": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("name", sorted(ODD_HEADERS))
def test_odd_headers(api: Api, name: str) -> None:
    """
    A header that asks for another way to check is refused, rightly signed as it is.
    """
    token = api.issuer.stamp(ODD_HEADERS[name], json.dumps(api.issuer.claims()))

    assert_refused(ask(api, token), "token_invalid")


def test_stamped_control(api: Api) -> None:
    """
    The stamp of these tests is good: without an odd thing the token is accepted.
    """
    token = api.issuer.stamp(GOOD_HEADER, json.dumps(api.issuer.claims()))

    assert ask(api, token).status_code == 403


def _b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(issuer: Issuer) -> str:
    return f"{_b64({'alg': 'none', 'kid': 'key-1'})}.{_b64(issuer.claims())}."


def _signed_with_the_public_key(issuer: Issuer) -> str:
    secret = issuer.key.as_pem(private=False)
    signed = f"{_b64({'alg': 'HS256', 'kid': 'key-1'})}.{_b64(issuer.claims())}"
    code = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"


@cache
def _strange_key() -> RSAKey:
    """
    Return a key that nobody trusts.
    """
    return RSAKey.generate_key(2048, {"kid": "key-1"})


def _signed_by_another(issuer: Issuer) -> str:
    return jwt.encode({"alg": "RS256", "kid": "key-1"}, issuer.claims(), _strange_key())


def _brings_its_key(issuer: Issuer, kid: str) -> str:
    header = {"alg": "RS256", "kid": kid, "jwk": _strange_key().as_dict(private=False)}
    return jwt.encode(header, issuer.claims(), _strange_key())


def _of_another_kind_of_key(issuer: Issuer, *, brings_it: bool = False) -> str:
    # The library reads no header of more than 512 bytes: only this kind of key fits into one.
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "kid": "key-1"}
    more = {"jwk": key.as_dict(private=False)} if brings_it else {}
    return jwt.encode(header | more, issuer.claims(), key)


def _with_more_rights(issuer: Issuer) -> str:
    head, _, signature = issuer.token("Customer").split(".")
    return f"{head}.{_b64(issuer.claims(realm_access={'roles': ['Admin']}))}.{signature}"


def _over_the_claims_alone(issuer: Issuer) -> str:
    head, claims, _ = issuer.token("Admin").split(".")
    code = issuer.key.get_op_key("sign").sign(claims.encode(), PKCS1v15(), SHA256())
    return f"{head}.{claims}.{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"


FORGED: dict[str, Callable[[Issuer], str]] = {
    "garbage": lambda _: "a.b.c",
    "garbage that is no text": lambda _: "\xff.\xfe.\xfd",
    "one word": lambda _: "abc",
    "two parts": lambda i: i.token("Admin").rpartition(".")[0],
    "four parts": lambda i: f"{i.token('Admin')}.x",
    "five parts": lambda _: "a.b.c.d.e",
    "dots": lambda _: "..",
    "a megabyte": lambda _: "e" * 1_000_000,
    "a megabyte of dots": lambda _: "." * 1_000_000,
    "a word after it": lambda i: f"{i.token('Admin')} x",
    "padded": lambda i: f"{i.token('Admin')}==",
    "unsigned": _unsigned,
    "signature empty": lambda i: f"{i.token('Admin').rpartition('.')[0]}.",
    "signed with the public key": _signed_with_the_public_key,
    "signed by another": _signed_by_another,
    "brings its key": lambda i: _brings_its_key(i, "key-1"),
    "brings its key and a name": lambda i: _brings_its_key(i, "mine"),
    "of another kind of key": _of_another_kind_of_key,
    "brings a small key": lambda i: _of_another_kind_of_key(i, brings_it=True),
    "with more rights": _with_more_rights,
    "signed in part": _over_the_claims_alone,
    "of another token": lambda i: ".".join(i.token(r).split(".")[n] for n, r in enumerate("abc")),
}


@pytest.mark.parametrize("name", sorted(FORGED))
def test_forged(api: Api, name: str) -> None:
    """
    What the issuer's key did not sign as the settings allow is refused, and never an error.
    """
    assert_refused(ask(api, FORGED[name](api.issuer)), "token_invalid")


@pytest.mark.parametrize("where", ["jku", "x5u", "iss"])
def test_no_key_is_fetched_from_a_token(api: Api, where: str) -> None:
    """
    An address in a token is never asked for anything.
    """
    header: dict[str, Any] = {"alg": "RS256", "kid": "key-1"}
    claims = api.issuer.claims()
    with serving_keys(_strange_key()) as door:
        (claims if where == "iss" else header)[where] = door.url
        answer = ask(api, jwt.encode(header, claims, _strange_key()))

    assert_refused(answer, "token_invalid")
    assert door.asked == []
