"""
Months in a PostgreSQL database, as a test wants them.
"""

from datetime import datetime

from sqlalchemy import Engine, text

from payments_postgres.months import SERIES, make, month_of, next_month, parts_of


def no_months(engine: Engine) -> None:
    """
    Drop every month, so that all is kept in the part for what has none.
    """
    for series in SERIES.values():
        for part in parts_of(engine, series):
            with engine.begin() as connection:
                connection.execute(text(f"DROP TABLE {part}"))


def months_back_to(engine: Engine, first: datetime, last: datetime) -> None:
    """
    Have exactly the months from one moment's to another's.
    """
    no_months(engine)
    for series in SERIES.values():
        month = month_of(first)
        while month <= last:
            make(engine, series, month)
            month = next_month(month)
