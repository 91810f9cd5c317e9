"""When to read again: intervals with jitter, back-off after failures. Pure, so that every rule can be tested alone."""

import random
from dataclasses import dataclass

from collectors.errors import ExchangeError, RateLimitedError, RefusedError, UnreadableError


@dataclass(frozen=True, slots=True)
class Pacing:
    """The rhythm of reading, in seconds. Not settings for people: tests alone give others."""

    jitter: float = 0.1
    """Intervals vary by so much, up and down, so that accounts do not fall into step."""
    backoff_first: float = 2.0
    """The longest pause after a first failure; it doubles with each further one (full jitter: any shorter one is
    as likely, so that many clients do not come back together)."""
    backoff_shortest: float = 0.2
    backoff_longest: float = 60.0
    breaker_failures: int = 5
    """After so many failures in a row the exchange is down: only one try per longest pause until it answers."""
    unreadable_shortest: float = 30.0
    """An answer we do not understand does not get clearer by asking often."""
    refused: float = 300.0
    """For a wallet that the key may not read, while it reads others: nothing changes until a person acts."""
    confirm: float = 5.0
    """Between a read that empties a wallet and the one that must agree: longer than a hiccup, shorter than a poll."""
    heartbeat: float = 15.0
    """A status so often as a sign of life; who reads it calls a collector silent after three are missing."""
    permissions: float = 86_400.0
    """A key's permissions can be changed at the exchange at any time; they are looked at again every day."""
    refresh_gap: float = 1.0
    """Commands to refresh make at most one read of a wallet in this time, however many come."""
    listing: float = 3600.0
    """New symbols are listed a few times a day."""
    listing_gap: float = 60.0
    """An unknown symbol makes us read the list again, but not more often than this: it is a costly call."""
    reconcile: float = 1800.0
    """The exchange's own total costs three account reads; a forgotten wallet can wait half an hour to be found."""


def jittered(seconds: float, pacing: Pacing, chance: random.Random) -> float:
    """An interval, a little longer or shorter."""
    return seconds * chance.uniform(1 - pacing.jitter, 1 + pacing.jitter)


def backoff(failures: int, pacing: Pacing, chance: random.Random) -> float:
    """The pause after so many failures in a row (1 or more): full jitter, then the breaker."""
    if failures >= pacing.breaker_failures:
        return jittered(pacing.backoff_longest, pacing, chance)
    longest = min(pacing.backoff_longest, pacing.backoff_first * 2 ** (failures - 1))
    return max(pacing.backoff_shortest, chance.uniform(0, longest))


def pause_after(
    error: ExchangeError, *, failures: int, interval: float, pacing: Pacing, chance: random.Random
) -> float:
    """When to read a wallet again that could not be read, by the kind of the error."""
    if isinstance(error, RateLimitedError):
        # A little later than told, each account at another moment: they all waited for the same one.
        return error.retry_after_seconds + chance.uniform(0, min(interval, pacing.backoff_first))
    if isinstance(error, RefusedError):
        return jittered(pacing.refused, pacing, chance)
    if isinstance(error, UnreadableError):
        return jittered(max(interval, pacing.unreadable_shortest), pacing, chance)
    return backoff(failures, pacing, chance)
