"""
What is delivered to the webhook endpoint, byte for byte, and what is answered.
"""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.input.conftest import OLD_SECRET, WEBHOOK, MakeShop, Shop, raw

Delivery = tuple[bytes, str | None]
"""
A body and its Stripe-Signature; None for no header.
"""

NOW = object()


def _header(shop: Shop, payload: bytes, age: int = 0, scheme: str = "v1") -> str:
    at = int(time.time()) - age
    signed = f"{at}.".encode() + payload
    digest = hmac.new(shop.simulator.webhook_secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={at},{scheme}={digest}"


def _good(shop: Shop) -> tuple[bytes, str]:
    payload = raw(shop.event())
    return payload, _header(shop, payload)


def _missing(shop: Shop) -> Delivery:
    return _good(shop)[0], None


def _with_header(header: str) -> Callable[[Shop], Delivery]:
    return lambda shop: (_good(shop)[0], header)


def _foreign(shop: Shop) -> Delivery:
    payload, header = _good(shop)
    digest = hmac.new(b"whsec_foreign", b"1." + payload, hashlib.sha256).hexdigest()
    return payload, f"{header.partition(',')[0]},v1={digest}"


def _one_byte(shop: Shop) -> Delivery:
    payload, header = _good(shop)
    return payload.replace(b"payment_intent", b"payment_intenT", 1), header


def _newline(shop: Shop) -> Delivery:
    payload, header = _good(shop)
    return payload + b"\n", header


def _written_anew(shop: Shop) -> Delivery:
    payload, header = _good(shop)
    return json.dumps(json.loads(payload)).encode(), header


def _aged(seconds: int) -> Callable[[Shop], Delivery]:
    def make(shop: Shop) -> Delivery:
        payload = raw(shop.event())
        return payload, _header(shop, payload, seconds)

    return make


def _only_v0(shop: Shop) -> Delivery:
    payload = raw(shop.event())
    return payload, _header(shop, payload, scheme="v0")


def _endless_time(shop: Shop) -> Delivery:
    payload, header = _good(shop)
    return payload, header.replace("t=", "t=" + "1" * 3000)


def _signed(payload: bytes) -> Callable[[Shop], Delivery]:
    return lambda shop: (payload, _header(shop, payload))


def _signed_event(**changes: Any) -> Callable[[Shop], Delivery]:
    def make(shop: Shop) -> Delivery:
        event = {k: v for k, v in shop.event(**changes).items() if v is not ...}
        return raw(event), _header(shop, raw(event))

    return make


SIGNATURE = "webhook_signature_invalid"
PAYLOAD = "webhook_payload_invalid"
TIME = "webhook_timestamp_out_of_tolerance"

REFUSED: list[tuple[str, str, Callable[[Shop], Delivery], int, str]] = [
    ("W03", "no header", _missing, 400, "webhook_signature_missing"),
    ("W04", "empty header", _with_header(""), 400, "webhook_signature_missing"),
    ("W04", "garbage", _with_header("garbage"), 400, SIGNATURE),
    ("W04", "no ASCII", _with_header("t=1,v1=\u00e9\u00e9"), 400, SIGNATURE),
    ("W05", "other secret", _foreign, 400, SIGNATURE),
    ("W06", "one byte", _one_byte, 400, SIGNATURE),
    ("W06", "line feed", _newline, 400, SIGNATURE),
    ("W06", "written anew", _written_anew, 400, SIGNATURE),
    ("W07", "old", _aged(305), 400, TIME),
    ("W07", "ahead", _aged(-120), 400, TIME),
    ("W07", "far ahead", _aged(-(10**9)), 400, TIME),
    ("W09", "only v0", _only_v0, 400, SIGNATURE),
    ("W11", "3,000 digits", _endless_time, 400, SIGNATURE),
    ("W12", "no UTF-8", _signed(b"\xff\xfe"), 400, PAYLOAD),
    ("W13", "no JSON", _signed(b"{not json"), 400, PAYLOAD),
    ("W13", "empty object", _signed(b"{}"), 400, PAYLOAD),
    ("W15", "a charge", _signed_event(object="charge"), 400, PAYLOAD),
    ("W16", "no id", _signed_event(id=...), 400, PAYLOAD),
    ("W16", "long id", _signed_event(id="evt_" + "x" * 300), 400, PAYLOAD),
    ("W16", "NUL in id", _signed_event(id="evt_1\0"), 400, PAYLOAD),
    ("W17", "deep", _signed(b"[" * 100_000 + b"]" * 100_000), 400, PAYLOAD),
    ("W17", "deep object", _signed(b'{"a":' * 40_000 + b"1" + b"}" * 40_000), 400, PAYLOAD),
    ("W19", "262,145 bytes", _signed(b" " * 262_145), 413, "body_too_large"),
    ("W20", "5 KiB header", _with_header("t=1,v1=" + "a" * 5120), 400, "request_invalid"),
    ("W24", "other mode", _signed_event(livemode=True), 400, PAYLOAD),
]


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [pytest.param(*row, id=f"{entry} {name}") for entry, name, *row in REFUSED],
)
def test_refused(shop: Shop, make: Callable[[Shop], Delivery], status: int, code: str) -> None:
    """
    What Stripe did not sign for us just now leaves nothing, and hears nothing but the code.
    """
    if not shop.simulator.objects("event"):
        shop.pay()
    payload, header = make(shop)
    before = shop.traces()
    if header is None:
        answer = shop.api.post(WEBHOOK, data=payload, content_type="application/json")
    else:
        answer = shop.deliver(payload, header)
    said = answer.get_json()

    assert (answer.status_code, said["code"]) == (status, code)
    assert set(said) == {"type", "title", "status", "code", "detail", "requestId"}
    assert said["detail"] in {
        "The delivery was refused.",
        "A header is too long.",
        "The body must not be longer than 262144 bytes.",
    }
    assert shop.traces() == before


