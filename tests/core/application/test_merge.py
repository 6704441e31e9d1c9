"""
Two long lists become one: each object meets its row, and what was never shown is known.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from payments_core.application.reconciliation.merge import SKEW, Merge, Met
from payments_core.ports.queries import Cursor

START = datetime(2026, 11, 1, tzinfo=UTC)


@attrs.frozen
class Ours:
    """
    A row, by its number.
    """

    id: UUID
    created_at: datetime


@attrs.frozen
class Theirs:
    """
    An object, and the row that it is for.
    """

    row: Ours | None
    created_at: datetime


@attrs.define
class Lists:
    """
    Both lists, and a note of what was asked for.

    Attributes:
        looked_up: How many objects did not meet their row near the frontier.

        most_near: How many rows were held at once.
    """

    rows: Sequence[Ours]
    objects: Sequence[Theirs]
    size: int = 3
    looked_up: int = 0
    most_near: int = 0

    def merge(self) -> Iterator[Met[Theirs, Ours]]:
        """
        Go through both.
        """
        return iter(Merge(self.objects, self.match, self.page, START, self.size))

    def match(self, batch: Sequence[Theirs], near: Mapping[UUID, Ours]) -> Mapping[int, Ours]:
        """
        Return the row of each object; one that is not near is looked up.
        """
        ours = {place: theirs.row for place, theirs in enumerate(batch) if theirs.row}
        self.looked_up += sum(row.id not in near for row in ours.values())
        self.most_near = max(self.most_near, len(near))
        return ours

    def page(self, after: Cursor | None) -> Sequence[Ours]:
        """
        Return rows behind a cursor.
        """
        place = after and (after.created_at, after.payment_id)
        rest = [row for row in self.rows if not place or (row.created_at, row.id) < place]
        return rest[: self.size]


def row(number: int, seconds: int) -> Ours:
    """
    Return a row that was made so many seconds after the start.
    """
    return Ours(UUID(int=number), START + timedelta(seconds=seconds))


LATE = row(1, int(SKEW.total_seconds()))
AS_LATE_AS_CAN_BE = Lists([LATE], [Theirs(None, START), Theirs(LATE, START)], size=1)
"""
A row of a clock that is ahead by the whole skew, when the listing has come to its end.
"""


def seconds(first: int, last: int) -> st.SearchStrategy[int]:
    """
    Draw a time; often two are the same, or just as far apart as the skew.
    """
    return st.integers(first // 20, last // 20).map(lambda n: 20 * n)


@st.composite
def lists(draw: st.DrawFn) -> Lists:
    """
    Make rows of which some have an object, or two: none is older than its row by more than the skew.
    """
    moments = draw(st.lists(seconds(0, 240), max_size=30))
    rows = [row(number, moment) for number, moment in enumerate(moments)]
    lags = seconds(-int(SKEW.total_seconds()), 120)
    objects = [
        Theirs(ours, max(START, ours.created_at + timedelta(seconds=lag)))
        for ours in rows
        for lag in draw(st.lists(lags, max_size=2))
    ]
    objects += [Theirs(None, row(0, at).created_at) for at in draw(st.lists(seconds(0, 240)))]
    oldest = START + timedelta(seconds=draw(st.just(0) | seconds(0, 240)))
    return Lists(
        sorted(rows, key=lambda r: (r.created_at, r.id), reverse=True),
        sorted(
            (o for o in objects if o.created_at >= oldest), key=lambda o: o.created_at, reverse=True
        ),
        draw(st.integers(1, 7)),
    )


@example(AS_LATE_AS_CAN_BE)
@given(lists())
def test_each_is_met_once_and_what_was_not_shown_is_passed(both: Lists) -> None:
    """
    However the two orders differ, each object meets its row, and no row is passed but unshown ones.
    """
    every = list(both.merge())
    shown = {theirs.row.id for theirs in both.objects if theirs.row}

    assert [pair for met in every for pair in met.pairs] == [(o, o.row) for o in both.objects]
    assert [r for met in every for r in met.passed] == [r for r in both.rows if r.id not in shown]


@given(lists())
def test_a_moment_leaves_nothing_newer_behind(both: Lists) -> None:
    """
    Objects newer than it were met, and rows newer by the skew shown or passed; it goes back only.
    """
    rows: set[UUID] = set()
    objects, before = 0, datetime.max.replace(tzinfo=UTC)
    for met in both.merge():
        rows |= {ours.id for _, ours in met.pairs if ours} | {ours.id for ours in met.passed}
        objects += len(met.pairs)

        assert {r.id for r in both.rows if r.created_at > met.moment + SKEW} <= rows
        assert objects >= sum(o.created_at > met.moment for o in both.objects)
        assert met.moment <= before
        before = met.moment


def test_who_comes_at_the_time_of_its_row_is_not_looked_up() -> None:
    """
    Where both lists go back alike, the rows are read once, and those near the frontier are held.
    """
    rows = [row(number, number) for number in reversed(range(2000))]
    both = Lists(rows, [Theirs(ours, ours.created_at) for ours in rows], size=50)
    pairs = sum(len(met.pairs) for met in both.merge())

    assert (pairs, both.looked_up) == (2000, 0)
    assert both.most_near <= 2 * both.size + SKEW.total_seconds()


def test_what_is_left_is_passed_page_by_page() -> None:
    """
    If the provider shows nothing, the rows are not held either.
    """
    rows = [row(number, number) for number in reversed(range(2000))]
    every = list(Lists(rows, [], size=50).merge())

    assert [r for met in every for r in met.passed] == rows
    assert max(len(met.passed) for met in every) == 50
