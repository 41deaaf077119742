"""Logging: JSON lines for machines, coloured lines on a terminal, never a secret."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, FilteringBoundLogger, Processor

from chaosd.report.redact import without_secrets

LOGGER = "chaosd"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def configure(
    now: Callable[[], datetime],
    *,
    stream: TextIO | None = None,
    terminal: bool | None = None,
    level: int = logging.INFO,
    root: logging.Logger | None = None,
) -> FilteringBoundLogger:
    """Set up all logging of the process and return chaosd's logger.

    Lines go to ``stream`` (standard error), coloured when it is a ``terminal`` (None: ask it).
    Their time is what ``now`` says, in RFC 3339 and UTC. Third parties' records (APScheduler,
    uvicorn, urllib3), which arrive at ``root``, come out the same way from WARNING on. Called
    again, it replaces what it set up before.
    """
    out = sys.stderr if stream is None else stream
    coloured = out.isatty() if terminal is None else terminal
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                _third_party,
                structlog.stdlib.add_log_level,
            ],
            processors=_processors(now, coloured=coloured),
        )
    )
    root = logging.getLogger() if root is None else root
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    # Below no other: the root's level is for third parties. And nobody else's by its name.
    own = logging.Logger(LOGGER, level)  # noqa: LOG001
    own.addHandler(handler)
    logger: FilteringBoundLogger = structlog.wrap_logger(
        own,
        processors=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    return logger


def _processors(now: Callable[[], datetime], *, coloured: bool) -> list[Processor]:
    def stamp(_logger: object, _method: str, event: EventDict) -> EventDict:
        at = now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"timestamp": at, **event}

    common: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        stamp,
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    if not coloured:
        return [*common, _in_order, structlog.processors.JSONRenderer(ensure_ascii=False)]
    # Exceptions are text by now; the plain formatter does not ask for them to be otherwise.
    renderer = structlog.dev.ConsoleRenderer(
        colors=True, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
    )
    return [*common, _flat, renderer]


def _third_party(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Says which library speaks."""
    record: logging.LogRecord = event["_record"]
    return {**event, "logger": record.name}


def _in_order(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Time, level and event first: people read JSON lines too."""
    first = {key: event[key] for key in ("timestamp", "level", "event") if key in event}
    return {**first, **event}


def _flat(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Reasons as short texts, and nothing that a terminal obeys: it is for people."""
    return {key: _short(value) for key, value in event.items()}


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(str(_short(one)) for one in value)
    if isinstance(value, dict) and value.keys() == {"code", "detail"}:
        return _short(": ".join(part for part in value.values() if part))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(one)}" for key, one in value.items())
    return _CONTROL.sub("?", value) if isinstance(value, str) else value
