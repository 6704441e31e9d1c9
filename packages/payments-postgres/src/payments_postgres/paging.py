"""
Lists in pages: what lies behind the place where a page ended, and whether anything does.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Tuple, literal, tuple_

T = TypeVar("T")


def below(columns: Sequence[ColumnElement[Any]], *place: object) -> ColumnElement[bool]:
    """
    Return what holds of rows behind a place in a list that these columns order, falling.
    """
    return tuple_(*columns) < _of_their_types(columns, place)


def above(columns: Sequence[ColumnElement[Any]], *place: object) -> ColumnElement[bool]:
    """
    Return the same for a list in rising order.
    """
    return tuple_(*columns) > _of_their_types(columns, place)


def page(found: Sequence[T], limit: int) -> tuple[Sequence[T], T | None]:
    """
    Return what is shown, and the last of it if there is more to come.

    Args:
        found: One more than is shown, where there is one.
    """
    shown = found[:limit]
    return shown, shown[-1] if len(found) > len(shown) else None


def _of_their_types(columns: Sequence[ColumnElement[Any]], place: Sequence[object]) -> Tuple:
    return tuple_(*(literal(v, c.type) for v, c in zip(place, columns, strict=True)))
