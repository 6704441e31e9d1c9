"""
Plots as PNG. Matplotlib is imported here alone, and late: it takes a second.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

Curves = Mapping[str, Sequence[float]]


def latencies(title: str, curves: Curves, folder: Path) -> Path:
    """
    Draw how many of a hundred answers took longer, for each side; return the file.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for side, found in curves.items():
        ordered = sorted(found)
        left = [100 * (1 - (place + 0.5) / len(ordered)) for place in range(len(ordered))]
        axes.plot([1000 * seconds for seconds in ordered], left, label=side)
    axes.set(title=title, xlabel="milliseconds", ylabel="% that took longer", yscale="log")
    axes.set(xscale="log", ylim=(0.1, 100))
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    file = folder / f"{re.sub('[^a-z0-9]+', '-', title.lower()).strip('-')}.png"
    figure.savefig(file, dpi=100)
    plt.close(figure)
    return file
