"""How a process ends: the exit codes, and errors that end it with a sentence instead of a trace."""

import enum


class Exit(enum.IntEnum):
    """What the exit code tells a supervisor."""

    CLEAN = 0
    ERROR = 1
    WRONG_USE = 2
    UNSENT = 3
    REPLACED = 4
    NOT_AUTHORISED = 5


class ExitError(Exception):
    """Ends the process with this code; the message is for people and says what to do."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code
