"""The price book: the last accepted quote of every symbol, its age, and the guard against jumps. Pure.

What holds whatever the order of arrival: per symbol only newer quotes are applied (the version is the exchange's own
time), so of quotes that lie within the guard's bound the newest wins. The guard itself looks at two quotes in a
row, so a symbol that jumped may be held in a process that saw the quote before, and accepted in one that started
after it. Both agree as soon as one more quote arrives.
"""

import enum
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from aggregator.alarms import Alarms
from schemas.amounts import MONEY
from schemas.assets import identity_of
from schemas.events import PriceQuote
from schemas.fields import milliseconds
from schemas.versions import VersionGate

if TYPE_CHECKING:
    from aggregator.pricing import Pricing

PRICE_STALE_MS: Final = 120_000
"""Collectors quote again every 30 s, so four missed heartbeats make a price stale."""

PRICE_EXPIRES_MS: Final = 24 * 3_600_000
"""A price of yesterday is no price: its holdings count as unpriced."""

FUTURE_MS: Final = 60_000
"""A quote further ahead of our clock is refused: it would stay the newest, and fresh, for as long."""

JUMP_FACTOR: Final = Decimal(3)
"""No coin worth trading moves threefold between two quotes a second (or a heartbeat) apart; a slipped comma does."""

CONFIRM_FACTOR: Final = Decimal("1.2")
"""A second quote this near to the held one says the same thing, even in the market that made it jump."""


