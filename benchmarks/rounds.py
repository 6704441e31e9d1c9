"""
Several sides measured in turn, and what their ratio is.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs


@attrs.frozen
class Sample:
    """
    What one side did in one round.

    Attributes:
        count: How much of it was done.

        seconds: How long all of it took.

        latencies: How long each took, in seconds, where that was measured.
    """

    count: int
    seconds: float
    latencies: Sequence[float] = attrs.field(default=(), repr=False)

    @property
    def rate(self) -> float:
        """
        How much was done in a second.
        """
        return self.count / self.seconds

    @property
    def median(self) -> float:
        """
        The middle latency, in seconds.
        """
        return statistics.median(self.latencies)


SIZES: Final = (10_000, 1_000_000)

Side = Callable[[], Sample]
Samples = Sequence[Sample]


def in_turn(sides: Mapping[str, Side], rounds: int, *, warm: bool = True) -> Mapping[str, Samples]:
    """
    Measure each side once a round, every other round backwards; a first round warms up.

    What disturbs the machine for a while disturbs all sides, and the ratio of one round
    compares what was measured side by side.
    """
    found: dict[str, list[Sample]] = {name: [] for name in sides}
    for number in range(0 if warm else 1, rounds + 1):
        order = list(sides)[:: 1 if number % 2 else -1]
        for name in order:
            sample = sides[name]()
            if number:
                found[name].append(sample)
    return found


@attrs.frozen
class Effort:
    """
    How often each side is measured, and for how many seconds each time; three times as often where it is judged.

    Attributes:
        payments: How many there are in the largest table.
    """

    rounds: int
    seconds: float
    payments: int = 1_000_000

    @property
    def sizes(self) -> Sequence[int]:
        """
        How many payments the tables hold whose size is compared, the smallest first.
        """
        return sorted({min(size, self.payments) for size in (*SIZES, self.payments)})


@attrs.frozen(kw_only=True)
class Line:
    """
    One line of the table.

    Attributes:
        figure: What is measured; case: under which conditions; floor: against what.

        value: The median over the rounds; least, most: their spread.

        unit: Of the value; a ratio has ``x``, and 1 is as fast as the floor.

        wanted: What the value should be, in words.

        details: Other numbers, by name; milliseconds where the name ends so.
    """

    figure: str
    case: str
    floor: str
    value: float
    least: float
    most: float
    unit: str = "x"
    wanted: str = ""
    details: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.define
class Found:
    """
    What a figure came to.

    Attributes:
        curves: For a plot of its own each: the latencies of every side, in seconds.

        costs: For a plot of its own each: by kind of request, what it costs at each number
            of payments, in seconds.
    """

    lines: list[Line] = attrs.field(factory=list)
    curves: dict[str, Mapping[str, Sequence[float]]] = attrs.field(factory=dict)
    costs: dict[str, Mapping[str, Mapping[int, float]]] = attrs.field(factory=dict)

    def add(self, other: "Found") -> None:
        """
        Take in what another figure came to.
        """
        self.lines += other.lines
        self.curves |= other.curves
        self.costs |= other.costs

    def curve(self, title: str, samples: Mapping[str, Samples]) -> None:
        """
        Keep the latencies of samples for a plot.
        """
        latencies = {side: [x for s in of for x in s.latencies] for side, of in samples.items()}
        self.curves[title] = {side: found for side, found in latencies.items() if found}


def line(values: Sequence[float], **words: Any) -> Line:
    """
    Return the line of a value that was measured in several rounds.
    """
    return Line(value=statistics.median(values), least=min(values), most=max(values), **words)


def rate_ratio(ours: Samples, theirs: Samples, **words: Any) -> Line:
    """
    Return the line that compares what two sides did in a second.
    """
    ratios = [a.rate / b.rate for a, b in zip(ours, theirs, strict=True)]
    details = {"rate": round(_rate(ours), 1), "floor_rate": round(_rate(theirs), 1)}
    return line(ratios, details={**details, **percentiles(ours)}, **words)


def percentiles(samples: Samples) -> Mapping[str, float]:
    """
    Return the middle and the slowest hundredth of all latencies, in milliseconds.
    """
    every = sorted(latency for sample in samples for latency in sample.latencies)
    if not every:
        return {}
    found = {"p50_ms": every[len(every) // 2], "p99_ms": every[len(every) * 99 // 100]}
    return {name: round(value * 1000, 2) for name, value in found.items()}


def _rate(samples: Samples) -> float:
    return statistics.median(sample.rate for sample in samples)
