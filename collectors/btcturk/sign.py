"""BTCTurk's request signature (broker-api-docs, README-pro.md, "Authentication V1").

Only the key and the stamp are signed: not the path, the query or the body. A stamp is the time in milliseconds, may
be five seconds off (FAQ.md), and is good for one request.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

from collectors.exchange import Credentials, Wire

API_KEY: Final = "API_KEY"
API_SECRET: Final = "API_SECRET_BASE64"  # noqa: S105 - the name of a setting, not a secret


def secret_bytes(credentials: Credentials) -> bytes:
    """The private key as bytes. ValueError, without the value, where it is not base64."""
    try:
        decoded = base64.b64decode(credentials[API_SECRET].get_secret_value(), validate=True)
    except binascii.Error:
        decoded = b""
    if not decoded:
        raise ValueError(f"{API_SECRET} is not base64: copy the private key again, with its = signs at the end.")
    return decoded


def signature(secret: bytes, key: str, stamp: str) -> str:
    """The signature of one stamp, in base64."""
    return base64.b64encode(hmac.new(secret, f"{key}{stamp}".encode(), hashlib.sha256).digest()).decode()


def sign(credentials: Credentials, stamp_ms: int) -> Wire:
    """The headers of one request."""
    key = credentials[API_KEY].get_secret_value()
    stamp = str(stamp_ms)
    headers = {
        "X-PCK": key,
        "X-Stamp": stamp,
        "X-Signature": signature(secret_bytes(credentials), key, stamp),
        "Content-Type": "application/json",
    }
    return Wire("", headers)
