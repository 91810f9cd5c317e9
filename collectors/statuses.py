"""What HTTP statuses and their headers mean to a reader, where an exchange says no more than that."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from collectors.errors import ExchangeError, RateLimitedError, RefusedError, UnavailableError, UnreadableError
from schemas.reasons import ErrorReason

WAIT_TOLD_SECONDS_MAX: Final = 3 * 86_400.0
"""The longest wait believed; the longest ban that an exchange we read speaks of."""

_WAIT_UNTOLD_SECONDS: Final = {429: 60.0, 418: 120.0}
"""Where no Retry-After came: a whole window, and the shortest ban."""

MEND_WAIT: Final = "Nothing to do: reading goes on by itself. If it stays, look at the exchange's status page."


def retry_after_seconds(status: int, headers: Mapping[str, str], at_ms: int) -> float:
    """How long an answer says to wait: its Retry-After in seconds or as a date, or what is usual for the status."""
    text = headers.get("retry-after", "").strip()
    seconds = -1.0
    if text.isascii() and text.isdigit() and len(text) <= 9:
        seconds = float(text)
    elif text:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - at_ms / 1000
        except (ValueError, OverflowError):  # A year or an offset may have more digits than any calendar.
            seconds = -1.0
    if seconds < 0:
        seconds = _WAIT_UNTOLD_SECONDS.get(status, _WAIT_UNTOLD_SECONDS[429])
    return min(seconds, WAIT_TOLD_SECONDS_MAX)


def rate_limited(title: str, seconds: float, *, banned: bool = False) -> RateLimitedError:
    """The error for an ordered wait."""
    said = "has shut this address out" if banned else "is asked too often from this address"
    return RateLimitedError(
        f"{title} {said} and told us to wait {seconds:.0f} s.",
        "Nothing to do: reading goes on by itself. If it comes back, use fewer programs from this address, or "
        "longer poll intervals.",
        retry_after_seconds=seconds,
        reason="banned" if banned else "limit",
    )


_REFUSALS: Final[dict[int, tuple[str, str, ErrorReason]]] = {
    401: (
        "refuses the API key",
        "Check the key, its secret, its permissions and its allowed addresses.",
        "key_or_address",
    ),
    403: (
        "has a firewall that stopped the request (HTTP 403)",
        "It does not serve this network, or this address is blocked: check where this runs, and wait.",
        "firewall",
    ),
    451: (
        "does not serve this place (HTTP 451)",
        "Run this from where the exchange serves its customers, or take the exchange out of the settings.",
        "region",
    ),
}


def error_of_status(title: str, status: int, headers: Mapping[str, str], at_ms: int) -> ExchangeError | None:
    """What an HTTP status means where the exchange said no more; None for success."""
    if 200 <= status < 300:
        return None
    if status in {418, 429}:
        return rate_limited(title, retry_after_seconds(status, headers, at_ms), banned=status == 418)
    if status in _REFUSALS:
        said, mend, reason = _REFUSALS[status]
        return RefusedError(f"{title} {said}.", mend, reason=reason)
    if status >= 500 or status == 408:
        said = f"{title} answered with an error of its own (HTTP {status})."
        return UnavailableError(said, MEND_WAIT, reason="trouble")
    if 300 <= status < 400:
        return UnreadableError(
            f"{title} sent us elsewhere (HTTP {status}), where we do not go.",
            "Check the address in the settings, and whether this network wants a login in a browser first.",
            reason="redirect",
        )
    return UnreadableError(
        f"{title} did not accept the request (HTTP {status}).",
        "If it stays, the exchange changed its interface and an update is needed.",
    )
