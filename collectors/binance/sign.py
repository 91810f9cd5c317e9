"""Binance's request signature (spot docs, rest-api.md, "SIGNED Endpoint security").

HMAC-SHA256 over the query exactly as sent, which must be percent-encoded before it is signed (CHANGELOG.md,
2025-12-17). All parameters travel in the query, also those of a POST, which the docs allow.
"""

import hashlib
import hmac
from typing import Final
from urllib.parse import quote, urlencode

from collectors.exchange import Credentials, Request, Wire

API_KEY: Final = "API_KEY"
API_SECRET: Final = "API_SECRET"  # noqa: S105 - the name of a setting, not a secret

RECEIVE_WINDOW_MS: Final = 10_000
"""How old a request may be on arrival: as long as we wait for an answer. Default 5000, at most 60 000."""


def encode(params: tuple[tuple[str, str], ...]) -> str:
    """Parameters as a query, percent-encoded in UTF-8."""
    return urlencode(params, quote_via=quote, safe="")


def signature(secret: str, payload: str) -> str:
    """The signature of a payload in lower-case hex."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def sign(request: Request, credentials: Credentials, stamp_ms: int) -> Wire:
    """The request with timestamp, window and signature, and the key in its header."""
    query = encode((*request.params, ("recvWindow", str(RECEIVE_WINDOW_MS)), ("timestamp", str(stamp_ms))))
    signed = signature(credentials[API_SECRET].get_secret_value(), query)
    return Wire(f"{query}&signature={signed}", {"X-MBX-APIKEY": credentials[API_KEY].get_secret_value()})
