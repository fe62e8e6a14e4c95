"""Structured logs on stderr, one line an event. Request contents, vectors and people's ids never go in.

`logging` of the libraries (gRPC's own complaints) comes out in the same form.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from services.runtime.settings import RuntimeSettings

NAME = "visrec"
"""The logger of everything that is ours."""

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(runtime: RuntimeSettings, service: str) -> None:
    """Sets up this process's logs. For the launcher only: it changes the state of the whole process."""

    def name_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_service,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(runtime.log_format)],
        )
    )
    # Libraries tell at info what they loaded and from where; of them only what is wrong is of interest.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(NAME).setLevel(LEVELS[runtime.log_level])


def _rendering(log_format: str) -> list[Processor]:
    if log_format == "console":
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=True)]


def logger() -> Any:
    """A structlog logger; before `configure`, one that writes to the terminal."""
    return structlog.get_logger(NAME)


def where(problem: BaseException) -> list[str]:
    """The exception's stack as "file:line function", innermost last. No message and no locals: both may hold data
    of the caller.
    """
    frames, trace = [], problem.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames


class Calm:
    """Lets a repeated line through at most once a second, and says how many were held back: an outage must not
    become a flood of its own.
    """

    def __init__(self, every_s: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._last: dict[object, tuple[float, int]] = {}

    def admit(self, key: object) -> int | None:
        """The number of lines of `key` that were held back since the last one, or None to hold this one back, too."""
        now = self._clock()
        last, held = self._last.get(key, (float("-inf"), 0))
        if now - last < self._every_s:
            self._last[key] = (last, held + 1)
            return None
        self._last[key] = (now, 0)
        return held
