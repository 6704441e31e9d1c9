"""
Understanding what other services send: envelopes and bare JSON, of every .NET serializer.
"""

import json
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Final, NoReturn
from uuid import UUID

import attrs

from payments_core.application.received import ReceivedMessage
from payments_core.domain.errors import PaymentsError
from payments_core.ports.correlation import Correlation
from payments_core.ports.outbox import Cause
from payments_rabbit.correlation import correlation_of
from payments_rabbit.delivery import Delivery
from payments_rabbit.names import ENVELOPE, MessageType, known_type

MAX_ADDRESS: Final = 500
"""
How much is kept of an address that a message names.
"""


class Unreadable(PaymentsError):
    """
    Nobody can make sense of the message; the next delivery would be the same.
    """

    code = "message_unreadable"


class Unknown(PaymentsError):
    """
    The message is none that this queue is for.
    """

    code = "message_unknown"


@attrs.frozen(kw_only=True)
class Letter:
    """
    A message that was understood, with what an answer to its sender needs.

    Attributes:
        kind: Which of our types it is.
    """

    kind: MessageType
    received: ReceivedMessage
    message_id: UUID
    request_id: UUID | None
    correlation_id: UUID | None
    conversation_id: UUID | None
    fault_address: str | None
    correlation: Correlation


@attrs.frozen
class Reader:
    """
    Reads the messages of one queue.

    Attributes:
        names: Under which name each type is handled.

        max_bytes: Larger ones are not looked at.
    """

    names: Mapping[MessageType, str]
    max_bytes: int

    def read(self, delivery: Delivery) -> Letter:
        """
        Return the message.

        Raises:
            Unreadable: It is broken, or lacks what must be there.
            Unknown: It is whole, and not for this queue.
        """
        if len(delivery.body) > self.max_bytes:
            raise Unreadable(f"The message is larger than {self.max_bytes} bytes")
        document = _parse(delivery.body)
        envelope = {name.lower(): value for name, value in document.items()}
        if delivery.media_type == ENVELOPE:
            return self._letter(delivery, envelope)
        if delivery.media_type == "application/json":
            if delivery.header("MT-MessageType"):
                return self._letter(delivery, _around(document, delivery))
            if {"messagetype", "message"} <= envelope.keys():
                return self._letter(delivery, envelope)
        raise Unreadable("The content type is not one of MassTransit's JSON formats")

    def _letter(self, delivery: Delivery, envelope: Mapping[str, Any]) -> Letter:
        urns = envelope.get("messagetype") or ()
        if not isinstance(urns, list | tuple) or not all(isinstance(u, str) for u in urns):
            raise Unreadable("messageType is not a list of names")
        kind = known_type(urns, self.names)
        if kind is None:
            raise Unknown("None of the message's types is for this queue")
        if not isinstance(envelope.get("message"), dict):
            raise Unreadable("message is missing")
        return self._of(kind, delivery, envelope)

    def _of(self, kind: MessageType, delivery: Delivery, envelope: Mapping[str, Any]) -> Letter:
        message_id = _guid(envelope.get("messageid"))
        if message_id is None:
            raise Unreadable("messageId is missing or no GUID: it could not be told from a copy")
        correlation_id, request_id = (
            _guid(envelope.get(n)) for n in ("correlationid", "requestid")
        )
        conversation_id = _guid(envelope.get("conversationid"))
        received = ReceivedMessage(
            # A redelivery that was scheduled has a new id, and keeps the first in this header.
            id=_guid(delivery.header("MT-OriginalMessageId")) or message_id,
            endpoint=delivery.queue,
            name=self.names[kind],
            body=envelope["message"],
            source=_text(envelope.get("sourceaddress")),
            cause=Cause(conversation_id, correlation_id or request_id),
        )
        return Letter(
            kind=kind,
            received=received,
            message_id=message_id,
            request_id=request_id,
            correlation_id=correlation_id,
            conversation_id=conversation_id,
            fault_address=envelope.get("faultaddress") or envelope.get("responseaddress"),
            correlation=correlation_of(
                delivery.headers, delivery.properties.get("message_id"), envelope
            ),
        )


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(
            body.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise Unreadable("The body is not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise Unreadable("The body is not a JSON object")
    return document


def _no_constant(_: str) -> NoReturn:
    raise ValueError


def _around(document: Mapping[str, Any], delivery: Delivery) -> Mapping[str, Any]:
    """
    Return the envelope that the headers of a bare message amount to.
    """
    header = delivery.header
    return {
        "messageid": header("MessageId") or delivery.properties.get("message_id"),
        "correlationid": header("CorrelationId"),
        "conversationid": header("ConversationId"),
        "requestid": header("RequestId"),
        "faultaddress": header("MT-Fault-Address"),
        "sourceaddress": header("MT-Source-Address"),
        "responseaddress": header("MT-Response-Address"),
        "messagetype": _split(header("MT-MessageType")),
        "message": document,
    }


def _split(urns: str | None) -> Collection[str]:
    return [urn.strip() for urn in (urns or "").split(";") if urn.strip()]


def _text(value: object) -> str:
    return value[:MAX_ADDRESS] if isinstance(value, str) else ""


def _guid(value: object) -> UUID | None:
    try:
        found = UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.int else None
