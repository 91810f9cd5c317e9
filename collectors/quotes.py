"""Prices: which symbols somebody wants, what they last traded at, and when that is worth an event."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from collectors.client import Client
from collectors.errors import ExchangeError, RateLimitedError, UnreadableError
from collectors.exchange import Listing, Request, Symbol, Ticker
from collectors.listing import ListingDesk
from collectors.outbox import Outbox
from collectors.pacing import Pacing, jittered, pause_after
from monitoring.clock import Clock
from monitoring.logs import get_logger
from monitoring.metrics import CollectorMetrics
from schemas.assets import ALWAYS_WANTED, BRIDGES, identity_of
from schemas.encoding import Decoded, Encoded, encode
from schemas.events import PriceQuote, WantedAsset
from schemas.fields import from_milliseconds
from schemas.topics import Topic
from schemas.versions import VersionGate

HEARTBEAT_SECONDS: Final = 30.0
"""A price that did not change is quoted again this often, so that its age means something."""

SYMBOL_SECONDS_MIN: Final = 1.0
"""A symbol is quoted at most this often."""

NEWLY_WANTED_SECONDS_MIN: Final = 1.0
"""What is newly wanted is asked for at once, but so long after the last poll: an account's first wallets come together,
and a costly call for each of them would be one too many."""

SYMBOLS_MAX: Final = 2000
"""More symbols than any real portfolio needs; a flood of wanted assets does not eat the budget of the balances."""

PRICES: Final = "prices"
"""What the price loop is called where wallets are counted."""

_log = get_logger()


class Wanted:
    """What all portfolios together want quoted (a StateFollower of ``spark.wanted``)."""

    def __init__(self, emptied: Callable[[Topic], None] = lambda _topic: None) -> None:
        """``emptied`` is told when the topic was emptied."""
        self._assets: dict[str, WantedAsset] = {}
        self._gate = VersionGate()
        self._emptied = emptied
        self.changed = asyncio.Event()
        """Set when something is wanted that was not; who waits for it clears it."""

    def apply(self, facts: Sequence[Decoded]) -> None:
        """Take records in: the newest of a key counts, a tombstone ends it, and no older one brings it back."""
        for fact in facts:
            if fact.event is None:
                self._gate.delete(fact.key)
                self._assets.pop(fact.key, None)
            elif isinstance(fact.event, WantedAsset) and self._gate.admits(fact.key, fact.event.version):
                known = self._assets.get(fact.key)
                self._assets[fact.key] = fact.event
                if known is None or known.bridge != fact.event.bridge:
                    self.changed.set()

    def caught_up(self) -> None:
        """Nothing to do: what is wanted is quoted as it becomes known."""

    def topic_reset(self, topic: Topic) -> None:
        """The topic was emptied: forget the versions; who wants an asset says so again."""
        self._gate.forget()
        self._emptied(topic)

    def symbols(self, exchange: str, listing: Listing) -> list[Symbol]:
        """The listed symbols worth a quote: one side wanted, the other a bridge."""
        bridges = {*BRIDGES, *(asset.asset for asset in self._assets.values() if asset.bridge)}
        wanted = {*ALWAYS_WANTED, *(asset.asset for asset in self._assets.values())}
        found = []
        for symbol in listing.symbols.values():
            base, quote = identity_of(exchange, symbol.base), identity_of(exchange, symbol.quote)
            pair_wanted = (base in wanted and quote in bridges) or (quote in wanted and base in bridges)
            if symbol.trading and pair_wanted:
                found.append(symbol)
        return found[:SYMBOLS_MAX]


@dataclass(slots=True)
class _Quoted:
    price: Decimal
    day_ago: Decimal | None
    at: float


class QuoteGate:
    """Which ticker becomes an event: on change, at most one a second, and a heartbeat."""

    def __init__(self, heartbeat_seconds: float) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self._quoted: dict[str, _Quoted] = {}

    def admits(self, ticker: Ticker, now: float) -> bool:
        """Whether to quote it now (steady seconds); if so it is taken as quoted."""
        if ticker.last is None:
            return False
        known = self._quoted.get(ticker.symbol)
        if known is not None:
            age = now - known.at
            if age < SYMBOL_SECONDS_MIN:
                return False
            same = (known.price, known.day_ago) == (ticker.last, ticker.day_ago)
            if same and age < self._heartbeat_seconds:
                return False
        self._quoted[ticker.symbol] = _Quoted(ticker.last, ticker.day_ago, now)
        return True

    def forget(self) -> None:
        """Admit every symbol once more."""
        self._quoted.clear()

    def keep(self, symbols: set[str]) -> None:
        """Forget what is no longer asked for."""
        for name in self._quoted.keys() - symbols:
            del self._quoted[name]


class PriceLoop:
    """Reads tickers for ever and publishes quotes. It fails alone: balances do not notice."""

    def __init__(
        self,
        client: Client,
        *,
        wanted: Wanted,
        listing: ListingDesk,
        outbox: Outbox,
        poll_seconds: float,
        pacing: Pacing,
        clock: Clock,
        chance: random.Random,
        metrics: CollectorMetrics,
    ) -> None:
        self._client = client
        self._exchange = client.exchange
        self._wanted = wanted
        self._listing = listing
        self._outbox = outbox
        self._poll_seconds = poll_seconds
        self._pacing = pacing
        self._clock = clock
        self._chance = chance
        self._metrics = metrics
        # The last poll before the heartbeat would be late must be the one that beats.
        beat = max(SYMBOL_SECONDS_MIN, HEARTBEAT_SECONDS - poll_seconds * (1 + 2 * pacing.jitter))
        self._gate = QuoteGate(beat)
        self._failures = 0
        self._asked: set[str] | None = None
        """The symbols of the last poll, if it succeeded."""
        self._facts: dict[str, Encoded] = {}
        """The last quote of each symbol."""
        self.last: dict[tuple[str, str], Decimal] = {}
        """The last price per base and quote, for the comparison with the exchange's own totals."""

    def quote_all(self) -> None:
        """Publish every last quote again, and quote every symbol anew at the next poll, changed or not.

        For a bus that lost what it held: who starts now must not wait for the next heartbeat.
        """
        for fact in self._facts.values():
            self._outbox.put(fact)
        self._gate.forget()

    async def run(self) -> None:
        """Quote for ever."""
        await self._listing.tried.wait()
        pause = 0.0
        while True:
            await self._rest(pause)
            pause = await self._poll()

    async def _rest(self, pause: float) -> None:
        """Wait for the next poll; after a good one only until a symbol is wanted that it did not ask for."""
        first = min(pause, NEWLY_WANTED_SECONDS_MIN)
        await asyncio.sleep(first)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause - first):
                while not self._misses_some():
                    self._wanted.changed.clear()
                    await self._wanted.changed.wait()

    def _misses_some(self) -> bool:
        listing = self._listing.listing
        if listing is None or self._asked is None:
            return False
        return any(symbol.name not in self._asked for symbol in self._wanted.symbols(self._exchange.name, listing))

    async def _poll(self) -> float:
        listing = self._listing.listing
        self._asked = None
        if listing is None:
            if self._listing.error is not None:
                self._note(self._listing.error)
            return jittered(self._poll_seconds, self._pacing, self._chance)
        await self._client.sync_if_due()  # A quote's version is this time, so a machine that slept must not lag.
        symbols = {symbol.name: symbol for symbol in self._wanted.symbols(self._exchange.name, listing)}
        self._gate.keep(set(symbols))
        for name in self._facts.keys() - symbols.keys():
            del self._facts[name]
        error: ExchangeError | None = None
        for request in self._exchange.ticker_requests(list(symbols)):
            try:
                await self._quote(request, symbols)
            except ExchangeError as found:
                # One part may fail alone (a symbol that was delisted since, or that they do not take, or we do not);
                # after any other error the rest would too.
                error = found
                if found.cure == "listing":
                    self._listing.outdated()
                elif not isinstance(found, UnreadableError):
                    break
        self._note(error)
        if error is None or error.cure == "listing":
            self._asked = set(symbols)
            return jittered(self._poll_seconds, self._pacing, self._chance)
        return pause_after(
            error, failures=self._failures, interval=self._poll_seconds, pacing=self._pacing, chance=self._chance
        )

    async def _quote(self, request: Request, symbols: dict[str, Symbol]) -> None:
        payload = await self._client.call(request, self._client.conversation())
        at_ms = self._client.server_clock.milliseconds()
        now = self._clock.monotonic()
        for ticker in self._exchange.parse_tickers(payload):
            symbol = symbols.get(ticker.symbol)
            if symbol is None:
                continue
            if ticker.last is None:
                self._metrics.prices_skipped.labels(self._exchange.name).inc()
                continue
            self.last[symbol.base, symbol.quote] = ticker.last
            if self._gate.admits(ticker, now):
                fact = self._facts[ticker.symbol] = encode(self._event(symbol, ticker, at_ms))
                self._outbox.put(fact)
                self._metrics.quotes.labels(self._exchange.name).inc()

    def _event(self, symbol: Symbol, ticker: Ticker, at_ms: int) -> PriceQuote:
        return PriceQuote(
            epoch=0,
            seq=at_ms,
            published_at=self._clock.now(),
            exchange=self._exchange.name,
            base=symbol.base,
            quote=symbol.quote,
            price=ticker.last or Decimal(0),
            price_24h_ago=ticker.day_ago,
            priced_at=from_milliseconds(at_ms),
        )

    def _note(self, error: ExchangeError | None) -> None:
        """Count a poll's outcome, and say once when prices stop or come again."""
        name = self._exchange.name
        if error is None or not isinstance(error, RateLimitedError) or error.answered:
            self._metrics.polls.labels(name, PRICES, "ok" if error is None else error.kind).inc()
        if error is None:
            if self._failures:
                _log.info("prices are read again", exchange=name, failed=self._failures)
            self._failures = 0
        else:
            if not self._failures:
                _log.warning(
                    "prices cannot be read", exchange=name, kind=error.kind, why=error.message, mend=error.mend
                )
            self._failures += 1
