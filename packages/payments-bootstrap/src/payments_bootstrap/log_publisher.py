"""
Where messages go when there is no broker: a line in the log for each.
"""

import json
import logging
from collections.abc import Sequence

from typing_extensions import override

from payments_core.ports.correlation import correlated
from payments_core.ports.outbox import OutboxMessage
from payments_core.ports.publisher import IEventPublisher, PublishError

_log = logging.getLogger("payments.events")


class LogPublisher(IEventPublisher):
    """
    Shows each message to whoever reads the log, whatever the log's level.
    """

    def __init__(self) -> None:
        _log.setLevel(logging.INFO)

    @override
    def publish(self, messages: Sequence[OutboxMessage]) -> Sequence[PublishError | None]:
        for message in messages:
            with correlated(message.correlation):
                _log.info("%s %s", message.name, _told(message))
        return [None] * len(messages)

    @override
    def ping(self) -> None:
        return


def _told(message: OutboxMessage) -> str:
    document = json.loads(message.body)
    return json.dumps(document.get("message", document), ensure_ascii=False)
