"""
Runs figures, each against its floor and in turn with it, and writes what they came to.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from benchmarks import create, footprint, latency, plots, reads, reconcile, relay, report, webhooks
from benchmarks.place import Place, place
from benchmarks.rounds import Effort, Found

FIGURES: Final[Mapping[str, Callable[[Place, Effort], Found]]] = {
    "create": create.measure,
    "latency": latency.measure,
    "webhooks": webhooks.measure,
    "relay": relay.measure,
    "reads": reads.measure,
    "reconcile": reconcile.measure,
    "footprint": footprint.measure,
}


def main() -> None:
    """
    Measure what is asked for; a value of 1 x is as fast as the floor.
    """
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"of {', '.join(FIGURES)}")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each side of a round")
    parser.add_argument("--payments", type=int, default=1_000_000, help="in the largest table")
    parser.add_argument("--into", type=Path, default=Path("var/bench"), help="folder for files")
    options = parser.parse_args()
    if unknown := set(options.figures) - set(FIGURES):
        parser.error(f"there is no figure {', '.join(sorted(unknown))}")
    start = time.monotonic()
    effort = Effort(options.rounds, options.seconds, options.payments)
    found = measure(options.figures or list(FIGURES), effort)
    write(found, options.into, time.monotonic() - start)


def measure(names: list[str], effort: Effort) -> Found:
    """
    Return what the named figures came to, all of them in one place.
    """
    every = Found()
    with place() as here:
        for name in names:
            print(f"Measuring {name} ...", file=sys.stderr, flush=True)
            found = FIGURES[name](here, effort)
            every.lines += found.lines
            every.curves |= found.curves
            every.costs |= found.costs
    return every


def write(found: Found, folder: Path, seconds: float) -> None:
    """
    Print the table, and write it with the plots into a folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    print(report.table(found.lines))
    (folder / "result.json").write_text(report.document(found.lines, seconds=round(seconds)))
    drawn = [plots.latencies(title, curves, folder) for title, curves in found.curves.items()]
    drawn += [plots.costs(title, curves, folder) for title, curves in found.costs.items()]
    print(f"\n{seconds:.0f} s; {folder}/result.json, {', '.join(file.name for file in drawn)}")


if __name__ == "__main__":
    main()
