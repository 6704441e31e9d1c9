"""
A webhook is believed by its signature over the raw bytes, and read strictly.
"""

import hashlib
import hmac
import json
import logging
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from payments_core.ports.clock import IClock
from payments_core.ports.errors import (
    WebhookInvalid,
    WebhookPayloadInvalid,
    WebhookSignatureInvalid,
    WebhookSignatureMissing,
    WebhookTimestampInvalid,
)
from payments_core.ports.provider import NoticeTopic, WebhookNotice
from payments_stripe import StripeSettings
from payments_stripe.webhook import Webhooks
from tests.stripe.shapes import a_charge, a_refund, an_intent

NOW = 1_800_000_000
SECRET, OLD_SECRET, FOREIGN = "whsec_new", "whsec_old", "whsec_foreign"
SETTINGS = StripeSettings(api_key="sk_test_webhooks", webhook_secrets=(SECRET, OLD_SECRET))


class StoppedClock(IClock):
    """
    It is always the same moment.
    """

    @override
    def now(self) -> datetime:
        return datetime.fromtimestamp(NOW, UTC)


WEBHOOKS = Webhooks(SETTINGS, StoppedClock())


def signature(payload: bytes, secret: str = SECRET, time: int | str = NOW) -> str:
    """
    Return the hex digest that Stripe would send.
    """
    return hmac.new(secret.encode(), f"{time}.".encode() + payload, hashlib.sha256).hexdigest()


def header(payload: bytes, secret: str = SECRET, time: int | str = NOW) -> str:
    """
    Return the header that Stripe would send.
    """
    return f"t={time},v1={signature(payload, secret, time)}"


def parse(payload: bytes, value: str | None = None, **changes: Any) -> WebhookNotice:
    """
    Receive a delivery, signed rightly unless told otherwise.
    """
    webhooks = Webhooks(attrs.evolve(SETTINGS, **changes), StoppedClock())
    signed = header(payload) if value is None else value
    return webhooks.parse(payload, {"stripe-signature": signed})


def an_event(type_: str = "payment_intent.succeeded", **changes: Any) -> dict[str, Any]:
    """
    Return an event about a PaymentIntent.
    """
    event: dict[str, Any] = {
        "id": "evt_1",
        "object": "event",
        "created": NOW - 1,
        "data": {"object": an_intent()},
        "livemode": False,
        "type": type_,
    }
    return event | changes


def raw(event: Any) -> bytes:
    """
    Return an event as Stripe writes it.
    """
    return json.dumps(event, indent=2).encode()


EVENT = raw(an_event())


def test_genuine() -> None:
    """
    What we signed for is read: which event, about what, when.
    """
    notice = parse(EVENT)

    assert (notice.id, notice.type) == ("evt_1", "payment_intent.succeeded")
    assert notice.topic is NoticeTopic.PAYMENT
    assert notice.provider_payment_id == "pi_1"
    assert notice.created_at == datetime.fromtimestamp(NOW - 1, UTC)
    assert not notice.live


def test_signed_by_the_sdk() -> None:
    """
    Stripe's own SDK signs as we verify.
    """
    generate = stripe.WebhookSignature.generate_signature_header
    value = generate(EVENT.decode(), SECRET, NOW)

    assert parse(EVENT, value).id == "evt_1"


def test_either_secret_is_accepted() -> None:
    """
    While one secret replaces another, deliveries signed by both arrive.
    """
    assert parse(EVENT, header(EVENT, OLD_SECRET)).id == "evt_1"


@pytest.mark.parametrize("headers", [{}, {"stripe-signature": ""}])
def test_unsigned(headers: dict[str, str]) -> None:
    """
    No header is told apart from a wrong one.
    """
    with pytest.raises(WebhookSignatureMissing):
        WEBHOOKS.parse(EVENT, headers)


