"""
Why something did not work, in a form that can be stored and shown.
"""

import attrs


@attrs.frozen
class Failure:
    """
    A reason.

    Attributes:
        code: A stable word; for declines the provider's own, such as ``card_declined``.

        message: A sentence for people. It comes from outside: show it, never interpret it.
    """

    code: str
    message: str
