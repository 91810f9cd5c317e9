"""How a command logs: what the settings ask for, fitted to whether a person watches."""

import io
import sys
from typing import Literal, TextIO, cast

from cli.settings.load import Settings
from monitoring.logs import bind_role, configure_logs


class CurrentStderr(io.TextIOBase):
    """Standard error as it is at the moment of writing, so that lines land above a live display."""

    def write(self, text: str) -> int:
        """Write to what standard error is now."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush it."""
        sys.stderr.flush()

    def isatty(self) -> bool:
        """Whether a person watches."""
        return sys.stderr.isatty()


def is_terminal() -> bool:
    """Whether a person watches."""
    return sys.stdout.isatty() and sys.stderr.isatty()


def log_format(settings: Settings) -> Literal["console", "json"]:
    """The format that the settings name; by themselves, lines for people on a terminal and JSON elsewhere."""
    if settings.core.log_format != "auto":
        return settings.core.log_format
    return "console" if is_terminal() else "json"


def log_beside_display(settings: Settings) -> str:
    """Set up the logs of a process that may draw a live display, which shows what is no warning; the level taken."""
    level = settings.core.log_level
    if is_terminal() and level == "info":
        level = "warning"
    stream = cast("TextIO", CurrentStderr()) if is_terminal() else None
    configure_logs(level, log_format(settings), settings.secrets(), stream=stream)
    return level


def log_as(role: str, settings: Settings) -> None:
    """Set up the logs of a process that is one role; each of its lines names it."""
    configure_logs(settings.core.log_level, log_format(settings), settings.secrets())
    bind_role(role)
