"""
Moments as people type them.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click
from typing_extensions import override

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO: Final = re.compile(r"([0-9]{1,5})([smhdw])", re.ASCII)


class Moment(click.ParamType[datetime]):
    """
    How long ago (``90m``, ``12h``, ``3d``), a day, or a time of a day; in UTC where no zone is said.

    What is in the future is refused.
    """

    name = "moment"

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        now = datetime.now(UTC)
        try:
            found = _moment(str(value), now)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is no moment: write 90m, 12h, 3d or 2026-11-25T14:30.", param, ctx
            )
        if found > now:
            self.fail(f"{value!r} is in the future.", param, ctx)
        return found


def _moment(text: str, now: datetime) -> datetime:
    ago = _AGO.fullmatch(text)
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


MOMENT: Final = Moment()
