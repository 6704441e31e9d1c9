"""
How long programs take to start, and how much memory they keep.

Floors: Python by itself, and the libraries alone, which is a process that imports all that
ours imports and that is not ours.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types

from benchmarks import flows
from benchmarks.create import orders
from benchmarks.load import load
from benchmarks.place import SHIPPED, Place
from benchmarks.rounds import Effort, Found, Line, Sample, in_turn, line
from scripts.servers.process import running

PAYMENTS: Final = str(Path(sys.executable).with_name("payments"))
_SELECT: Final = (
    "import os, psycopg; print(psycopg.connect(os.environ['DATABASE__URL']).execute("
    "'SELECT * FROM payments WHERE id = %s', ['{}']).fetchone())"
)
_OURS: Final = "import payments_http.app"
_NAMES: Final = "import sys; print(*(n for n in sys.modules if not n.startswith('payments_')))"
_MEMORY: Final = "import os; print(open('/proc/self/statm').read().split()[1])"
_LIBRARIES: Final = """
import contextlib, importlib, sys
for name in {}:
    with contextlib.suppress(Exception):
        importlib.import_module(name)
"""


def measure(place: Place, effort: Effort) -> Found:
    """
    Measure what starts often, and what stays.
    """
    names = _python(_OURS, _NAMES).split()
    libraries = _LIBRARIES.format([name for name in names if name != "__main__"])
    alone = _resident(libraries)
    return Found([*_starts(place, effort, libraries), *_stays(place, alone)])


def _starts(place: Place, effort: Effort, libraries: str) -> Iterator[Line]:
    _, payment = flows.create(place.container(provider=1))
    one, python = str(payment.id), [sys.executable, "-c"]
    select, started = _SELECT.format(one), partial(_started, place.environ(provider=1))
    for what, wanted, words, floor, theirs in (
        ("payments --help", "<= 0.25", [PAYMENTS, "--help"], "python", [*python, "pass"]),
        ("payments show", "", [PAYMENTS, "show", one], "psycopg alone", [*python, select]),
        ("import of the API", "", [*python, _OURS], "libraries alone", [*python, libraries]),
    ):
        sides = {"ours": partial(started, words), "theirs": partial(started, theirs)}
        samples = in_turn(sides, effort.rounds)
        seconds = [sample.seconds for sample in samples["ours"]]
        floors = statistics.median(sample.seconds for sample in samples["theirs"])
        details = {"floor_seconds": round(floors, 3)}
        case = f"floor {floors:.2f} s"
        words_ = {"figure": what, "case": case, "floor": floor, "wanted": wanted}
        yield line(seconds, unit="s", details=details, **words_)


def _started(environ: dict[str, str], words: Sequence[str]) -> Sample:
    began = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True, env={**os.environ, **environ})
    return Sample(1, time.perf_counter() - began)


def _stays(place: Place, alone: float) -> Iterator[Line]:
    with place.provider() as provider:
        flow, _ = flows.create(place.container(provider))
        with place.served(SHIPPED, provider) as port:
            load(port, orders(place, flow), 16, 5)
            workers = [_megabytes(process) for process in _below("gunicorn")]
        with _worker(place, provider):
            worker = [_megabytes(process) for process in _called("worker")]
    details = {"libraries_mb": round(alone, 1)}
    words = {"unit": "MB", "case": f"floor {alone:.0f} MB", "floor": "libraries alone"}
    yield line(workers, figure="memory, API worker", wanted="<= 150", details=details, **words)
    yield line(worker, figure="memory, payments worker", details=details, **words)


@contextmanager
def _worker(place: Place, provider: int) -> Iterator[None]:
    folder = place.folder / "worker"
    folder.mkdir()
    broker = {"RABBITMQ__URL": os.environ["TEST_RABBITMQ_URL"]}
    environ = {**place.environ(provider), **broker}
    with running([PAYMENTS, "worker"], folder, environment=environ):
        time.sleep(10)
        yield


def _below(word: str) -> list[psutil.Process]:
    """
    Return the processes of that name which one of that name started.
    """
    return [process for process in _called(word) if word in process.parent().cmdline()]


def _called(word: str) -> list[psutil.Process]:
    mine = psutil.Process().children(recursive=True)
    return [process for process in mine if word in process.cmdline()]


def _megabytes(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


def _python(*code: str) -> str:
    words = [sys.executable, "-c", "\n".join(code)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def _resident(code: str) -> float:
    pages = int(_python(code, _MEMORY))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
