"""
What is sent back about a message that failed: the message itself, moved, and a fault.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import attrs
from aio_pika import Message
from aio_pika.abc import DeliveryMode
from aio_pika.exceptions import PublishError as Returned

from payments_core.contracts.converter import timestamp
from payments_core.domain.errors import PaymentsError
from payments_core.ports.clock import IClock
from payments_core.ports.correlation import current
from payments_core.ports.publisher import PublishError
from payments_rabbit.connection import LOST
from payments_rabbit.correlation import headers_of
from payments_rabbit.delivery import Delivery
from payments_rabbit.envelope import Envelope
from payments_rabbit.host import Host
from payments_rabbit.names import (
    ENVELOPE,
    FAULT,
    RECEIVE_FAULT,
    Addresses,
    error_queue,
    exchange_at,
    skipped_queue,
)
from payments_rabbit.outgoing import Outgoing
from payments_rabbit.reading import Letter


@attrs.frozen
class Returning:
    """
    Puts messages where their senders and a person look, in MassTransit's way.

    No stack trace and no text of an error that is not ours is sent: either may hold anything.
    """

    outgoing: Outgoing
    addresses: Addresses
    host: Host
    clock: IClock

    async def skip(self, delivery: Delivery) -> None:
        """
        Move a message that is none of ours.

        Raises:
            PublishError: It is not moved; keep it.
        """
        headers = {"MT-Reason": "dead-letter", **self.host.headers()}
        await self._move(skipped_queue(delivery.queue), delivery, headers)

    async def fail(
        self, delivery: Delivery, error: Exception, letter: Letter | None, retries: int = 0
    ) -> None:
        """
        Tell that a message failed, and move it.

        Args:
            letter: None if it could not even be read.

        Raises:
            PublishError: It is not moved; keep it.
        """
        now = self.clock.now()
        if letter:
            await self._tell_fault(delivery, error, letter, now)
        else:
            await self._tell_unreadable(delivery, error, now)
        headers = self._fault_headers(delivery, error, letter, now)
        if retries:
            headers["MT-Fault-RetryCount"] = retries
        await self._move(error_queue(delivery.queue), delivery, headers)

    def _fault_headers(
        self, delivery: Delivery, error: Exception, letter: Letter | None, now: datetime
    ) -> dict[str, Any]:
        headers: dict[str, Any] = {
            **self.host.headers(),
            "MT-Reason": "fault",
            "MT-Fault-ExceptionType": _kind(error),
            "MT-Fault-Message": said(error),
            "MT-Fault-Timestamp": timestamp(now),
            "MT-Fault-InputAddress": self.addresses.to(delivery.queue),
            "MT-Fault-StackTrace": "",
        }
        if letter:
            headers["MT-Fault-ConsumerType"] = letter.received.endpoint
            headers["MT-Fault-MessageType"] = letter.kind.exchange.replace(":", ".")
        return headers

    async def _tell_fault(
        self, delivery: Delivery, error: Exception, letter: Letter, now: datetime
    ) -> None:
        exchange = exchange_at(letter.fault_address) or letter.kind.fault_exchange
        message = self._fault(error, now, letter.message_id) | {
            "faultMessageTypes": [letter.kind.urn],
            "message": letter.received.body,
        }
        await self._tell(
            exchange,
            Envelope(
                message_id=uuid4(),
                request_id=letter.request_id,
                correlation_id=letter.correlation_id,
                conversation_id=letter.conversation_id,
                initiator_id=letter.correlation_id or letter.request_id,
                source=self.addresses.to(delivery.queue),
                destination=self.addresses.to(exchange),
                urns=letter.kind.fault_urns,
                message=message,
                sent_at=now,
                host=self.host,
            ),
        )

    async def _tell_unreadable(self, delivery: Delivery, error: Exception, now: datetime) -> None:
        message = self._fault(error, now, None) | {
            "faultMessageTypes": None,
            "contentType": delivery.media_type or None,
        }
        await self._tell(
            RECEIVE_FAULT,
            Envelope(
                message_id=uuid4(),
                source=self.addresses.to(delivery.queue),
                destination=self.addresses.to(RECEIVE_FAULT),
                urns=[f"urn:message:{RECEIVE_FAULT}", FAULT],
                message=message,
                sent_at=now,
                host=self.host,
            ),
        )

    def _fault(self, error: Exception, now: datetime, message_id: UUID | None) -> dict[str, Any]:
        return {
            "faultId": str(uuid4()),
            "faultedMessageId": None if message_id is None else str(message_id),
            "timestamp": timestamp(now),
            "exceptions": [
                {
                    "exceptionType": _kind(error),
                    "innerException": None,
                    "stackTrace": "",
                    "message": said(error),
                    "source": self.host.assembly,
                    "data": None,
                }
            ],
            "host": self.host.fields(),
        }

    async def _tell(self, exchange: str, envelope: Envelope) -> None:
        # Nobody has to listen to faults, and who asked may be gone.
        message = Message(
            # A sender may have written half of a surrogate pair, which UTF-8 has not.
            envelope.to_json().encode(errors="replace"),
            content_type=ENVELOPE,
            message_id=str(envelope.message_id),
            headers=headers_of(current()),
            delivery_mode=DeliveryMode.PERSISTENT,
        )
        await self._send(exchange, message, mandatory=False)

    async def _move(self, queue: str, delivery: Delivery, headers: Mapping[str, Any]) -> None:
        await self._send(queue, delivery.copy(headers), mandatory=True)

    async def _send(self, exchange: str, message: Message, *, mandatory: bool) -> None:
        try:
            await self.outgoing.send(exchange, message, mandatory=mandatory)
        except PublishError:
            raise
        except Returned:
            raise PublishError(f"No queue is bound to {exchange}") from None
        except LOST as error:
            raise PublishError(f"No confirm from RabbitMQ ({type(error).__name__})") from None


def said(error: Exception) -> str:
    """
    Return what may be told of an error.
    """
    return str(error) if isinstance(error, PaymentsError) else type(error).__name__


def _kind(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"
