"""Binance's signature and timing rules (spot docs, rest-api.md, "SIGNED Endpoint security" and "Timing security")."""

import hashlib
import hmac
import re
from decimal import Decimal, InvalidOperation
from typing import Final

from simulator.amounts import EXACT
from simulator.binance.errors import RefusalError, malformed

DEFAULT_WINDOW_MS: Final = Decimal(5000)
LONGEST_WINDOW_MS: Final = Decimal(60_000)
AHEAD_MS: Final = 1000
# Milliseconds have 13 digits until the year 2286; a timestamp of 16 digits is in microseconds.
MICROSECOND_DIGITS: Final = 16
TIMESTAMP: Final = re.compile(r"[0-9]{1,19}")
WINDOW: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")


def signature(secret: str, payload: bytes) -> str:
    """Return HMAC-SHA256 of the payload in lower-case hex."""
    return hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()


def signed_payload(query: str, body: bytes) -> bytes:
    """Return what was signed: query and body as sent, joined without a separator, without the signature itself."""
    parts = [part for part in query.split("&") if not part.startswith("signature=")]
    body_parts = [part for part in body.split(b"&") if not part.startswith(b"signature=")]
    return "&".join(parts).encode("utf-8", "surrogateescape") + b"&".join(body_parts)


def check_signature(secret: str, query: str, body: bytes, given: str) -> None:
    """Raise -1022 unless `given` is the signature of the call. Upper-case hex is as good."""
    wanted = signature(secret, signed_payload(query, body))
    if not hmac.compare_digest(wanted.encode(), given.lower().encode("utf-8", "surrogateescape")):
        raise RefusalError(-1022, "Signature for this request is not valid.")


def check_timing(params: dict[str, str], now_ms: int) -> None:
    """Raise -1102, -1131 or -1021 unless the call is on time.

    On time means `timestamp < now + 1000 and now - timestamp <= recvWindow`.
    """
    text = params.get("timestamp", "")
    if not TIMESTAMP.fullmatch(text):
        raise malformed("timestamp")
    timestamp = Decimal(text)
    if len(text) >= MICROSECOND_DIGITS:
        timestamp = EXACT.divide(timestamp, Decimal(1000))
    window = _window(params.get("recvWindow"))
    if timestamp >= now_ms + AHEAD_MS:
        raise RefusalError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp > window:
        raise RefusalError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _window(text: str | None) -> Decimal:
    if text is None:
        return DEFAULT_WINDOW_MS
    if not WINDOW.fullmatch(text):
        raise malformed("recvWindow")
    try:
        window = Decimal(text)
    except InvalidOperation:
        raise malformed("recvWindow") from None
    if window > LONGEST_WINDOW_MS:
        raise RefusalError(-1131, "recvWindow must be less than 60000.")
    return window
