"""
How much each proof does: in every run of CI, and before a release (PROOF_SCALE=release).
"""

import os
from typing import Final

import attrs


@attrs.frozen
class Count:
    """
    A number for each of the two.
    """

    ci: int
    release: int

    @property
    def now(self) -> int:
        """
        The number for this run.
        """
        return self.release if os.environ.get("PROOF_SCALE") == "release" else self.ci


SIMULATIONS: Final = Count(500, 10_000)
KILLS: Final = Count(300, 2_000)
RESTARTS: Final = Count(2, 50)
"""
Of PostgreSQL; those of the broker and of Redis are as many, up to 30 and 70.
"""

WEBHOOKS_AT_ONCE: Final = Count(60, 1_000)
ORDERS_RELAYED: Final = Count(650, 9_650)
"""
Of ten messages each; with those of the other proofs of the relay 10,000 and 100,000.
"""

BROKER_KILLS: Final = Count(2, 30)
