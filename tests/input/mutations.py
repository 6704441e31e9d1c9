"""
Ways to spoil a webhook delivery, drawn from a seed.
"""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any, Final

Json = dict[str, Any]
Mutate = Callable[[random.Random, bytes], bytes]
Spoil = Callable[[random.Random, str], str]

CARDS: Final = ("4242424242424242", "5555 5555 5555 4444", "3782-822463-10005")

HOSTILE: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "\0",
    "x" * 5000,
    "\u2028\r\n\x1b[31m",
    "\ud800",
    "' OR 1=1--",
    "../../etc/passwd",
    [],
    [[[]]],
    {},
    {"id": {"id": {}}},
    CARDS[0],
)
"""
Values that no field expects.
"""


# ------------------------------------------------ bodies that no longer fit their signature


def flip(chance: random.Random, body: bytes) -> bytes:
    """
    Change one bit.
    """
    at = chance.randrange(len(body))
    return body[:at] + bytes([body[at] ^ 1 << chance.randrange(8)]) + body[at + 1 :]


def insert(chance: random.Random, body: bytes) -> bytes:
    """
    Put a byte in between, also a space where JSON means the same with it.
    """
    at = chance.randrange(len(body) + 1)
    return body[:at] + chance.choice((b" ", b"\n", b"\0", b"{", b"\xff", b"0")) + body[at:]


def drop(chance: random.Random, body: bytes) -> bytes:
    """
    Leave out a stretch.
    """
    at = chance.randrange(len(body))
    return body[:at] + body[at + chance.randrange(1, 50) :]


def cut(chance: random.Random, body: bytes) -> bytes:
    """
    End too early.
    """
    return body[: chance.randrange(len(body))]


def double(chance: random.Random, body: bytes) -> bytes:
    """
    Say a stretch twice.
    """
    at = chance.randrange(len(body))
    stretch = body[at : at + chance.randrange(1, 50)]
    return body[:at] + stretch + body[at:]


def rewrite(_: random.Random, body: bytes) -> bytes:
    """
    Mean the same in other bytes.
    """
    return json.dumps(json.loads(body), separators=(",", ":")).encode()


def another(chance: random.Random, body: bytes) -> bytes:
    """
    Be about another payment.
    """
    return body.replace(b'"pi_', b'"pi_%d' % chance.randrange(10**9))


BODIES: Final[tuple[Mutate, ...]] = (flip, insert, drop, cut, double, rewrite, another)


# ------------------------------------------------ headers that no longer fit their body


def other_time(chance: random.Random, header: str) -> str:
    """
    Claim another second; 0 would be none.
    """
    time, _, rest = header.partition(",")
    shift = chance.choice((-1, 1)) * chance.randrange(1, 10**6)
    return f"t={int(time[2:]) + shift},{rest}"


def other_digit(chance: random.Random, header: str) -> str:
    """
    Change one digit of the signature.
    """
    at = chance.randrange(header.index("v1=") + 3, len(header))
    digit = chance.choice([d for d in "0123456789abcdef" if d != header[at]])
    return header[:at] + digit + header[at + 1 :]


def short(chance: random.Random, header: str) -> str:
    """
    Lose the end of the signature.
    """
    return header[: chance.randrange(header.index("v1=") + 3, len(header))]


def long(chance: random.Random, header: str) -> str:
    """
    Go on after the signature.
    """
    return header + "0123456789abcdef"[chance.randrange(16)] * chance.randrange(1, 64)


def other_scheme(chance: random.Random, header: str) -> str:
    """
    Sign by a scheme that is none.
    """
    return header.replace("v1=", chance.choice(("v0=", "v2=", "V1=", "v1:", "=")))


def no_time(chance: random.Random, header: str) -> str:
    """
    Do not say when, or not in a number.
    """
    rest = header.partition(",")[2]
    return chance.choice(("", "t=,", "t=now,", "t=1e9,", "t=\u0661,", "t=-1,")) + rest


def garbage(chance: random.Random, _: str) -> str:
    """
    Say anything, of a line's length.
    """
    return "".join(chr(chance.randrange(0x20, 0x7F)) for _ in range(chance.randrange(1, 200)))


HEADERS: Final[tuple[Spoil, ...]] = (
    other_time,
    other_digit,
    short,
    long,
    other_scheme,
    no_time,
    garbage,
)


# ------------------------------------------------ bodies that are signed and are no event


def _with(body: bytes, **changes: Any) -> bytes:
    return json.dumps(
        {k: v for k, v in (json.loads(body) | changes).items() if v is not ...}
    ).encode()


def no_json(chance: random.Random, body: bytes) -> bytes:
    """
    End early, go on after the end, or be another kind of value.
    """
    junk = (b"", b"[]", b"null", b'"x"', b"5", body + b"x", body + body, b"[" + body + b"]")
    return chance.choice((*junk, body[: chance.randrange(1, len(body))]))


