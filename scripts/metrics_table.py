"""
The table of all metrics, as the code defines them.
"""

from collections.abc import Iterator
from types import ModuleType

from prometheus_client.core import Metric
from prometheus_client.metrics import MetricWrapperBase

from payments_bootstrap.metrics import series
from payments_bootstrap.metrics.backlog import FAMILIES, families_of, up
from payments_bootstrap.metrics.heartbeats import ages
from payments_http import metrics as http


def metrics() -> str:
    """
    Return each metric with its labels and who tells it, as a table.
    """
    rows = [*_rows(http, "API"), *_rows(series, "API, worker"), *_stored()]
    head = ["| metric | labels | told by | what it tells |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _rows(module: ModuleType, who: str) -> Iterator[str]:
    for metric in vars(module).values():
        if isinstance(metric, MetricWrapperBase):
            (described,) = metric.describe()
            labels = metric._labelnames  # noqa: SLF001 - the library tells them in no other way
            only = "worker" if described.name.startswith("payments_worker") else who
            yield _row(described, labels, only)


def _stored() -> Iterator[str]:
    yield _row(up(), (), "worker")
    for family in FAMILIES:
        for described in families_of(family):
            yield _row(described, (family.word,), "worker")
    yield _row(ages(), ("part",), "worker")


def _row(metric: Metric, labels: tuple[str, ...], who: str) -> str:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    shown = ", ".join(f"`{label}`" for label in labels)
    return f"| `{name}` | {shown} | {who} | {metric.documentation} |"
