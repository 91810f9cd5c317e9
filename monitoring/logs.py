"""Logs of every process: one line per event to stderr, and no secret in any of them.

Both structlog's loggers and the standard library's (aiohttp, asyncio, aiokafka) end in one handler, whose last step
takes known secrets and everything that looks like one out of the event: its text, its nested values, its traceback.
"""

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from types import TracebackType
from typing import Any, Final, Literal, TextIO
from urllib.parse import quote, quote_plus

import structlog

LogFormat = Literal["console", "json"]

REDACTED: Final = "[redacted]"

SECRET_LENGTH_MIN: Final = 6
"""A shorter "secret" is a placeholder or a mistake; replacing it everywhere would eat ordinary words."""

DEPTH_MAX: Final = 12
"""Nested values of an event deeper than this are written as their text, which is redacted as text."""

QUIET_LOGGERS: Final = ("aiohttp", "aiokafka", "asyncio", "faststream", "kafka")
"""Libraries whose progress is nobody's concern: from them, warnings and worse."""

_SECRET_NAMES: Final = ("x-mbx-apikey", "x-pck", "x-signature", "signature")

_NAMED_SECRET: Final = re.compile(
    r"(?i)\b(x-mbx-apikey|x-pck|x-signature|signature)(\\*[\"']?\s*[=:,]\s*b?\\*[\"']?)(?!\[redacted)([^\s&\"'\\,;)}\]]+)"
)
_BEARER: Final = re.compile(r"(?i)\b(bearer)(\s+|%20|\+)[A-Za-z0-9._~+/=%-]+")


_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing it: control characters, foreign line ends, changes of direction."""

_TRACES: Final = ("exception", "stack")


def printable(text: str) -> str:
    """A text that came from outside as one harmless line: what a terminal would obey is written as its escape."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def get_logger() -> Any:
    """The logger of a module, named after it. What it does is settled when a process configures its logs."""
    return structlog.get_logger(sys._getframe(1).f_globals["__name__"])  # noqa: SLF001 - the caller's name, once


class Redactor:
    """Takes secrets out of texts and values: those it was given, and those whose place gives them away."""

    def __init__(self, secrets: Iterable[str]) -> None:
        shapes: set[str] = set()
        for secret in secrets:
            if len(secret) >= SECRET_LENGTH_MIN:
                written = repr(secret)[1:-1]
                shapes.update((secret, written, json.dumps(secret)[1:-1], json.dumps(written)[1:-1]))
                shapes.update((quote(secret, safe=""), quote_plus(secret)))
        # The longest first: a secret may be the beginning of another one.
        ordered = sorted(shapes, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        text = _NAMED_SECRET.sub(rf"\1\2{REDACTED}", text)
        return _BEARER.sub(rf"\1\2{REDACTED}", text)

    def value(self, value: Any, depth: int = 0) -> Any:
        """The value without secrets; what is no plain value is written as its text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes | bytearray):
            return self.text(bytes(value).decode("utf-8", "backslashreplace"))
        if depth < DEPTH_MAX:
            if isinstance(value, Mapping):
                return {self._key(key): self._named(key, item, depth) for key, item in value.items()}
            if isinstance(value, list | tuple | set | frozenset):
                return [self.value(item, depth + 1) for item in value]
        return self.text(repr(value) if not isinstance(value, BaseException) else f"{type(value).__name__}: {value}")

    def _key(self, key: object) -> str:
        return self.text(key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else str(key))

    def _named(self, key: object, value: Any, depth: int) -> Any:
        return REDACTED if self._key(key).lower() in _SECRET_NAMES else self.value(value, depth + 1)

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        """As a structlog processor."""
        return {self._key(key): self._named(key, value, 0) for key, value in event.items()}


def _one_line_each(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """As a structlog processor, for terminals: no text can pass for a line of ours, or do more than be read."""
    return {printable(key): _legible(key, value) for key, value in event.items()}


def _legible(key: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if key in _TRACES:  # A line of a trace is indented, so that none looks like an event.
        return "\n".join(f"  {printable(line)}" for line in value.split("\n"))
    return printable(value)


class _LastLook:
    """Renders the event and looks over the finished line once more: escaping may have hidden a secret's shape."""

    def __init__(self, render: Callable[..., str | bytes], redactor: Redactor) -> None:
        self._render = render
        self._redactor = redactor

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        line = self._render(logger, method, event)
        return self._redactor.text(line if isinstance(line, str) else line.decode())


def configure_logs(
    level: str,
    format: LogFormat,  # noqa: A002 - the setting's own name
    secrets: Sequence[str],
    *,
    stream: TextIO | None = None,
) -> None:
    """Set up the logs of this process. ``level`` is a name such as ``INFO``; ValueError where it is none.

    They go to standard error as it is now, or to the stream given.

    Also uncaught exceptions are logged, instead of being printed with whatever their text holds.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"LOG_LEVEL is one of DEBUG, INFO, WARNING, ERROR, CRITICAL; it was {level!r}")
    redactor = Redactor(secrets)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:4], structlog.stdlib.PositionalArgumentsFormatter(), *shared[4:]],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redactor,
                *([_one_line_each] if format == "console" else []),
                _LastLook(_renderer(format), redactor),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    if number > logging.DEBUG:
        # A broker that is away makes it say so a hundred times a second; `bus` says it once, and what came of it.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    # The requests are counted; a line for each would hold who looked at what.
    logging.getLogger("aiohttp.access").setLevel(logging.CRITICAL)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def bind_role(role: str) -> None:
    """Name the role of this process in every line that it logs from now on, whichever task it is of."""
    structlog.contextvars.bind_contextvars(role=role)


def _renderer(format: LogFormat) -> Callable[..., str | bytes]:  # noqa: A002 - the setting's own name
    if format == "json":
        return structlog.processors.JSONRenderer(sort_keys=False)
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        # Never the pretty one: it prints the local variables, and among them keys.
        exception_formatter=structlog.dev.plain_traceback,
    )


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger("process").critical(
        "the process ends with an error nobody caught", exc_info=(kind, error, trace)
    )


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
