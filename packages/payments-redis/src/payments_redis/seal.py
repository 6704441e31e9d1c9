"""
Telling what we wrote from what somebody else did.
"""

import hashlib
import hmac
from typing import Final

import attrs

_LENGTH: Final = hashlib.sha256().digest_size


@attrs.frozen
class Seal:
    """
    Marks values so that only who knows the secret can make one, and only for its own name.
    """

    secret: bytes = attrs.field(repr=False)

    def closed(self, name: str, value: bytes) -> bytes:
        """
        Return the value with its mark.
        """
        return self._mark(name, value) + value

    def opened(self, name: str, sealed: bytes) -> bytes | None:
        """
        Return the value, or None if it is not as it was written under this name.
        """
        mark, value = sealed[:_LENGTH], sealed[_LENGTH:]
        return value if hmac.compare_digest(mark, self._mark(name, value)) else None

    def _mark(self, name: str, value: bytes) -> bytes:
        # The name's own digest has one length, so that no name runs into a value.
        text = hashlib.sha256(name.encode()).digest() + value
        return hmac.digest(self.secret, text, "sha256")
