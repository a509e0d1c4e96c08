"""Structured logs: one JSON object per line on standard error, or readable lines on a terminal."""

import logging
import sys

import structlog


def configure(*, quiet: bool = False) -> None:
    """Set up structlog, and send the log records of libraries through it."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    last: structlog.typing.Processor = (
        # a plain traceback: the default one would print the variables of every frame, passwords among them
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
