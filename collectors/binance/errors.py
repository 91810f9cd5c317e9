"""Binance's error codes to our four errors (spot docs, errors.md; margin and /sapi codes as ccxt 4.5 reads them).

Codes are stable, messages are not, so messages are only looked at for the end of a ban. 429 and 418 carry Retry-After
in seconds; bans last from two minutes to three days (rest-api.md, "IP Limits").
"""

import re
from typing import Final

from collectors.errors import ExchangeError, RefusedError, UnavailableError, UnreadableError
from collectors.exchange import Answer
from collectors.statuses import MEND_WAIT, WAIT_TOLD_SECONDS_MAX, rate_limited, retry_after_seconds
from schemas.reasons import ErrorReason

TITLE: Final = "Binance"

TOO_MANY: Final = -1003
INVALID_TIMESTAMP: Final = -1021
UNAVAILABLE: Final = frozenset({-1000, -1001, -1004, -1006, -1007, -1008, -1034, -3000, -3007, -3037, -3044, -5012})
"""Unknown, disconnected, busy, timeout, overloaded, too many connections, margin twins: try again later."""

SYMBOLS: Final = frozenset({-1121, -1220})
"""Invalid symbol; symbol does not match its status."""

REFUSED: Final[dict[int, tuple[str, str, ErrorReason]]] = {
    -1022: ("The signature was refused", "The API secret does not belong to the API key: copy both again.", "secret"),
    -2008: ("The API key is unknown", "It was deleted, or belongs elsewhere: make a new read-only key.", "key"),
    -2014: ("The API key has a wrong form", "Copy the API key again, whole and without spaces.", "key"),
    -2015: (
        "The API key, its allowed addresses or its permissions were refused",
        "Check at Binance that the key exists, may read, and allows this machine's address.",
        "key_or_address",
    ),
    -1002: ("The API key is not authorised", "Check at Binance that the key exists and may read.", "key_or_address"),
    -1005: ("This address is not on the key's list", "Add this machine's address to the key at Binance.", "address"),
    -1099: ("The API key is not authorised", "Check at Binance that the key exists and may read.", "key_or_address"),
    -3001: ("The account lacks two-factor authentication", "Switch it on at Binance.", "two_factor"),
}

_BANNED_UNTIL: Final = re.compile(r"banned until ([0-9]{13})\b", re.ASCII)


def classify(answer: Answer) -> ExchangeError | None:
    """The error that an answer's code says, whatever its status; None where there is no code."""
    payload = answer.payload if isinstance(answer.payload, dict) else {}
    code = payload.get("code")
    if not isinstance(code, int) or isinstance(code, bool) or code >= 0 or answer.status in {403, 451}:
        return None  # Where a place or a network is refused, the status has the better sentence.
    if answer.status in {418, 429} or code == TOO_MANY:
        seconds = retry_after_seconds(answer.status, answer.headers, answer.at_ms)
        if "retry-after" not in answer.headers:
            seconds = max(seconds, _ban_seconds(payload.get("msg"), answer.at_ms))
        return rate_limited(TITLE, seconds, banned=answer.status == 418)
    return _by_code(code, answer.status)


def _by_code(code: int, status: int) -> ExchangeError:
    if code == INVALID_TIMESTAMP:
        return UnavailableError(
            "Binance found our clock to be off (-1021).",
            "The collector asks for Binance's time and tries again; if it stays, set this machine's clock (NTP).",
            reason="clock",
            cure="clock",
        )
    if code in REFUSED:
        said, mend, reason = REFUSED[code]
        return RefusedError(f"{said} ({code}).", mend, reason=reason)
    if code in UNAVAILABLE or status >= 500:
        return UnavailableError(f"Binance has a trouble of its own ({code}).", MEND_WAIT, reason="trouble")
    return UnreadableError(
        f"Binance did not accept the request ({code}).",
        "If it stays, the exchange changed its interface and an update is needed.",
        cure="listing" if code in SYMBOLS else "none",
    )


def _ban_seconds(message: object, now_ms: int) -> float:
    found = _BANNED_UNTIL.search(message) if isinstance(message, str) else None
    if found is None:
        return 0.0
    return min(max(0.0, (int(found[1]) - now_ms) / 1000), WAIT_TOLD_SECONDS_MAX)
