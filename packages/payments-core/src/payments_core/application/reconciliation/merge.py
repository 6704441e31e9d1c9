"""
Two long lists as one: what the provider shows, and what is here, both newest first.

Neither list is held. Most objects meet their row where both lists have come to; any other is
looked up by its id, in batches. A row of ours is known to be missing from the listing once the
listing has gone back past the moment at which its object was made. Only rows near that frontier
are remembered, so memory does not grow with the lists.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

import attrs

from payments_core.ports.provider import Window
from payments_core.ports.queries import Cursor

SKEW: Final = timedelta(seconds=60)
"""
How far the provider's clock may be behind ours before rows are asked about in vain.
"""


class Dated(Protocol):
    """
    Something with a place in the order of time.
    """

    @property
    def created_at(self) -> datetime:
        """
        When it was made.
        """


class Row(Dated, Protocol):
    """
    Something of ours with a place in the order of time.
    """

    @property
    def id(self) -> UUID:
        """
        What it is known by here.
        """


F = TypeVar("F", bound=Dated)
L = TypeVar("L", bound=Row)
T = TypeVar("T")


@attrs.frozen
class Met(Generic[F, L]):
    """
    What the provider showed, each with ours if there is one; and ours that it passed over.

    Attributes:
        moment: Everything that is newer has been compared.
    """

    pairs: Sequence[tuple[F, L | None]]
    passed: Sequence[L]
    moment: datetime


@attrs.define
class Merge(Generic[F, L]):
    """
    Goes through both lists once.

    Attributes:
        listed: What the provider has, newest first.

        match: Returns ours to what was listed, by the place in the batch. It is given our rows
            near the frontier, by their ids: what is among them need not be looked up.

        page: Returns rows of ours from a cursor on, newest first; none is the end.

        start: Where both lists end.
    """

    listed: Iterable[F]
    match: Callable[[Sequence[F], Mapping[UUID, L]], Mapping[int, L]]
    page: Callable[[Cursor | None], Sequence[L]]
    start: datetime
    size: int
    _near: dict[UUID, L] = attrs.field(factory=dict, init=False)
    _shown: set[UUID] = attrs.field(factory=set, init=False)

    def __iter__(self) -> Iterator[Met[F, L]]:
        """
        Yield what was compared; an error of the listing ends it before anything is missed.
        """
        rows = pages(self.page)
        for batch in batches(self.listed, self.size):
            moment = batch[-1].created_at
            self._read(rows, moment)
            ours = self.match(batch, self._near)
            self._shown.update(row.id for row in ours.values() if row.created_at >= self.start)
            pairs = [(fact, ours.get(place)) for place, fact in enumerate(batch)]
            yield Met(pairs, self._passed(moment + SKEW), moment)
        for found in rows:
            self._near.update((row.id, row) for row in found)
            yield Met((), self._passed(None), found[-1].created_at)
        yield Met((), self._passed(None), self.start)

    def _read(self, rows: Iterator[Sequence[L]], moment: datetime) -> None:
        """
        Read on until a row is no newer, or all are read.
        """
        last = next(reversed(self._near.values()), None)
        while last is None or last.created_at > moment:
            found = next(rows, ())
            if not found:
                return
            self._near.update((row.id, row) for row in found)
            last = found[-1]

    def _passed(self, until: datetime | None) -> Sequence[L]:
        """
        Return rows newer than that moment that were not shown, and forget those that were.
        """
        every = self._near.values()
        gone = list(takewhile(lambda row: until is None or row.created_at > until, every))
        missed = [row for row in gone if row.id not in self._shown]
        for row in gone:
            del self._near[row.id]
            self._shown.discard(row.id)
        return missed


def batches(items: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    """
    Yield what there is, so many at a time.
    """
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


def pages(fetch: Callable[[Cursor | None], Sequence[L]]) -> Iterator[Sequence[L]]:
    """
    Yield a listing of ours page by page.
    """
    after: Cursor | None = None
    while found := fetch(after):
        yield found
        after = Cursor(found[-1].created_at, found[-1].id)


def rest_of(start: datetime, end: datetime, cursor: datetime | None) -> Window:
    """
    Return what of a window is left behind a cursor, with a little of what was done.
    """
    return Window(start, end if cursor is None else min(end, cursor + 2 * SKEW))
