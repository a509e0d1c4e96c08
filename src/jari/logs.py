"""Structured logs: one JSON object per line on standard error, or readable lines on a terminal."""

import logging
import sys

import structlog

from jari.domain.errors import Unavailable

_OF_EVERY_LINE: dict[str, int] = {}


def configure(*, quiet: bool = False) -> None:
    """Set up structlog, and send the log records of libraries through it."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _name_worker,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_what_is_away,
    ]
    terminal = sys.stderr.isatty()
    last: structlog.typing.Processor = (
        # The default traceback would print the variables of every frame, passwords among them.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    tracebacks = [] if terminal else [structlog.processors.format_exc_info]
    level = logging.WARNING if quiet else logging.INFO
    structlog.configure(
        processors=[*shared, *tracebacks, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tracebacks, last],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)


def name_worker(number: int) -> None:
    """Write the worker's number on every line of this process."""
    _OF_EVERY_LINE["worker"] = number


def _name_worker(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {**_OF_EVERY_LINE, **event}


def _name_what_is_away(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Write only the cause of an `Unavailable`. A traceback would look like a fault of ours."""
    error = event.get("exc_info")
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, Unavailable):
        del event["exc_info"]
        event["error"] = repr(error.__cause__) if error.__cause__ is not None else error.detail
    return event
