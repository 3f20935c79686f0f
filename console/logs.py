"""Structured logs: one line an event, whatever text is in it. Secrets never reach this: nobody
hands them over."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

# Whatever a terminal or a line-based reader would take for a new line or a command.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def one_line(text: str) -> str:
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def _name_trace(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
    """The text form prints `exception` and `stack` below their line; by other names they stay in
    it."""
    for key in ("exception", "stack"):
        if key in event:
            event[f"{key}_text"] = event.pop(key)
    return event


def _flatten(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
    return {
        key: one_line(value) if isinstance(value, str) else value for key, value in event.items()
    }


def configure(level: str, form: str) -> None:
    """Send everything, the libraries' own logs included, to stderr in one form."""
    as_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _name_trace,
        _flatten,
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if as_text
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    final: list[Any] = [_unwrap, renderer]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=final)
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _unwrap(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
    kept = structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, name, event)
    return dict(kept)