GOOD = signature(EVENT)
BAD_HEADERS = {
    "by a secret that is not ours": header(EVENT, FOREIGN),
    "of another body": header(EVENT + b" "),
    "of another time": f"t={NOW + 1},v1={GOOD}",
    "not ASCII": f"t={NOW},v1=éé",
    "a lone surrogate": f"t={NOW},v1=\udcff",
    "upper case": f"t={NOW},v1={GOOD.upper()}",
    "cut": f"t={NOW},v1={GOOD[:-1]}",
    "empty": f"t={NOW},v1=",
    "another scheme only": f"t={NOW},v0={GOOD}",
    "no time": f"v1={GOOD}",
    "two times": f"t={NOW},t={NOW},v1={GOOD}",
    "no signature": f"t={NOW}",
    "time with a space": f"t= {NOW},v1={GOOD}",
    "time with an underscore": f"t=1_800_000_000,v1={GOOD}",
    "time in Arabic digits": f"t=١٨٠٠٠٠٠٠٠٠,v1={GOOD}",
    "time with a sign": f"t=+{NOW},v1={GOOD}",
    "time of 5,000 digits": f"t={'9' * 5000},v1={GOOD}",
    "no pairs": "hello",
    "commas": ",,,",
    "a megabyte": "v1=" + "a" * 1_000_000,
}


@pytest.mark.parametrize("value", BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
def test_wrong_signature(value: str) -> None:
    """
    Whatever stands in the header: refused, and never a crash.
    """
    with pytest.raises(WebhookSignatureInvalid):
        parse(EVENT, value)


def test_second_signature_counts() -> None:
    """
    While Stripe rolls a secret it sends two signatures in one header.
    """
    value = f"t={NOW},v1={'0' * 64},v1={GOOD}"

    assert parse(EVENT, value).id == "evt_1"


@pytest.mark.parametrize(
    ("age", "accepted"),
    [
        (0, True),
        (299, True),
        (300, True),
        (301, False),
        (10**9, False),
        (-60, True),
        (-61, False),
        (-300, False),
        (-(10**9), False),
    ],
)
def test_time(age: int, *, accepted: bool) -> None:
    """
    Five minutes old at most, and one minute ahead at most.
    """
    value = header(EVENT, time=NOW - age)
    if accepted:
        assert parse(EVENT, value).id == "evt_1"
    else:
        with pytest.raises(WebhookTimestampInvalid):
            parse(EVENT, value)


def test_time_is_looked_at_only_when_signed() -> None:
    """
    Who cannot sign does not learn what our clock says.
    """
    with pytest.raises(WebhookSignatureInvalid):
        parse(EVENT, header(EVENT, FOREIGN, NOW - 10**6))


@pytest.mark.parametrize("secret", [SECRET, FOREIGN])
def test_body_that_is_not_utf_8(secret: str) -> None:
    """
    Such a body is refused as a body, whoever signed it.
    """
    with pytest.raises(WebhookPayloadInvalid):
        parse(b"\xff\xfe", header(b"\xff\xfe", secret))


def twice(event: dict[str, Any], name: str) -> bytes:
    """
    Return the event with one of its names twice.
    """
    return raw(event)[:-1] + f', "{name}": {json.dumps(event[name])}}}'.encode()


def nested(depth: int) -> dict[str, Any]:
    """
    Return an event with something deep in it.
    """
    tree: Any = 1
    for _ in range(depth):
        tree = [tree]
    return an_event(deep=tree)


NO_EVENTS: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"hello",
    "a list": b"[]",
    "null": b"null",
    "a text": b'"x"',
    "a number": b"5",
    "an empty object": b"{}",
    "two documents": EVENT + EVENT,
    "a byte order mark": b"\xef\xbb\xbf" + EVENT,
    "another object": raw(a_charge()),
    "100,000 levels": b"[" * 100_000 + b"]" * 100_000,
    "65 levels": raw(nested(65)),
    "an integer of 5,000 digits": EVENT[:-1] + b', "n": ' + b"9" * 5000 + b"}",
    "an integer of 20 digits": EVENT[:-1] + b', "n": ' + b"9" * 20 + b"}",
    "NaN": EVENT[:-1] + b', "n": NaN}',
    "a float too large": EVENT[:-1] + b', "n": 1e999}',
    "id twice": twice(an_event(), "id"),
    "type twice": twice(an_event(), "type"),
    "object twice": twice(an_event(), "object"),
    "a name twice inside": EVENT.replace(b'"id": "pi_1"', b'"id": "pi_1", "id": "pi_2"'),
    "no id": raw(an_event(id=None)),
    "an id of another kind": raw(an_event(id="pi_1")),
    "an id that is too long": raw(an_event(id="evt_" + "a" * 253)),
    "an id with a NUL": raw(an_event(id="evt_1\0")),
    "an id with a line break": raw(an_event(id="evt_1\n")),
    "no type": raw(an_event(type=None)),
    "a type with a card number": raw(an_event(type="4242424242424242")),
    "an id with a card number": raw(an_event(id="evt_4242424242424242")),
    "a type with spaces": raw(an_event(type="payment intent")),
    "no time": raw(an_event(created=None)),
    "a time that is true": raw(an_event(created=True)),
    "a negative time": raw(an_event(created=-1)),
    "a time beyond the calendar": raw(an_event(created=10**15)),
    "a time in words": raw(an_event(created="yesterday")),
    "live": raw(an_event(livemode=True)),
    "no mode": raw(an_event(livemode=None)),
    "mode as a number": raw(an_event(livemode=0)),
    "no data": raw(an_event(data=None)),
    "no object": raw(an_event(data={"object": None})),
    "no PaymentIntent": raw(an_event(data={"object": {}})),
    "a PaymentIntent of another kind": raw(an_event(data={"object": {"id": "ch_1"}})),
    "a PaymentIntent that is a number": raw(an_event(data={"object": {"id": 1}})),
}