def no_text(chance: random.Random, body: bytes) -> bytes:
    """
    Hold a byte that UTF-8 has not, or be in another encoding.
    """
    at = chance.randrange(len(body))
    broken = body[:at] + bytes([chance.choice((0xFF, 0xFE, 0xC0))]) + body[at:]
    return chance.choice((broken, body.decode().encode("utf-16"), b"\xef\xbb\xbf" + body))


def two_meanings(chance: random.Random, body: bytes) -> bytes:
    """
    Have a name twice, with the same value or another.
    """
    event = json.loads(body)
    name = chance.choice(list(event))
    value = json.dumps(chance.choice((event[name], None)))
    return body.rstrip()[:-1] + f',"{name}":{value}}}'.encode()


def no_number(chance: random.Random, body: bytes) -> bytes:
    """
    Hold a number that nobody can hold.
    """
    numbers = ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "-" + "9" * 20)
    return body.rstrip()[:-1] + f',"n":{chance.choice(numbers)}}}'.encode()


def too_deep(chance: random.Random, body: bytes) -> bytes:
    """
    Be nested deeper than anything that Stripe sends.
    """
    depth = chance.choice((100, 1000, 50_000))
    left, right = chance.choice((("[", "]"), ('{"a":', "}")))
    return body.rstrip()[:-1] + f',"deep":{left * depth}1{right * depth}}}'.encode()


def bad_id(chance: random.Random, body: bytes) -> bytes:
    """
    Have no id of Stripe's form.
    """
    ids = ("evt_" + "x" * 253, "evt_\0", "evt_1\n", "pi_1", "evt_\u00e9", "evt_", ...)
    return _with(body, id=chance.choice((*ids, *HOSTILE)))


def bad_field(chance: random.Random, body: bytes) -> bytes:
    """
    Have something impossible where it matters.
    """
    name = chance.choice(("object", "type", "livemode", "created", "data"))
    values = [v for v in (..., *HOSTILE) if not (name == "created" and v == CARDS[0])]
    return _with(body, **{name: chance.choice(values)})


def bad_object(chance: random.Random, body: bytes) -> bytes:
    """
    Be about a PaymentIntent that is none.
    """
    shown = {
        "id": chance.choice([v for v in HOSTILE if v != "x" * 5000]),
        "object": "payment_intent",
    }
    return _with(body, data={"object": chance.choice((shown, None, [], "x", 5, {}))})


def other_mode(_: random.Random, body: bytes) -> bytes:
    """
    Be about real money, where none can be.
    """
    return _with(body, livemode=True)


NO_EVENTS: Final[tuple[Mutate, ...]] = (
    no_json,
    no_text,
    two_meanings,
    no_number,
    too_deep,
    bad_id,
    bad_field,
    bad_object,
    other_mode,
)
"""
Whatever these return is refused, whoever signed it.
"""


# ------------------------------------------------ bodies that are signed, hostile, and an event


def lies(chance: random.Random, body: bytes) -> bytes:
    """
    Tell anything about the payment: only its id is taken from an event.
    """
    event = json.loads(body)
    shown = event["data"]["object"]
    for name in chance.sample([n for n in shown if n != "id"], 3):
        shown[name] = chance.choice(HOSTILE)
    shown |= {"status": "succeeded", "amount": 1, "amount_received": 10**9, "currency": "xxx"}
    return json.dumps(event | {"id": f"evt_{chance.getrandbits(96):x}"}).encode()


def smuggled(chance: random.Random, body: bytes) -> bytes:
    """
    Carry a card number, a secret or control characters in a free text.
    """
    event = json.loads(body)
    text = chance.choice((*CARDS, "sk_live_geheim", "\0\r\n\x1b[0m", "\u2028", "\ud83d"))
    event["data"]["object"] |= {"description": text, chance.choice(CARDS): text}
    return json.dumps(event | {"id": f"evt_{chance.getrandbits(96):x}", "extra": text}).encode()


EVENTS: Final[tuple[Mutate, ...]] = (lies, smuggled)
"""
What these return is stored, and changes nothing: Stripe itself is asked.
"""


def parts(header: str) -> tuple[str, frozenset[bytes | str]]:
    """
    Return what a header means: its time, and its signatures as bytes.
    """
    pairs = [part.partition("=") for part in header.split(",")]
    times = ",".join(value for name, _, value in pairs if name == "t")
    return times, frozenset(_signatures(pairs))


def _signatures(pairs: list[tuple[str, str, str]]) -> Iterator[bytes | str]:
    for name, _, value in pairs:
        if name == "v1":
            try:
                yield bytes.fromhex(value)
            except ValueError:
                yield value
