"""
What an installation may decide about payments.
"""

from datetime import timedelta

import attrs


@attrs.frozen
class Policy:
    """
    The rules' settings.

    Attributes:
        lease: How long the sender of an operation owns it. Longer than any request may
            take, so that recovery never meets a sender that is merely slow.

        refund_late_money: Give back at once what was taken after a payment was closed.
    """

    lease: timedelta = timedelta(seconds=60)
    refund_late_money: bool = True
