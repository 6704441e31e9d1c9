"""
MassTransit's envelope around what we tell.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import attrs
from typing_extensions import override

from payments_core.contracts.converter import timestamp
from payments_core.contracts.messages import Message
from payments_core.domain.ids import child_id
from payments_core.ports.correlation import current
from payments_core.ports.outbox import Cause, Finished, IMessageSerializer
from payments_rabbit.correlation import CORRELATION
from payments_rabbit.host import Host
from payments_rabbit.names import ENVELOPE, Addresses, MessageType
from payments_rabbit.settings import RabbitSettings

# A number that a sender wrote with a point is a decimal here, and becomes text, which .NET reads too.
_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)


@attrs.frozen(kw_only=True)
class Envelope:
    """
    Everything that stands around a message.

    Attributes:
        urns: The message's types, the most specific first.
    """

    message_id: UUID
    request_id: UUID | None = None
    correlation_id: UUID | None = None
    conversation_id: UUID | None = None
    initiator_id: UUID | None = None
    source: str
    destination: str
    urns: Sequence[str]
    message: Mapping[str, Any]
    sent_at: datetime
    host: Host
    headers: Mapping[str, Any] = attrs.field(factory=dict)

    def to_json(self) -> str:
        """
        Return the finished text.

        Addresses for answers and faults are left open: where they are set, faults go there
        and no longer to those who watch for them.
        """
        return _JSON.encode(
            {
                "messageId": str(self.message_id),
                "requestId": _text(self.request_id),
                "correlationId": _text(self.correlation_id),
                "conversationId": _text(self.conversation_id),
                "initiatorId": _text(self.initiator_id),
                "sourceAddress": self.source,
                "destinationAddress": self.destination,
                "responseAddress": None,
                "faultAddress": None,
                "messageType": list(self.urns),
                "message": dict(self.message),
                "expirationTime": None,
                "sentTime": timestamp(self.sent_at),
                "headers": dict(self.headers),
                "host": self.host.fields(),
            }
        )


class MassTransitSerializer(IMessageSerializer):
    """
    Puts our messages into envelopes, addressed to the exchange of their type.
    """

    def __init__(self, settings: RabbitSettings, host: Host | None = None) -> None:
        self._namespace = settings.payments_namespace
        self._addresses = Addresses.of(settings.url)
        self._source = self._addresses.to(settings.service_name)
        self._host = host or Host.here()

    @override
    def finish(self, message: Message, *, sent_at: datetime, cause: Cause | None) -> Finished:
        kind = MessageType(self._namespace, message.name)
        envelope = Envelope(
            message_id=message.id,
            correlation_id=message.correlation_id,
            conversation_id=_conversation(message, cause),
            initiator_id=cause.initiator_id if cause else None,
            source=self._source,
            destination=self._addresses.to(kind.exchange),
            urns=[kind.urn],
            message=message.fields,
            sent_at=sent_at,
            host=self._host,
            headers=_headers(),
        )
        return Finished(kind.exchange, ENVELOPE, envelope.to_json())


def _conversation(message: Message, cause: Cause | None) -> UUID:
    # What nobody asked for by a message belongs to the one conversation about its payment.
    told = cause.conversation_id if cause else None
    return told or child_id(message.correlation_id, "conversation", "")


def _headers() -> Mapping[str, str]:
    # Not the span: the message is finished here, and sent within another one.
    under = current()
    return {CORRELATION: under.id} if under else {}


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
