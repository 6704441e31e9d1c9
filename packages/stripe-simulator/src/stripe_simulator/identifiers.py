"""
Ids in Stripe's shape, drawn from the seed.
"""

from __future__ import annotations

import random
import string
import threading

ALPHABET = string.ascii_letters + string.digits


class Identifiers:
    """
    Draws ids; the same seed and the same order of draws give the same ids.

    Args:
        seed: What the ids are drawn from.

        generation: How often the database was opened: a second run on one file draws others.
    """

    def __init__(self, seed: int, generation: int) -> None:
        self._random = random.Random(f"identifiers:{seed}:{generation}")  # noqa: S311 - ids of test objects, not secrets
        self._lock = threading.Lock()

    def draw(self, prefix: str, length: int = 24) -> str:
        """
        A new id, for example `pi_3…`.
        """
        with self._lock:
            return f"{prefix}_{''.join(self._random.choices(ALPHABET, k=length))}"