class Outcome(enum.StrEnum):
    """What became of a record, as the metric counts it."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    OLDER = "older"
    DELETED = "deleted"
    REFUSED = "refused"


class Change(enum.IntEnum):
    """What a quote changes: nothing, the numbers along paths in use, or which paths there are."""

    NOTHING = 0
    NUMBERS = 1
    PATHS = 2


class Held(NamedTuple):
    """A quote that jumped and waits for a confirmation."""

    price: Decimal
    priced_at: int


class Symbol:
    """One symbol at one exchange, by asset identities. ``price`` 0 means that the exchange has none to give."""

    __slots__ = (
        "aged_from",
        "alarm",
        "base",
        "exchange",
        "guard",
        "guard_at",
        "held",
        "key",
        "price",
        "price_24h_ago",
        "priced_at",
        "quote",
        "stale",
        "users",
        "version",
    )

    def __init__(self, key: str, exchange: str, base: str, quote: str) -> None:
        self.key = key
        self.exchange = exchange
        self.base = base
        self.quote = quote
        self.price = Decimal(0)
        self.price_24h_ago: Decimal | None = None
        self.priced_at = 0
        self.aged_from = 0
        """From when on it ages: ``priced_at``, unless our clock was set back behind that."""
        self.version = (0, 0)
        self.stale = False
        self.guard: Decimal | None = None
        self.guard_at = 0
        self.held: Held | None = None
        self.users: set[Pricing] = set()
        self.alarm: int | None = None

    @property
    def usable(self) -> bool:
        """Whether a path may lead over it."""
        return bool(self.price)

    def next_mark(self) -> int:
        """When its age changes a mark next."""
        return self.aged_from + (PRICE_EXPIRES_MS if self.stale else PRICE_STALE_MS) + 1


def admit(gate: VersionGate, key: str, version: tuple[int, int]) -> Outcome:
    """Ask the gate for a record, and say why not: the same version again, or an older one."""
    known = gate.version(key)
    if gate.admits(key, version):
        return Outcome.APPLIED
    return Outcome.DUPLICATE if version == known else Outcome.OLDER


def _near(left: Decimal, right: Decimal, factor: Decimal) -> bool:
    return left <= MONEY.multiply(right, factor) and right <= MONEY.multiply(left, factor)


class PriceBook:
    """All symbols, found by key and by pair. Whoever changes a symbol is told what that touches."""

    def __init__(self) -> None:
        self.gate = VersionGate()
        self.alarms: Alarms[Symbol] = Alarms()
        self.held: set[str] = set()
        """Keys of symbols whose jump waits for a confirmation."""
        self._symbols: dict[str, Symbol] = {}
        self._pairs: dict[tuple[str, str], dict[str, Symbol]] = {}
        self._exchanges: dict[str, int] = {}

    def first_exchange(self) -> str | None:
        """The exchange that display rates are seen from: the first by name that quotes anything."""
        return min(self._exchanges, default=None)

    def pair(self, base: str, quote: str) -> dict[str, Symbol]:
        """The symbols of a pair, by exchange."""
        return self._pairs.get((base, quote), {})

    def apply(self, event: PriceQuote, now: int) -> tuple[Outcome, Symbol | None, Change]:
        """Take a quote in. The symbol is None where the quote touches none."""
        priced_at = milliseconds(event.priced_at)
        if priced_at > now + FUTURE_MS:
            return Outcome.REFUSED, None, Change.NOTHING
        key = event.key
        outcome = admit(self.gate, key, event.version)
        if outcome is not Outcome.APPLIED:
            return outcome, None, Change.NOTHING
        symbol = self._symbols.get(key)
        if symbol is not None and self._jumps(symbol, event.price, priced_at, now):
            symbol.held = Held(event.price, priced_at)
            self.held.add(key)
            return outcome, symbol, Change.NOTHING
        if now > priced_at + PRICE_EXPIRES_MS:
            return outcome, *self.remove(key)
        change = Change.NUMBERS
        if symbol is None:
            symbol = self._add(key, event)
            change = Change.PATHS
        stale = now > priced_at + PRICE_STALE_MS
        if stale != symbol.stale or bool(event.price) != symbol.usable:
            change = Change.PATHS
        self._accept(symbol, event, priced_at, stale=stale)
        return outcome, symbol, change

    @staticmethod
    def _jumps(symbol: Symbol, price: Decimal, priced_at: int, now: int) -> bool:
        """Whether the quote must wait. Compared is with the last price that was more than 0 and not a day old."""
        if not price or symbol.guard is None or now > symbol.guard_at + PRICE_EXPIRES_MS:
            return False
        if _near(price, symbol.guard, JUMP_FACTOR):
            return False
        held = symbol.held
        return held is None or priced_at <= held.priced_at or not _near(price, held.price, CONFIRM_FACTOR)

    def _accept(self, symbol: Symbol, event: PriceQuote, priced_at: int, *, stale: bool) -> None:
        symbol.price = event.price
        symbol.price_24h_ago = event.price_24h_ago or None
        symbol.priced_at = symbol.aged_from = priced_at
        symbol.version = event.version
        symbol.stale = stale
        symbol.held = None
        self.held.discard(symbol.key)
        if event.price:
            symbol.guard, symbol.guard_at = event.price, priced_at
        self.alarms.set(symbol, symbol.next_mark())

    def _add(self, key: str, event: PriceQuote) -> Symbol:
        exchange = event.exchange
        symbol = Symbol(key, exchange, identity_of(exchange, event.base), identity_of(exchange, event.quote))
        self._symbols[key] = symbol
        self._pairs.setdefault((symbol.base, symbol.quote), {})[exchange] = symbol
        self._exchanges[exchange] = self._exchanges.get(exchange, 0) + 1
        return symbol

    def delete(self, key: str) -> tuple[Outcome, Symbol | None, Change]:
        """Take a tombstone in."""
        self.gate.delete(key)
        symbol, change = self.remove(key)
        return (Outcome.DUPLICATE if symbol is None else Outcome.DELETED), symbol, change

    def remove(self, key: str) -> tuple[Symbol | None, Change]:
        """Drop a symbol that is too old or was taken away."""
        symbol = self._symbols.pop(key, None)
        if symbol is None:
            return None, Change.NOTHING
        self.held.discard(key)
        self.alarms.set(symbol, None)
        pair = self._pairs[symbol.base, symbol.quote]
        del pair[symbol.exchange]
        if not pair:
            del self._pairs[symbol.base, symbol.quote]
        self._exchanges[symbol.exchange] -= 1
        if not self._exchanges[symbol.exchange]:
            del self._exchanges[symbol.exchange]
        return symbol, Change.PATHS

    def advance(self, now: int) -> list[Symbol]:
        """Let time pass: the symbols that became stale or too old. Nothing due costs nothing."""
        return [symbol for symbol in self.alarms.due(now) if self._age(symbol, now)]

    def _age(self, symbol: Symbol, now: int) -> bool:
        if now > symbol.aged_from + PRICE_EXPIRES_MS:
            self.remove(symbol.key)
            return True
        stale = now > symbol.aged_from + PRICE_STALE_MS
        changed = stale != symbol.stale
        symbol.stale = stale
        self.alarms.set(symbol, symbol.next_mark())
        return changed

    def rewind(self, now: int) -> list[Symbol]:
        """Look at every symbol's age again, after the clock went back.

        What lies ahead of the clock now ages from now on: quotes that far ahead are refused, so a price that waited
        for its own time to come would stay the newest, and fresh, until then.
        """
        self.alarms.clear()
        for symbol in self._symbols.values():
            symbol.aged_from = min(symbol.aged_from, now)
        return [symbol for symbol in list(self._symbols.values()) if self._age(symbol, now)]
