"""Logs: one line each on stderr, as JSON for machines or plain for people; never on stdout.

An exception becomes its type, its words and its place, not a traceback, and known secrets
are struck out wherever they turn up.
"""

import logging
import sys
import traceback
from collections.abc import Collection, MutableMapping
from types import TracebackType
from typing import Any, Final, cast

import structlog

from clearhouse.settings import LogSettings

_STRUCK: Final = "[secret]"
_Event = MutableMapping[str, Any]
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(settings: LogSettings, secrets: Collection[str] = ()) -> None:
    """Set up logging for this process; what libraries log from ``warning`` on comes along."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    strike = _Strike(secrets)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        one_line_exception,
        strike,
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=28)
    )
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def one_line_exception(_logger: object, _method: str, event: _Event) -> _Event:
    """Put an exception into ``error`` and ``at`` (file, line) in place of a traceback."""
    given = event.pop("exc_info", None)
    if isinstance(given, BaseException):
        given = (type(given), given, given.__traceback__)
    elif given is True:
        given = sys.exc_info()
    if not isinstance(given, tuple):
        return event
    kind, error, trace = cast("_ExcInfo", given)
    if error is None:  # pyright: ignore[reportUnnecessaryComparison] - outside a handler it is
        return event
    event["error"] = f"{kind.__name__}: {' '.join(str(error).split())}"
    frames = traceback.extract_tb(trace)
    if frames:
        event["at"] = f"{frames[-1].filename}:{frames[-1].lineno}"
    return event


class _Strike:
    """Replaces known secrets in every text of an event."""

    def __init__(self, secrets: Collection[str]) -> None:
        # What is shorter would strike out ordinary words.
        self._secrets = [secret for secret in secrets if len(secret) >= 8]

    def __call__(self, _logger: object, _method: str, event: _Event) -> _Event:
        for name, value in event.items():
            if isinstance(value, str) and any(secret in value for secret in self._secrets):
                event[name] = self._without(value)
        return event

    def _without(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _STRUCK)
        return text
