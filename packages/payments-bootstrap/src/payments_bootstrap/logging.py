"""
One log for everything: lines of JSON for machines, readable lines for a terminal.
"""

import logging
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

from payments_core.masking import mask, mask_tree, one_line
from payments_core.ports.correlation import current

QUIET: Final = ("aio_pika", "aiormq", "alembic.runtime.migration", "stripe", "urllib3")
"""
Libraries that would write a line for each call, or each look at the tables; aiormq's shows every
byte, also of the login.
"""

SILENT: Final = ("aiormq.connection",)
"""
Those that write an error each time when something is away of which we tell ourselves, and once.
"""


_STRUCTLOGS_OWN: Final = ("_record", "_from_structlog")


def configure(*, json: bool, level: str = "INFO", stream: TextIO | None = None) -> None:
    """
    Send every log record, also the libraries', masked to the stream (standard error).

    Modules log with the standard library; what they pass as ``extra`` become fields. The ids
    of `Correlation` are fields of each record, whoever writes it.
    """
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.processors.format_exc_info,
                _mask_event,
                # After the masking comes what is ours: the moment and the ids that find a line.
                *_fields(),
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(json=json, colors=stream.isatty()),
            ],
        )
    )
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # No line says these; each record would find them out.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())


def log_context(*, request_id: str) -> AbstractContextManager[None]:
    """
    Add the request's id to every record of the block.

    Nothing masks it any more: it is one that `accepted` let pass, or our own.
    """
    return structlog.contextvars.bound_contextvars(request_id=request_id)


def _mask_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """
    Mask each value of a record; what is no text or number becomes a text.
    """
    for name, value in event.items():
        if name not in _STRUCTLOGS_OWN:
            event[name] = _shown(name, mask_tree(value))
    return event


def _correlate(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    under = current()
    if under:
        event["correlation_id"] = under.id
    if under and under.trace_id:
        event["trace_id"] = under.trace_id
    return event


def _shown(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else mask(repr(value))
    # A traceback keeps its lines: JSON writes them as one, and a terminal is for people.
    return text if name == "exception" else one_line(text)


def _fields() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _correlate,
    ]


def _renderer(*, json: bool, colors: bool) -> Processor:
    if json:
        return structlog.processors.JSONRenderer()
    # The pretty traceback would print local variables, and secrets are among them.
    return structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )
