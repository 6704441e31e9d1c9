"""
When something is due by a cron expression.
"""

from datetime import datetime
from typing import Final

from croniter import croniter

_FIELDS: Final = 5


def is_schedule(expression: str) -> bool:
    """
    Return whether this is a cron expression of minutes, hours, days, months and weekdays.
    """
    return len(expression.split()) == _FIELDS and bool(croniter.is_valid(expression))


def last_due(expression: str, now: datetime) -> datetime:
    """
    Return the latest moment at or before now that the expression names.
    """
    minute = now.replace(second=0, microsecond=0)
    if croniter.match(expression, minute):
        return minute
    found = croniter(expression, minute).get_prev(datetime)
    assert isinstance(found, datetime)
    return found
