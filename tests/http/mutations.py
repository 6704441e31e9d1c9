"""
Tokens that are nearly good: one thing is changed after the issuer signed.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

import attrs
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

Json = dict[str, Any]

ANY_ALGORITHM: Final = JWSRegistry(algorithms=["RS256", "RS384", "RS512", "PS256", "ES256"])


def encoded(data: bytes) -> str:
    """
    Return bytes as tokens write them.
    """
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(token: str) -> list[bytes]:
    """
    Return the bytes behind the parts of a token, read as leniently as anything could.
    """
    plain = token.replace("+", "-").replace("/", "_").replace("=", "")
    return [base64.urlsafe_b64decode(p + "=" * (-len(p) % 4)) for p in plain.split(".")]


@attrs.frozen
class Mutator:
    """
    Makes mutants of one good token; the same random numbers make the same mutants.

    Attributes:
        good: The token that is accepted.

        other: Another good token of the same issuer, for somebody with fewer rights.

        public: The issuer's public key, that attackers have too.

        strange: Keys of an attacker.
    """

    good: str
    other: str
    public: RSAKey
    strange: tuple[RSAKey | ECKey, ...]
    random: Random

    def mutants(self, number: int) -> Iterator[tuple[str, str]]:
        """
        Yield what was done, and a token that differs from the good one in its bytes.
        """
        seen = {self.good, self.other}
        kinds = sorted(_KINDS)
        while len(seen) < number + 2:
            kind = self.random.choice(kinds)
            mutant = _KINDS[kind](self)
            if mutant not in seen:
                seen.add(mutant)
                yield kind, mutant

    @property
    def parts(self) -> list[bytes]:
        """
        The header, the claims and the signature of the good token.
        """
        return decoded(self.good)

    @property
    def header(self) -> Json:
        """
        The header of the good token.
        """
        found: Json = json.loads(self.parts[0])
        return found

    @property
    def claims(self) -> Json:
        """
        The claims of the good token.
        """
        found: Json = json.loads(self.parts[1])
        return found

    def noise(self, longest: int = 40) -> str:
        """
        Return a word that nobody meant.
        """
        return self.random.randbytes(self.random.randint(1, longest)).hex()


def _token(parts: list[bytes]) -> str:
    return ".".join(map(encoded, parts))


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _in_one_part(change: Callable[[Random, bytearray], object]) -> Callable[[Mutator], str]:
    def mutate(m: Mutator) -> str:
        parts = m.parts
        part = m.random.randrange(3)
        data = bytearray(parts[part])
        change(m.random, data)
        parts[part] = bytes(data)
        return _token(parts)

    return mutate


def _flip_bit(random: Random, data: bytearray) -> None:
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _change_byte(random: Random, data: bytearray) -> None:
    data[random.randrange(len(data))] ^= random.randint(1, 255)


def _insert(random: Random, data: bytearray) -> None:
    data.insert(random.randint(0, len(data)), random.randrange(256))


def _delete(random: Random, data: bytearray) -> None:
    start = random.randrange(len(data))
    del data[start : start + random.randint(1, 8)]


def _repeat(random: Random, data: bytearray) -> None:
    start = random.randrange(len(data))
    data[start:start] = data[start : start + random.randint(1, 16)]


def _truncate(random: Random, data: bytearray) -> None:
    del data[random.randrange(len(data)) :]


def _exchange(random: Random, data: bytearray) -> None:
    one, two = random.sample(range(len(data)), 2)
    data[one], data[two] = data[two], data[one] ^ 1


def _change_text(m: Mutator) -> str:
    """
    Change one letter of the text itself.
    """
    place = m.random.randrange(len(m.good))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    return m.good[:place] + m.random.choice(alphabet) + m.good[place + 1 :]


def _cut_text(m: Mutator) -> str:
    return m.good[: m.random.randrange(1, len(m.good))]


def _swap_parts(m: Mutator) -> str:
    mine, others = m.good.split("."), m.other.split(".")
    parts = [m.random.choice((*mine, *others)) for _ in range(m.random.randint(1, 5))]
    return ".".join(parts) + m.random.choice(("", ".", f".{m.noise()}"))


_HEADER_VALUES: Final[dict[str, Callable[[Mutator], Any]]] = {
    "alg": lambda m: m.random.choice(["none", "HS256", "RS512", "PS256", "ES256", m.noise(4)]),
    "kid": lambda m: m.random.choice(["", "key-2", "../key-1", "key-1\0", m.noise()]),
    "typ": lambda m: m.random.choice(["at+jwt", "JWE", "ID", m.noise()]),
    "cty": lambda m: m.random.choice(["JWT", m.noise()]),
    "jwk": lambda m: m.random.choice(m.strange).as_dict(private=False) | {"use": m.noise()},
    "jku": lambda m: f"https://attacker.example/{m.noise()}",
    "x5u": lambda m: f"https://attacker.example/{m.noise()}",
    "x5c": lambda m: [m.noise()],
    "crit": lambda m: [m.random.choice(["exp", "b64", m.noise()])],
    "b64": lambda m: m.random.choice([False, m.noise()]),
    "zip": lambda m: m.random.choice(["DEF", m.noise()]),
    "enc": lambda m: m.random.choice(["A256GCM", m.noise()]),
}


def _header(m: Mutator) -> Json:
    header = m.header
    for name in m.random.sample(sorted(_HEADER_VALUES), m.random.randint(1, 3)):
        header[name] = _HEADER_VALUES[name](m)
    return header


def _change_header(m: Mutator) -> str:
    return _token([_json(_header(m)), *m.parts[1:]])


_CLAIM_VALUES: Final[dict[str, Callable[[Mutator], Any]]] = {
    "exp": lambda m: m.claims["exp"] + m.random.randint(1, 10**6),
    "iat": lambda m: m.claims["iat"] - m.random.randint(1, 10**6),
    "sub": lambda m: m.random.choice(["root", "alice", m.noise()]),
    "iss": lambda m: f"https://attacker.example/{m.noise()}",
    "aud": lambda m: ["payment-service", m.noise()],
    "azp": lambda m: m.random.choice(["order-service", "fulfillment-service", m.noise()]),
    "preferred_username": lambda m: f"service-account-{m.noise()}",
    "realm_access": lambda m: {"roles": ["Admin", m.noise()]},
    "resource_access": lambda m: {"payment-service": {"roles": ["Admin", m.noise()]}},
}


def _claims(m: Mutator) -> Json:
    claims = m.claims
    for name in m.random.sample(sorted(_CLAIM_VALUES), m.random.randint(1, 3)):
        claims[name] = _CLAIM_VALUES[name](m)
    return claims


def _change_claims(m: Mutator) -> str:
    head, _, signature = m.parts
    return _token([head, _json(_claims(m)), signature])


def _respell_claims(m: Mutator) -> str:
    """
    The same claims in other bytes, as a re-serialising proxy would write them.
    """
    head, _, signature = m.parts
    spaces = ("," + " " * m.random.randint(0, 40), ":" + " " * m.random.randint(0, 40))
    items = list(m.claims.items())
    m.random.shuffle(items)
    return _token([head, json.dumps(dict(items), separators=spaces).encode(), signature])


def _unsigned(m: Mutator) -> str:
    header = _header(m) | {"alg": m.random.choice(["none", "None", "NONE", ""])}
    signature = m.random.choice([b"", m.parts[2], m.random.randbytes(m.random.randint(1, 300))])
    return _token([_json(header), _json(_claims(m)), signature])


def _keyed_with_the_public_key(m: Mutator) -> str:
    """
    A symmetric code with a form of the public key as its secret.
    """
    name = m.random.choice(["HS256", "HS384", "HS512"])
    forms = (m.public.as_pem(private=False), m.public.as_der(private=False))
    modulus = str(m.public.as_dict(private=False)["n"])
    secret = m.random.choice((*forms, forms[0].strip(), modulus.encode(), b""))
    text = f"{encoded(_json(m.header | {'alg': name}))}.{encoded(_json(_claims(m)))}"
    digest = getattr(hashlib, f"sha{name[2:]}")
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), digest))}"


def _signed_by_another(m: Mutator) -> str:
    key = m.random.choice(m.strange)
    name = "ES256" if isinstance(key, ECKey) else m.random.choice(["RS256", "PS256", "RS512"])
    header = m.header | m.random.choice(({}, {"jwk": key.as_dict(private=False)})) | {"alg": name}
    return jws.serialize_compact(header, _json(_claims(m)), key, registry=ANY_ALGORITHM)


def _other_signature(m: Mutator) -> str:
    """
    A signature of another kind: nothing, a single number, or what belongs to another text.
    """
    size = len(m.parts[2])
    number = int.from_bytes(m.parts[2])
    modulus = m.public.get_op_key("verify").public_numbers().n
    signature = m.random.choice(
        (
            bytes([m.random.randrange(256)]) * m.random.randint(1, 2 * size),
            m.random.randbytes(size),
            (number + m.random.randint(1, 3) * modulus).to_bytes(size + 1),
            (modulus - number).to_bytes(size),
            bytes(m.random.randint(1, 64)) + m.parts[2],
            m.parts[2] + bytes(m.random.randint(1, 64)),
        )
    )
    return _token([*m.parts[:2], signature])


def _other_alphabet(m: Mutator) -> str:
    """
    A changed token, written with padding or the other alphabet.
    """
    parts = m.parts
    data = bytearray(parts[m.random.randrange(3)])
    _change_byte(m.random, data)
    parts[m.random.randrange(3)] = bytes(data)
    write = m.random.choice((base64.b64encode, base64.urlsafe_b64encode))
    return ".".join(write(part).decode() for part in parts)


_KINDS: Final[dict[str, Callable[[Mutator], str]]] = {
    "a bit": _in_one_part(_flip_bit),
    "a byte": _in_one_part(_change_byte),
    "a byte more": _in_one_part(_insert),
    "bytes less": _in_one_part(_delete),
    "bytes twice": _in_one_part(_repeat),
    "cut off": _in_one_part(_truncate),
    "bytes exchanged": _in_one_part(_exchange),
    "a letter": _change_text,
    "text cut off": _cut_text,
    "parts of others": _swap_parts,
    "header": _change_header,
    "claims": _change_claims,
    "claims in other bytes": _respell_claims,
    "unsigned": _unsigned,
    "public key as secret": _keyed_with_the_public_key,
    "signed by another": _signed_by_another,
    "signature": _other_signature,
    "alphabet": _other_alphabet,
}
