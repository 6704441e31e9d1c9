"""
Two long lists as one: what the provider shows, and what is here, both newest first.

Neither list is held. An object is looked up by its id, in batches; a row of ours is known to
be missing from the listing once the listing has gone back past the moment at which its object
was made. Only rows near that frontier are remembered, so memory does not grow with the lists.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
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

        match: Returns ours to what was listed, by the place in the batch.

        page: Returns rows of ours from a cursor on, newest first; none is the end.

        start: Where both lists end.
    """

    listed: Iterable[F]
    match: Callable[[Sequence[F]], Mapping[int, L]]
    page: Callable[[Cursor | None], Sequence[L]]
    start: datetime
    size: int
    _shown: set[UUID] = attrs.field(factory=set, init=False)
    _rows: list[L] = attrs.field(factory=list, init=False)
    _after: Cursor | None = attrs.field(default=None, init=False)
    _over: bool = attrs.field(default=False, init=False)

    def __iter__(self) -> Iterator[Met[F, L]]:
        """
        Yield what was compared; an error of the listing ends it before anything is missed.
        """
        for batch in batches(self.listed, self.size):
            ours = self.match(batch)
            self._shown.update(row.id for row in ours.values() if row.created_at >= self.start)
            moment = batch[-1].created_at
            pairs = [(fact, ours.get(place)) for place, fact in enumerate(batch)]
            yield Met(pairs, self._passed(moment + SKEW), moment)
        yield Met((), self._passed(None), self.start)

    def _passed(self, until: datetime | None) -> Sequence[L]:
        """
        Return rows newer than that moment that were not shown, and forget those that were.
        """
        missed: list[L] = []
        while (row := self._next()) and (until is None or row.created_at > until):
            self._rows.pop()
            if row.id in self._shown:
                self._shown.discard(row.id)
            else:
                missed.append(row)
        return missed

    def _next(self) -> L | None:
        if not self._rows and not self._over:
            found = self.page(self._after)
            self._over = not found
            self._rows = list(reversed(found))
            self._after = Cursor(found[-1].created_at, found[-1].id) if found else None
        return self._rows[-1] if self._rows else None


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
