"""
Who asks for something: a person or a service, and by which way they came.
"""

from enum import StrEnum
from typing import Final

import attrs


class Channel(StrEnum):
    """
    The way by which something is asked for.

    API: over HTTP, with a token. CLI: at a command line. QUEUE: by a message of another
    service. LIBRARY: by the program that embeds this package.
    """

    API = "api"
    CLI = "cli"
    QUEUE = "queue"
    LIBRARY = "library"


@attrs.frozen(kw_only=True)
class Actor:
    """
    A person or a service, as far as the channel knows them. Nothing here is a secret.

    Attributes:
        issuer: Who vouches for them: the token's issuer, the command line's host, the address
            of the queue's sender.

        subject: Who they are there: the token's subject, the operating system's user, the id
            of the message.

        client: Through what they came: the token's client, the program, the queue.

        request_id: Of the request, as the log has it; of a message its id.
    """

    channel: Channel
    issuer: str = ""
    subject: str = ""
    client: str = ""
    request_id: str = ""


EMBEDDING: Final = Actor(channel=Channel.LIBRARY)
"""
The program that embeds this package and does not say for whom it asks.
"""
