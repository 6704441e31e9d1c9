"""
The colours of states: what is well, what is under way, and what went wrong.
"""

from typing import Final

import click

_GREEN: Final = ("succeeded", "refunded", "authorized", "processed", "published", "ok", "repaired")
_YELLOW: Final = (
    *("pending", "requiresaction", "action_required", "sent", "received", "parked", "unrouted"),
    *("degraded", "missing", "open"),
)
_RED: Final = (
    *("failed", "declined", "unknown", "review", "dead", "unavailable", "timeout", "not migrated"),
    "away",
)

COLOURS: Final = {
    **dict.fromkeys(_GREEN, "green"),
    **dict.fromkeys(_YELLOW, "yellow"),
    **dict.fromkeys(_RED, "red"),
}
"""
By the state in lower case; what has no colour here is over and needs nobody.
"""


def coloured(state: str) -> str:
    """
    Return a state in its colour; echoing it elsewhere than to a terminal takes that off again.
    """
    colour = COLOURS.get(state.strip().lower())
    return click.style(state, fg=colour) if colour else state
