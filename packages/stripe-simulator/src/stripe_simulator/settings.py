"""
What a simulator can be told: keys, webhooks, storage, seed and delays.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    Everything that changes how a simulator behaves; the defaults work alone.

    Args:
        api_key: The secret key that it accepts; it begins with `sk_test_`.

        publishable_key: The key that a browser may hold; it confirms with a client secret only.

        webhook_url: Where events are sent; None sends none until an endpoint is created.

        webhook_secret: Signs what goes to `webhook_url`; made up when not given.

        webhook_events: The event types for `webhook_url`; `*` means all.

        database: A SQLite file, or `:memory:`.

        seed: Decides every fault with a probability, and every id; None draws one. A fresh
            seed keeps the ids of two runs apart.

        delay_seconds: How long outcomes take that Stripe reports later, on the simulator's clock.

        webhook_retry_delays: Seconds before each further attempt; Stripe takes hours.

        webhook_timeout: Seconds after which an endpoint that does not answer has failed.

        webhook_workers: How many deliveries run at once; one keeps them in order.

        public_url: Under which address customers open its pages; where it listens when not given.
    """

    api_key: str = field(default="sk_test_simulator", repr=False)
    publishable_key: str = "pk_test_simulator"
    webhook_url: str | None = None
    webhook_secret: str = field(
        default_factory=lambda: f"whsec_{secrets.token_hex(16)}", repr=False
    )
    webhook_events: tuple[str, ...] = ("*",)
    database: str = ":memory:"
    seed: int | None = None
    delay_seconds: float = 2.0
    webhook_retry_delays: tuple[float, ...] = (1.0, 5.0, 25.0, 125.0)
    webhook_timeout: float = 10.0
    webhook_workers: int = 1
    host: str = "127.0.0.1"
    port: int = 0
    public_url: str | None = None
    merchant: str = "Simulated Shop"
    api_version: str = "2026-10-28.endive"

    def __post_init__(self) -> None:
        if not self.api_key.startswith("sk_test_"):
            raise ValueError("api_key must begin with sk_test_: the simulator has no live mode.")
        if not self.publishable_key.startswith("pk_test_"):
            raise ValueError("publishable_key must begin with pk_test_.")
        if not self.webhook_secret.startswith("whsec_"):
            raise ValueError("webhook_secret must begin with whsec_, as Stripe's do.")
