"""
Comparing payments with the provider's objects, where the listing is local: the merge itself.

The floor reads the same rows with a server-side cursor and walks through the same objects,
without comparing anything. Each run is a process of its own, so that its memory is its own.
"""

import json
import subprocess
import sys
from functools import partial
from typing import Final

from benchmarks.filling import filled
from benchmarks.place import Place
from benchmarks.rounds import Effort, Found, Sample, in_turn, line
from scripts.servers.process import ROOT

SIZES: Final = (10_000, 100_000, 1_000_000)
_LIMIT: Final = 600  # seconds


def measure(place: Place, effort: Effort) -> Found:
    """
    Measure payments a second and peak memory for several numbers of payments.
    """
    found = Found()
    sizes = [size for size in SIZES if size <= effort.payments]
    there = filled(place, max(sizes))
    peaks: dict[int, float] = {}
    for payments in sizes:
        memory: list[float] = []
        sides = {
            "merge": partial(_run, there, "merge", payments, memory),
            "plain": partial(_run, there, "plain", payments, []),
        }
        rounds = 3 if payments < 1_000_000 else 1
        samples = in_turn(sides, min(rounds, effort.rounds), warm=False)
        ratios = [a.rate / b.rate for a, b in zip(samples["merge"], samples["plain"], strict=True)]
        rates = {side: max(s.rate for s in of) for side, of in samples.items()}
        peaks[payments] = max(memory)
        found.lines += [
            line(
                ratios,
                figure="reconcile",
                case=f"{payments:,} payments",
                floor="two cursors",
                wanted="10,000/s",
                details={"rate": rates["merge"], "floor_rate": rates["plain"]},
            ),
            line(
                [memory_ / peaks[min(SIZES)] for memory_ in memory],
                figure="reconcile, peak memory",
                case=f"{payments:,} payments",
                floor=f"{min(SIZES):,} payments",
                wanted="flat",
                details={"peak_mb": round(peaks[payments], 1)},
            ),
        ]
    return found


def _run(place: Place, what: str, payments: int, memory: list[float]) -> Sample:
    words = (what, place.database_url, str(payments))
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.reconciling", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=_LIMIT,
    )
    said = json.loads(ran.stdout)
    memory.append(said["peak_mb"])
    return Sample(payments, said["seconds"])
