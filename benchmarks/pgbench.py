"""
The floor below all others: pgbench running the same statements.
"""

import re
import subprocess
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.place import Place
from benchmarks.recording import Recording
from benchmarks.rounds import Sample

_NUMBERED: Final = "\\set i :i + 1\n\\set n :first + :client_id * :each + :i\n"
_DONE: Final = re.compile(r"number of transactions actually processed: (\d+)")
_RATE: Final = re.compile(r"tps = ([\d.]+) \(without initial")
_FAILED: Final = re.compile(r"number of failed transactions: ([1-9]\d*)")


def pgbench(
    place: Place,
    recording: Recording,
    clients: int,
    seconds: float,
    numbers: range | None = None,
) -> Sample:
    """
    Run a recording's transactions again and again, with statements prepared.

    Args:
        numbers: Whose turns are taken, each once, however long that is; fresh ones by default.

    Raises:
        RuntimeError: pgbench failed, or a transaction of it.
    """
    script = place.folder / "pgbench.sql"
    script.write_text(_NUMBERED + recording.script(":n::bigint"))
    mine = numbers or place.block()
    each = len(mine) // clients
    counted = {"i": -1, "first": mine.start, "each": each}
    # In a time of its own, a fast machine would go beyond the last turn.
    end = ("-t", str(each)) if numbers else ("-T", str(max(2, round(seconds))))
    return run(place, script.name, clients, end, **counted)


def run(place: Place, script: str, clients: int, end: tuple[str, str], **variables: int) -> Sample:
    """
    Run a script of the place's folder until a time or a number of turns is over.

    Args:
        end: As pgbench is told it: ``-T`` with seconds, or ``-t`` with turns of each client.
    """
    url = urlsplit(place.database_url)
    given = [word for name, value in variables.items() for word in ("-D", f"{name}={value}")]
    command: list[str | Path] = [
        place.programs / "pgbench",
        *("-n", "-M", "prepared", *given, "-f", script),
        *("-c", str(clients), "-j", str(min(clients, 2)), *end),
        *("-h", url.hostname or "", "-p", str(url.port), "-U", url.username or "", url.path[1:]),
    ]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=place.folder, timeout=120
    )
    done, rate = _DONE.search(ran.stdout), _RATE.search(ran.stdout)
    if ran.returncode or _FAILED.search(ran.stdout) or not (done and rate):
        raise RuntimeError(f"pgbench failed: {ran.stderr or ran.stdout}")
    count = int(done[1])
    return Sample(count, count / float(rate[1]))
