"""
Identifiers: payments get time-ordered ones, what belongs to a payment derives from it.
"""

import secrets
from datetime import datetime
from uuid import UUID, uuid5


def new_payment_id(now: datetime) -> UUID:
    """
    Return a fresh UUID of version 7 (RFC 9562): ids made later sort later.

    A time-ordered primary key keeps new rows together in its index.
    """
    milliseconds = int(now.timestamp() * 1000)
    value = milliseconds << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def child_id(parent: UUID, kind: str, name: object) -> UUID:
    """
    Return the id of a part: the same parent, kind and name always give the same id.

    So a repeated step cannot make a second part, and a replayed run makes the same ids.
    """
    return uuid5(parent, f"{kind}:{name}")
