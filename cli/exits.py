"""How a process ends: the exit codes, and errors that end it with a sentence instead of a trace."""

import enum
from typing import Final


class Exit(enum.IntEnum):
    """What the exit code tells a supervisor."""

    CLEAN = 0
    ERROR = 1
    WRONG_USE = 2
    UNSENT = 3
    REPLACED = 4
    NOT_AUTHORISED = 5


NO_KAFKA_YET: Final = (
    "KAFKA_BOOTSTRAP_SERVERS is set, and this version has no Kafka bus yet. "
    "Leave it empty and run spark-portfolio up: the same parts in one process."
)


class ExitError(Exception):
    """Ends the process with this code; the message is for people and says what to do."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code
