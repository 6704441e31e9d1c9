"""
The ids of `Correlation` on the wire.

A .NET service reads ``MT-Activity-Id`` of the transport as the span above its own, and finds
``X-Correlation-ID`` among the headers of the envelope, and of the transport.
"""

from collections.abc import Mapping
from typing import Any, Final

from payments_core.ports.correlation import Correlation

CORRELATION: Final = "X-Correlation-ID"
ACTIVITY: Final = "MT-Activity-Id"


def headers_of(correlation: Correlation | None) -> dict[str, Any]:
    """
    Return the headers of a message that is sent under these ids.
    """
    if correlation is None:
        return {}
    trace = {ACTIVITY: correlation.traceparent} if correlation.traceparent else {}
    return {CORRELATION: correlation.id, **trace}


def correlation_of(
    headers: Mapping[str, Any], message_id: object, envelope: Mapping[str, Any] | None = None
) -> Correlation:
    """
    Return the ids under which a message was sent.

    Without a header of ours that is the conversation, which MassTransit carries on by itself;
    without one of those the message.

    Args:
        headers: Of the transport. envelope: By names in lower case; None if it is not read yet.
    """
    told = envelope or {}
    inner = told.get("headers")
    within = inner if isinstance(inner, Mapping) else {}
    ids = (headers.get(CORRELATION), within.get(CORRELATION), told.get("conversationid"))
    traceparent = headers.get(ACTIVITY) or within.get(ACTIVITY)
    return Correlation.begin(*ids, told.get("messageid"), message_id, traceparent=traceparent)
