"""
Runs figures, each against its floor and in turn with it, and writes what they came to.
"""

import argparse
import sys
import time
import traceback
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
    effort = Effort(options.rounds, options.seconds, options.payments)
    options.into.mkdir(parents=True, exist_ok=True)
    failed = measure(options.figures or list(FIGURES), effort, options.into)
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}; see above why")


def measure(names: list[str], effort: Effort, folder: Path) -> list[str]:
    """
    Measure the named figures in one place; return the names of those that failed.

    What each came to is written at once: an hour is not lost for the last of them.
    """
    start, every, failed = time.monotonic(), Found(), []
    loop_ms = report.loop_ms()
    with place() as here:
        for name in names:
            print(f"Measuring {name} ...", file=sys.stderr, flush=True)
            try:
                every.add(FIGURES[name](here, effort))
            except Exception:  # noqa: BLE001 - whatever it is, it is shown, and the next one begins
                traceback.print_exc()
                failed.append(name)
            seconds = round(time.monotonic() - start)
            (folder / "result.json").write_text(
                report.document(every.lines, seconds=seconds, loop_ms=loop_ms)
            )
    print(report.table(every.lines))
    print(f"\n{seconds} s; Python takes {loop_ms} ms for a plain loop")
    print(f"{folder}/result.json, {', '.join(drawn(every, folder))}")
    return failed


def drawn(found: Found, folder: Path) -> list[str]:
    """
    Draw what was found into a folder; return the names of the files.
    """
    files = [plots.latencies(title, curves, folder) for title, curves in found.curves.items()]
    files += [plots.costs(title, curves, folder) for title, curves in found.costs.items()]
    return [file.name for file in files]


if __name__ == "__main__":
    main()
