"""
Stripe's webhooks: verified over the raw bytes, then read strictly.

The SDK's own check is not enough: it lets an unsigned body crash it, accepts times in the
future, and takes whatever is signed for an event.
"""

import json
import logging
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from payments_core.masking import contains_card_number, mask, mask_tree
from payments_core.ports.clock import IClock, SystemClock
from payments_core.ports.errors import WebhookPayloadInvalid, WebhookSignatureMissing
from payments_core.ports.provider import NoticeTopic, WebhookNotice
from payments_stripe.settings import StripeSettings
from payments_stripe.signature import verify

_log = logging.getLogger(__name__)

HEADER: Final = "stripe-signature"

_LONGEST_SHOWN: Final = 200
_DEEPEST: Final = 64
_LONGEST_INTEGER: Final = 19
_LATEST: Final = 253_402_300_799
"""
The last second of the year 9999.
"""

_EVENT_ID: Final = re.compile(r"evt_\w{1,252}", re.ASCII)
_EVENT_TYPE: Final = re.compile(r"[a-z0-9_.\[\]-]{1,128}", re.ASCII)
_PAYMENT_ID: Final = re.compile(r"pi_\w{1,252}", re.ASCII)

_ABOUT_REFUNDS: Final = frozenset({"charge.refunded", "charge.refund.updated"})

EVENT_TYPES: Final = (
    "charge.refund.updated",
    "charge.refunded",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
)
"""
What an endpoint for this service should be sent, and so what is missed when it was not.
"""

Json = Mapping[str, Any]


@attrs.frozen
class Webhooks:
    """
    Reads events: deliveries of one endpoint, and those that Stripe lists.
    """

    settings: StripeSettings
    clock: IClock = attrs.field(factory=SystemClock)

    def parse(self, payload: bytes, headers: Mapping[str, str]) -> WebhookNotice:
        """
        Return what a delivery tells.

        Raises:
            WebhookSignatureMissing: It is not signed.
            WebhookSignatureInvalid: By none of our secrets.
            WebhookTimestampInvalid: Too long ago, or in the future.
            WebhookPayloadInvalid: What is signed is no event of our mode.
        """
        header = headers.get(HEADER)
        if not header:
            raise WebhookSignatureMissing("The header Stripe-Signature is missing")
        text = _decoded(payload)
        verify(payload, header, self.settings, self.clock.now())
        notice = self.read(_json(text))
        shown = {name: mask(value)[:_LONGEST_SHOWN] for name, value in headers.items()}
        return attrs.evolve(notice, headers=shown)

    def read(self, event: Json) -> WebhookNotice:
        """
        Return what an event tells that is known to come from Stripe.

        An event of another account than the configured one concerns no payment of ours:
        Connect delivers those to the same endpoint.

        Raises:
            WebhookPayloadInvalid: It is no event of our mode.
        """
        thin = event.get("object") == "v2.core.event"
        _require(thin or event.get("object") == "event", "it is no event")
        _require(event.get("livemode") is self.settings.livemode, "it is of the other mode")
        account = event.get("account")
        _require(account is None or isinstance(account, str), "its account is no text")
        ours = account is None or self.settings.account in {None, account}
        if not ours:
            _log.error("Event %s is about another account; it is kept and ignored", event.get("id"))
        counts = ours and not thin
        return WebhookNotice(
            id=_matching(_EVENT_ID, event.get("id"), "id"),
            type=_matching(_EVENT_TYPE, event.get("type"), "type"),
            topic=_topic(event["type"]) if counts else NoticeTopic.OTHER,
            provider_payment_id=_payment_id(event) if counts else None,
            created_at=_moment(event.get("created")),
            payload=json.dumps(mask_tree(event), separators=(",", ":")),
            live=self.settings.livemode,
        )


def _decoded(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise _invalid("it is not UTF-8") from None


def _json(text: str) -> Json:
    """
    Return a JSON object, read so that it has one meaning only.
    """
    try:
        tree = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_finite,
        )
        _check_depth(tree)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"it is no JSON that can be trusted ({type(error).__name__})") from None
    _require(isinstance(tree, dict), "it is no JSON object")
    return dict(tree)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise ValueError("a name occurs twice")
    return tree


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:
        raise ValueError("a number is too long")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number


def _check_depth(tree: Any) -> None:
    level = [tree]
    for _ in range(_DEEPEST):
        level = [
            inner
            for node in level
            if isinstance(node, dict | list)
            for inner in (node.values() if isinstance(node, dict) else node)
        ]
    if level:
        raise ValueError("it is nested too deeply")


def _topic(event_type: str) -> NoticeTopic:
    if event_type.startswith("payment_intent."):
        return NoticeTopic.PAYMENT
    if event_type.startswith("refund.") or event_type in _ABOUT_REFUNDS:
        return NoticeTopic.REFUND
    # A charge tells nothing that its PaymentIntent does not tell as well.
    return NoticeTopic.OTHER


def _payment_id(event: Json) -> str | None:
    """
    Return the PaymentIntent that an event names; one about PaymentIntents must name one.
    """
    data = event.get("data")
    shown = data.get("object") if isinstance(data, dict) else None
    _require(isinstance(shown, dict), "it shows no object")
    assert isinstance(shown, dict)
    own = event["type"].startswith("payment_intent.")
    named = shown.get("id") if own else shown.get("payment_intent")
    named = named.get("id") if isinstance(named, dict) else named
    known = _fits(_PAYMENT_ID, named)
    _require(known or not own, "it names no PaymentIntent")
    return str(named) if known else None


def _moment(created: object) -> datetime:
    """
    Return when an event happened: seconds since 1970, or a text in thin events.
    """
    try:
        if isinstance(created, str):
            return datetime.fromisoformat(created).astimezone(UTC)
        if isinstance(created, int) and not isinstance(created, bool) and 0 < created <= _LATEST:
            return datetime.fromtimestamp(created, UTC)
    except (ValueError, OverflowError):
        pass
    raise _invalid("created is no time")


def _matching(pattern: re.Pattern[str], value: object, name: str) -> str:
    if not _fits(pattern, value):
        raise _invalid(f"its {name} is not of Stripe's form")
    return str(value)


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    """
    Return whether a value is of this form, and carries no card number into a row.
    """
    return (
        isinstance(value, str)
        and pattern.fullmatch(value) is not None
        and not contains_card_number(value)
    )


def _require(holds: object, otherwise: str) -> None:
    if not holds:
        raise _invalid(otherwise)


def _invalid(reason: str) -> WebhookPayloadInvalid:
    return WebhookPayloadInvalid(f"The signed body is not taken: {reason}")
