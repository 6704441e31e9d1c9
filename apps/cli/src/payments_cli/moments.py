"""
Moments as people type them: how long ago, a day, or a time.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click
from typing_extensions import override

_AGO: Final = re.compile(r"([1-9]\d{0,5})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Moment(click.ParamType[datetime]):
    """
    A moment in the past: ``90m``, ``12h``, ``3d`` or ``2w`` ago, ``2026-11-22``, or ISO 8601.

    What has no zone is meant in UTC.
    """

    name = "moment"

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        found = _AGO.fullmatch(str(value))
        if found:
            return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail("Write how long ago (90m, 12h, 3d, 2w), a day or a time.", param, ctx)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


MOMENT: Final = Moment()