@pytest.mark.parametrize("payload", NO_EVENTS.values(), ids=NO_EVENTS.keys())
def test_signed_but_no_event(payload: bytes) -> None:
    """
    A right signature makes no event of what is none.
    """
    with pytest.raises(WebhookPayloadInvalid):
        parse(payload)


def test_mode_must_be_that_of_the_key() -> None:
    """
    A test event means nothing to a service that takes real money, and the reverse.
    """
    live = raw(an_event(livemode=True))

    assert parse(live, api_key="sk_live_webhooks").live
    with pytest.raises(WebhookPayloadInvalid, match="mode"):
        parse(EVENT, api_key="sk_live_webhooks")


@pytest.mark.parametrize(
    ("configured", "named", "accepted"),
    [
        (None, None, True),
        (None, "acct_other", True),
        ("acct_ours", None, True),
        ("acct_ours", "acct_ours", True),
        ("acct_ours", "acct_other", False),
        ("acct_ours", "", False),
    ],
)
def test_account(
    caplog: pytest.LogCaptureFixture, configured: str | None, named: str | None, *, accepted: bool
) -> None:
    """
    With an account configured, an event that names another one is kept, told, and ignored.
    """
    event = an_event() if named is None else an_event(account=named)
    with caplog.at_level(logging.ERROR):
        notice = parse(raw(event), account=configured)

    assert notice.id == "evt_1"
    assert (notice.topic is NoticeTopic.PAYMENT) is accepted
    assert (notice.provider_payment_id == "pi_1") is accepted
    assert ("another account" in caplog.text) is not accepted


@pytest.mark.parametrize("account", [["acct_ours"], {}, 1, True])
@pytest.mark.parametrize("configured", ["acct_ours", None])
def test_odd_account(configured: str | None, account: object) -> None:
    """
    An account that is no text is refused, whether or not one is configured.
    """
    with pytest.raises(WebhookPayloadInvalid, match="account"):
        parse(raw(an_event(account=account)), account=configured)


