"""Logs: one format for our own lines and those of libraries.

Lines are readable text on a terminal, and JSON objects otherwise. All go through the
standard library's root logger to stderr, so that stdout has only the command's output.
What a library says again and again, since a client does, is told once a minute.
Tracebacks do not show the values of variables, which may be secrets.
"""

import logging
import sys
import time
from typing import TextIO, cast

import structlog
from structlog.typing import Processor

from tailcast_service.sparing import Sparing


__all__ = ["configure_logging"]

# Libraries that have their own handlers, and libraries that log too much at `info`.
_HANDLED_BY_ROOT = ("uvicorn", "uvicorn.error", "uvicorn.access")
_ONLY_WARNINGS = ("asyncio", "httpcore", "httpx", "watchfiles")


def configure_logging(
    *, level: str, log_format: str, service: str, stream: TextIO | None = None
) -> None:
    """Send all logs of this process to `stream` (stderr), from `level` upwards.

    `log_format` is `json`, `console`, or `auto`: console on a terminal. `service` is
    the name of the process in each line. It may be called again; the last call counts.
    """
    sink = stream or sys.stderr
    as_json = log_format == "json" or (log_format == "auto" and not sink.isatty())
    handler = logging.StreamHandler(sink)
    handler.addFilter(_Repeated())
    handler.setFormatter(make_formatter(as_json=as_json, service=service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _HANDLED_BY_ROOT:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    if level != "debug":
        for name in _ONLY_WARNINGS:
            logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared_processors(service),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class _Repeated(logging.Filter):
    """Leaves out what a library has said already within the last minute.

    What is said of an exception is never left out, and our own lines are not: who
    writes them knows how often they may come.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sparing = Sparing(clock=time.monotonic)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is written; if so, it has how often it came."""
        if record.exc_info or not isinstance(record.msg, str):
            return True
        times = self._sparing.came((record.name, record.msg))
        if times > 1:
            record.msg += f" ({times} times)"
        return times > 0


def make_formatter(*, as_json: bool, service: str) -> logging.Formatter:
    """The formatter of our own records and those of libraries."""
    last: list[Processor]
    # By default both would show all variables of all frames.
    if as_json:
        last = [
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    else:
        last = [
            structlog.dev.ConsoleRenderer(
                colors=False,
                pad_event_to=32,
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared_processors(service),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *last,
        ],
    )


def shared_processors(service: str) -> list[Processor]:
    """The processors for every line: context, level, time in UTC, service name."""

    def add_service(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.stdlib.PositionalArgumentsFormatter(),
        add_service,
        _escape,
    ]


def _escape(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Show what is no UTF-8 in a name escaped: readers of lines take no other."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _escaped(value)
        elif isinstance(value, list):
            several = cast(list[object], value)
            event[name] = [
                _escaped(one) if isinstance(one, str) else one for one in several
            ]
    return event


def _escaped(text: str) -> str:
    r"""A byte of a name that is no UTF-8 as `\xNN`, any other half of a pair too."""
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        return text
    try:
        return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace").decode()
