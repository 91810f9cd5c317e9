"""The four ways a read can fail, named by what to do next, each with a sentence for people and its mend.

No message holds a key, a secret, a signature or an address with one in it: messages are made of our own words and
of numbers (statuses, codes), never of what an exchange or a library wrote.
"""

import datetime as dt
from typing import ClassVar, Final, Literal

from schemas.events import ErrorKind, SourceError
from schemas.fields import TEXT_LENGTH_MAX
from schemas.reasons import ErrorReason

Cure = Literal["none", "clock", "listing"]
"""What the base can do about it by itself, once: take the exchange's time anew, read the list of symbols anew."""


class ExchangeError(Exception):
    """A read that failed. Always one of the four below."""

    kind: ClassVar[ErrorKind]

    def __init__(self, message: str, mend: str, *, reason: ErrorReason, cure: Cure = "none") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend
        self.reason: Final = reason
        self.cure: Final = cure

    def described(self, at: dt.datetime, retry_seconds: float) -> SourceError:
        """The same for a status event, tried again so much later; sentences over the contract's limit are cut."""
        return SourceError(
            kind=self.kind,
            message=self.message[:TEXT_LENGTH_MAX],
            mend=self.mend[:TEXT_LENGTH_MAX],
            at=at,
            reason=self.reason,
            retry_at=at + dt.timedelta(seconds=retry_seconds),
        )


class UnavailableError(ExchangeError):
    """It did not answer, or said that it cannot now: back off and try again."""

    kind = "unavailable"


class RateLimitedError(ExchangeError):
    """It told us to wait, and for how long. ``answered`` is false where the wait was known and nothing was sent."""

    kind = "rate_limited"

    def __init__(
        self,
        message: str,
        mend: str,
        *,
        retry_after_seconds: float,
        answered: bool = True,
        reason: ErrorReason = "limit",
    ) -> None:
        super().__init__(message, mend, reason=reason)
        self.retry_after_seconds = retry_after_seconds
        self.answered = answered


class RefusedError(ExchangeError):
    """It refuses these credentials, this permission or this place: slow right down, a person must act."""

    kind = "refused"


class UnreadableError(ExchangeError):
    """It answered something we do not understand, our mistake or their change: nothing is published from it."""

    kind = "unreadable"

    def __init__(self, message: str, mend: str, *, reason: ErrorReason = "format", cure: Cure = "none") -> None:
        super().__init__(message, mend, reason=reason, cure=cure)


SERIOUSNESS: Final[dict[ErrorKind, int]] = {"refused": 3, "unreadable": 2, "rate_limited": 1, "unavailable": 0}
"""Which of several errors of an account a person should see first: the one that mends itself least."""