def test_headers_are_masked() -> None:
    """
    Headers are not signed: they are handed on without secrets and card numbers, and short.
    """
    sent = {
        "stripe-signature": header(EVENT),
        "user-agent": "Stripe/1.0 4242 4242 4242 4242",
        "x-request-id": "sk_live_geheim",
        "content-type": "application/json" + " " * 4000,
    }
    shown = WEBHOOKS.parse(EVENT, sent).headers

    assert shown["user-agent"] == "Stripe/1.0 [card number]"
    assert shown["x-request-id"] == "sk_live_***"
    assert len(shown["content-type"]) == 200


PAYMENT, REFUND, OTHER = NoticeTopic.PAYMENT, NoticeTopic.REFUND, NoticeTopic.OTHER


@pytest.mark.parametrize(
    ("type_", "shown", "topic", "payment"),
    [
        ("payment_intent.created", an_intent(), PAYMENT, "pi_1"),
        ("payment_intent.payment_failed", an_intent(), PAYMENT, "pi_1"),
        ("payment_intent.canceled", an_intent(), PAYMENT, "pi_1"),
        ("payment_intent.a_word_of_tomorrow", an_intent(), PAYMENT, "pi_1"),
        ("refund.created", a_refund(), REFUND, "pi_1"),
        ("refund.updated", a_refund(), REFUND, "pi_1"),
        ("refund.failed", a_refund(payment_intent=None), REFUND, None),
        ("charge.refunded", a_charge(), REFUND, "pi_1"),
        ("charge.refund.updated", a_refund(), REFUND, "pi_1"),
        ("charge.refunded", a_charge(payment_intent=an_intent()), REFUND, "pi_1"),
        ("charge.succeeded", a_charge(), OTHER, "pi_1"),
        ("charge.dispute.created", {"id": "dp_1", "payment_intent": "pi_1"}, OTHER, "pi_1"),
        ("customer.created", {"id": "cus_1"}, OTHER, None),
        ("payment_intents.odd", {"id": "x"}, OTHER, None),
    ],
)
def test_topic(type_: str, shown: Any, topic: NoticeTopic, payment: str | None) -> None:
    """
    The type says what changed, the object says which payment.
    """
    notice = parse(raw(an_event(type_, data={"object": shown})))

    assert (notice.topic, notice.provider_payment_id) == (topic, payment)


def test_thin_event_is_kept_and_ignored() -> None:
    """
    Events of Stripe's second API are signed alike and concern no payment.
    """
    thin = {
        "id": "evt_test_65R",
        "object": "v2.core.event",
        "type": "v1.billing.meter.error_report_triggered",
        "livemode": False,
        "created": "2027-01-15T08:00:00.123Z",
        "related_object": {"id": "mtr_1"},
    }
    notice = parse(raw(thin))

    assert (notice.topic, notice.provider_payment_id) == (OTHER, None)
    assert notice.created_at == datetime(2027, 1, 15, 8, 0, 0, 123_000, UTC)


def test_payload_is_kept_without_secrets() -> None:
    """
    What is stored holds the whole event, but for what opens or pays something.
    """
    intent = an_intent(description="card 4242 4242 4242 4242", shipping={"name": "Zoë\0"})
    kept = parse(raw(an_event(data={"object": intent}))).payload

    assert "secret_abc" not in kept
    assert "4242" not in kept
    assert json.loads(kept)["data"]["object"]["amount"] == 1000
    assert kept.isascii()
    assert "\0" not in kept


@given(payload=st.binary(max_size=60), value=st.text(max_size=60), sign=st.booleans())
def test_anything(payload: bytes, value: str, *, sign: bool) -> None:
    """
    Whatever arrives, the only errors are the port's.
    """
    with pytest.raises(WebhookInvalid):
        WEBHOOKS.parse(payload, {"stripe-signature": header(payload) if sign else value})