@pytest.mark.parametrize("age", [0, 295, -55])
def test_in_time(shop: Shop, age: int) -> None:
    """
    Five minutes late and one minute early are in time.
    """
    shop.pay()
    payload = raw(shop.event())

    assert shop.deliver(payload, _header(shop, payload, age)).status_code == 200


def test_either_secret(shop: Shop) -> None:
    """
    W36: while one secret replaces another, deliveries signed by the old one are taken.
    """
    shop.pay()

    assert shop.deliver(raw(shop.event()), secret=OLD_SECRET).status_code == 200


def test_other_version(shop: Shop) -> None:
    """
    W37: an event of another API version says which object; the object itself is read.
    """
    shop.pay()
    strange = {"id": shop.event()["data"]["object"]["id"], "object": "payment_intent", "new": [1]}
    event = shop.event(api_version="2099-01-01.tomorrow", data={"object": strange})
    answer = shop.deliver(raw(event))

    assert answer.status_code == 200
    assert answer.get_json()["status"] == "processed"


@pytest.mark.parametrize("type_", ["customer.created", "payment_method.attached", "a.b.c"])
def test_unknown_type(shop: Shop, type_: str) -> None:
    """
    W23: what concerns no payment is stored, ignored, and asks Stripe nothing.
    """
    shop.pay()
    event = shop.event(type=type_, data={"object": {"id": "cus_1", "object": "customer"}})
    asked = len(shop.simulator.requests())
    answer = shop.deliver(raw(event))

    assert (answer.status_code, answer.get_json()["status"]) == (200, "ignored")
    assert len(shop.simulator.requests()) == asked


def test_duplicate(shop: Shop) -> None:
    """
    W21: the same event again is 200 and changes nothing.
    """
    shop.pay()
    payload = raw(shop.event())
    first = shop.deliver(payload)
    before = shop.traces()
    again = shop.deliver(payload)

    assert (first.get_json()["duplicate"], again.get_json()["duplicate"]) == (False, True)
    assert again.status_code == 200
    assert shop.traces() == before


def test_other_account(make_shop: MakeShop, caplog: pytest.LogCaptureFixture) -> None:
    """
    W25: an event of another account is stored and ignored, has no effect, and somebody is told.
    """
    shop = make_shop(PAYMENT_PROVIDERS__STRIPE__ACCOUNT="acct_ours")
    shop.pay()
    event = shop.event(account="acct_other")
    before, asked = shop.traces()
    with caplog.at_level(logging.ERROR):
        answer = shop.deliver(raw(event))
    after, asked_then = shop.traces()

    assert (answer.status_code, answer.get_json()["status"]) == (200, "ignored")
    assert "another account" in caplog.text
    assert asked_then == asked
    assert {t for t in after if after[t] != before[t]} == {"webhook_events"}


@pytest.mark.parametrize(("metadata", "status"), [(True, "parked"), (False, "ignored")])
def test_unknown_payment(shop: Shop, metadata: bool, status: str) -> None:
    """
    W26: an object that carries our mark waits for its payment; one without is not ours.
    """
    mark = {"metadata[payment_id]": "0199f3c5-1c9a-7d44-a5e2-0f8a4d9f2c77"} if metadata else {}
    made = _intent(shop, mark)
    answer = shop.deliver(raw(shop.event(data={"object": made})))

    assert (answer.status_code, answer.get_json()["status"]) == (200, status)


def _intent(shop: Shop, more: dict[str, str]) -> dict[str, Any]:
    import requests

    form = {"amount": "1000", "currency": "eur", **more}
    answer = requests.post(
        f"{shop.simulator.url}/v1/payment_intents",
        data=form,
        headers={"Authorization": f"Bearer {shop.simulator.api_key}"},
        timeout=10,
    )
    found: dict[str, Any] = answer.json()
    return found


def test_card_number_inside(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """
    W40: a card number in an event is masked in the row, and in no line of the log.
    """
    shop.pay()
    event = shop.event()
    hidden = {"description": "card 4242 4242 4242 4242", "metadata": {"n": 4242424242424242}}
    event["data"]["object"] |= hidden | {"client_secret": "pi_1_secret_geheim"}
    with caplog.at_level(logging.DEBUG):
        answer = shop.deliver(raw(event), **{"User-Agent": "4242-4242-4242-4242"})
    row = str(dict(shop.stored(event["id"])))

    assert answer.status_code == 200
    assert "[card number]" in row
    for text in (row, caplog.text):
        assert "4242424242424242" not in text
        assert "4242 4242" not in text
        assert "4242-4242" not in text
        assert "geheim" not in text


@pytest.mark.parametrize("provider", ["unknown", "STRIPE", "stripe%00", "stripe%2f.."])
def test_unknown_provider(shop: Shop, provider: str) -> None:
    """
    W01: a provider that is not configured has no place to deliver to.
    """
    before = shop.traces()
    answer = shop.api.post(f"/api/payments/webhooks/{provider}", data=b"{}")

    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert shop.traces() == before
