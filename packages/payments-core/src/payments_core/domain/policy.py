"""
What an installation may decide about payments.
"""

from datetime import timedelta
from typing import Final

import attrs

_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)


def _above_zero(_: object, field: "attrs.Attribute[timedelta]", value: timedelta) -> None:
    if value <= timedelta():
        raise ValueError(f"{field.name} must be above zero")


@attrs.frozen
class Policy:
    """
    The rules' settings; a time of nothing, or less, would prove what is not so, and is refused.

    Attributes:
        lease: How long the sender of an operation owns it. Longer than any request may
            take, so that recovery never meets a sender that is merely slow: at least three
            calls of the provider and 10 s.

        keep_keys: For how long a caller's idempotency key is remembered with its result.

        refund_late_money: Give back at once what was taken after a payment was closed.

        confirm_within: How long an unanswered creation or confirmation may be sent again:
            nobody is charged long after they left.

        key_life: How long any operation may be sent again. Less than the provider keeps its
            idempotency keys (Stripe: at least 24 h).

        backoff: The waits between two looks at an operation without an outcome; the last
            one repeats. spent_backoff: Likewise where the provider keeps an error under the
            key, which it may still mend by itself.

        look_again: How often an operation that the provider works on, or that waits for the
            customer, is read although no webhook came.

        proof_after: How long after it was last sent a look may count as proof that it had no
            effect. proof_gap: How far apart the two looks must be that prove it.

        listing_margin: How much longer than the time of sending a listing looks, on both
            sides: by so much the provider's clock may differ. listing_lease: How long one
            listing may take.

        review_after: When an operation without an outcome is left to a person.

        expire_after: How long a customer may take to pay. expire_again: When a payment that
            could not be ended then is tried again.

        pause: How long a provider that refuses our credentials is left alone.
    """

    lease: timedelta = attrs.field(default=60 * _SECOND, validator=_above_zero)
    keep_keys: timedelta = attrs.field(default=72 * _HOUR, validator=_above_zero)
    refund_late_money: bool = True
    confirm_within: timedelta = 10 * _MINUTE
    key_life: timedelta = attrs.field(default=23 * _HOUR, validator=_above_zero)
    backoff: tuple[timedelta, ...] = (
        5 * _SECOND,
        15 * _SECOND,
        _MINUTE,
        5 * _MINUTE,
        30 * _MINUTE,
        _HOUR,
    )
    spent_backoff: tuple[timedelta, ...] = (0 * _SECOND, _MINUTE, 10 * _MINUTE, _HOUR)
    look_again: timedelta = attrs.field(default=_HOUR, validator=_above_zero)
    proof_after: timedelta = attrs.field(default=_HOUR, validator=_above_zero)
    proof_gap: timedelta = attrs.field(default=10 * _MINUTE, validator=_above_zero)
    listing_margin: timedelta = 10 * _MINUTE
    listing_lease: timedelta = attrs.field(default=15 * _MINUTE, validator=_above_zero)
    review_after: timedelta = attrs.field(default=7 * 24 * _HOUR, validator=_above_zero)
    expire_after: timedelta = attrs.field(default=24 * _HOUR, validator=_above_zero)
    expire_again: timedelta = attrs.field(default=_HOUR, validator=_above_zero)
    pause: timedelta = attrs.field(default=_MINUTE, validator=_above_zero)
