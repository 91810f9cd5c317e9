"""BTCTurk's signature and nonce rules (broker-api-docs, README-pro.md "Authentication V1", FAQ.md; issues 134, 160).

Only the key and the stamp are signed, not path, query or body, and a stamp can be used once.
"""

import base64
import hashlib
import hmac
import re
from collections import deque
from collections.abc import Mapping
from typing import Final

from simulator.btcturk.errors import UnauthorisedError
from simulator.config import Account
from simulator.world import Venue

STAMP: Final = re.compile(r"[0-9]{1,16}")
# Stamps kept for each key; all older ones are outside the tolerance unless a client sends hundreds a second.
MOST_STAMPS: Final = 10_000


def signature(secret: str, key: str, stamp: str) -> str:
    """Return base64(HMAC-SHA256(base64-decoded secret, key + stamp))."""
    digest = hmac.new(base64.b64decode(secret), f"{key}{stamp}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class Gate:
    """Decides whether a signed call is let in."""

    def __init__(self, venue: Venue, tolerance_ms: int) -> None:
        """Stamps may be `tolerance_ms` away from the venue's clock."""
        self._venue = venue
        self._tolerance_ms = tolerance_ms
        self._stamps: dict[str, tuple[set[str], deque[str]]] = {}

    def enter(self, headers: Mapping[str, str]) -> Account:
        """Return the account of a good call and use its stamp up. Raises UnauthorisedError with the reason."""
        key, stamp, given = headers.get("X-PCK"), headers.get("X-Stamp"), headers.get("X-Signature")
        if not key or not stamp or not given:
            reason = "Headers are missing"
            raise UnauthorisedError(reason)
        account = self._venue.by_key.get(key)
        if account is None or account.label in self._venue.revoked:
            reason = "Invalid Public/Private key"
            raise UnauthorisedError(reason)
        self._check_stamp(key, stamp)
        wanted = signature(account.api_secret, key, stamp)
        if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "surrogateescape")):
            reason = "Invalid Signature"
            raise UnauthorisedError(reason)
        self._use(key, stamp)
        return account

    def _check_stamp(self, key: str, stamp: str) -> None:
        good = STAMP.fullmatch(stamp) and abs(self._venue.now_ms() - int(stamp)) <= self._tolerance_ms
        if not good or stamp in self._stamps.get(key, (set(), None))[0]:
            reason = "Invalid Nonce"
            raise UnauthorisedError(reason)

    def _use(self, key: str, stamp: str) -> None:
        used, order = self._stamps.setdefault(key, (set(), deque()))
        used.add(stamp)
        order.append(stamp)
        if len(order) > MOST_STAMPS:
            used.discard(order.popleft())
