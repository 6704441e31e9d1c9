"""
What an operation of the API is, and what it is called with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stripe_simulator.params import Parameters
from stripe_simulator.work import Work

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """
    One call of an operation.

    Args:
        id: The id in the path, or empty.

        parameters: What was sent, typed.

        publishable: Whether a browser calls, with the publishable key.
    """

    id: str
    parameters: Json
    publishable: bool = False


@dataclass(frozen=True)
class Operation:
    """
    One line of the API.

    Args:
        name: For fault rules and the log, for example `payment_intents.create`.

        path: With `<id>` where the id stands.

        publishable: Whether the publishable key is enough.
    """

    name: str
    method: str
    path: str
    parameters: Parameters
    run: Callable[[Work, Call], Json]
    publishable: bool = False
