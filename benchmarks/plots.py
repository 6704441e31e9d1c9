"""
Plots as PNG. Matplotlib is imported here alone, and late: it takes a second.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Curves = Mapping[str, Sequence[float]]
Costs = Mapping[str, Mapping[int, float]]


def latencies(title: str, curves: Curves, folder: Path) -> Path:
    """
    Draw how many of a hundred answers took longer, for each side; return the file.
    """
    with _axes(title, folder, xlabel="milliseconds", ylabel="% that took longer") as (axes, file):
        for side, found in curves.items():
            ordered = sorted(found)
            left = [100 * (1 - (place + 0.5) / len(ordered)) for place in range(len(ordered))]
            axes.plot([1000 * seconds for seconds in ordered], left, label=side)
        axes.set(yscale="log", ylim=(0.1, 100))
    return file


def costs(title: str, curves: Costs, folder: Path) -> Path:
    """
    Draw what each kind of request costs at each number of payments; return the file.
    """
    with _axes(title, folder, xlabel="payments", ylabel="milliseconds") as (axes, file):
        for kind, found in curves.items():
            sizes = sorted(found)
            axes.plot(sizes, [1000 * found[size] for size in sizes], marker="o", label=kind)
        axes.set(ylim=(0, None))
    return file


@contextmanager
def _axes(title: str, folder: Path, **words: Any) -> Iterator[tuple[Any, Path]]:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    axes.set(title=title, xscale="log", **words)
    file = folder / f"{re.sub('[^a-z0-9]+', '-', title.lower()).strip('-')}.png"
    yield axes, file
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(file, dpi=100)
    plt.close(figure)
