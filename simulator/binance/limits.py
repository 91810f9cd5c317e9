"""Binance's request weights, their windows, and bans.

Spot docs, rest-api.md, "LIMITS": counted per IP address, windows aligned to the clock, 429 with Retry-
After, then 418 from two minutes to three days. For /sapi each endpoint has a minute of its own and answers
429 only (general info, "LIMITS", and the rate-limit page of the CAAS product).
"""

import math
from dataclasses import dataclass, field
from typing import Final

from simulator.binance.errors import BANNED, SHUT_OUT, TOO_MANY, error_reply
from simulator.config import BinanceRules
from simulator.wire import Reply

MINUTE_MS: Final = 60_000
# Addresses kept; more than a loopback test can have. The oldest is forgotten first.
MOST_ADDRESSES: Final = 256


@dataclass(slots=True)
class _Address:
    minute: int = -1
    used: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    bans: int = 0
    banned_until_ms: int = 0


class Weights:
    """The weights each address has used in this minute, and the bans it has earned."""

    def __init__(self, rules: BinanceRules) -> None:
        """Start with nothing used."""
        self._rules = rules
        self._addresses: dict[str, _Address] = {}

    def forget(self) -> None:
        """Forget all use and all bans."""
        self._addresses.clear()

    def spend(self, address: str, path: str, weight: int, now_ms: int) -> tuple[dict[str, str], Reply | None]:
        """Charge a call. Return the headers of its answer, and the refusal when it is over a limit or banned."""
        state = self._state(address, now_ms)
        if now_ms < state.banned_until_ms:
            return {}, self.banned(state.banned_until_ms, now_ms)
        sapi = path.startswith("/sapi/")
        counter = path if sapi else "/api"
        limit = self._rules.sapi_weight_per_minute if sapi else self._rules.weight_per_minute
        used = state.used[counter] = state.used.get(counter, 0) + weight
        if sapi:
            headers = {"X-SAPI-USED-IP-WEIGHT-1M": str(used)}
        else:
            headers = {"X-MBX-USED-WEIGHT": str(used), "X-MBX-USED-WEIGHT-1M": str(used)}
        if used <= limit:
            return headers, None
        if not sapi:
            state.refused += 1
            if state.refused > self._rules.refusals_before_ban:
                return headers, self._ban(state, now_ms)
        return headers, _too_many(limit, now_ms)

    def banned(self, until_ms: int, now_ms: int) -> Reply:
        """Return the answer to a banned address."""
        message = SHUT_OUT.replace("%s", str(until_ms))
        return _waiting(BANNED, message, until_ms - now_ms)

    def _ban(self, state: _Address, now_ms: int) -> Reply:
        seconds = min(self._rules.first_ban_seconds * 2**state.bans, self._rules.longest_ban_seconds)
        state.bans = min(state.bans + 1, 64)
        state.refused = 0
        state.banned_until_ms = now_ms + math.ceil(seconds * 1000)
        return self.banned(state.banned_until_ms, now_ms)

    def _state(self, address: str, now_ms: int) -> _Address:
        state = self._addresses.get(address)
        if state is None:
            if len(self._addresses) >= MOST_ADDRESSES:
                del self._addresses[next(iter(self._addresses))]
            state = self._addresses[address] = _Address()
        minute = now_ms // MINUTE_MS
        if state.minute != minute:
            state.minute = minute
            state.used.clear()
            state.refused = 0
        return state


def _too_many(limit: int, now_ms: int) -> Reply:
    message = (
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    )
    return _waiting(TOO_MANY, message, MINUTE_MS - now_ms % MINUTE_MS)


def _waiting(status: int, message: str, wait_ms: int) -> Reply:
    made = error_reply(status, -1003, message)
    return Reply(made.status, made.body, made.content_type, {"Retry-After": str(math.ceil(wait_ms / 1000))})
