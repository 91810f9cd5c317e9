"""The records that are read in the benchmarks of the bus: mixtures as the real topics have them."""

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from benchmarks.kafka import Record
from schemas import topics
from schemas.encoding import Encoded, encode
from schemas.events import Balance, BalanceSnapshot, CollectorStatus, PriceQuote, WalletStatus
from schemas.fields import format_utc, milliseconds

EXCHANGES: Final = ("north", "south")
PORTFOLIOS: Final = 100
ASSETS: Final = tuple(f"COIN{number:02d}" for number in range(50))
ROWS: Final = 20
"""Of one wallet: a person's account, not a market maker's."""

ROWS_CHANGED: Final = 2
"""Of one snapshot to the next: a trade changes two rows. (A poll mostly finds nothing changed at all.)"""

WALLET_OF_TEN: Final = 10


def _amount(source: random.Random) -> str:
    return f"{source.randrange(1, 10**11) / 10**8:.8f}"


def _balance(asset: str, source: random.Random) -> Balance:
    free = _amount(source)
    locked = _amount(source) if source.random() < 0.1 else "0"
    return Balance(asset=asset, free=free, locked=locked, total=format(Decimal(free) + Decimal(locked), "f"))


def quote(exchange: str, asset: str, price: str, at: dt.datetime) -> Encoded:
    """A quote in dollars' peg."""
    return encode(
        PriceQuote(
            epoch=0,
            seq=milliseconds(at),
            published_at=at,
            exchange=exchange,
            base=asset,
            quote="USDT",
            price=price,
            price_24h_ago="100.1234",
            priced_at=at,
        )
    )


def snapshot(portfolio: str, exchange: str, seq: int, rows: tuple[Balance, ...], at: dt.datetime) -> Encoded:
    """A spot wallet."""
    return encode(
        BalanceSnapshot(
            epoch=1,
            seq=seq,
            published_at=at,
            portfolio=portfolio,
            exchange=exchange,
            account="main",
            wallet="spot",
            observed_at=at,
            requested_at=at,
            cause="poll",
            poll_interval_seconds=10.0,
            balances=rows,
        )
    )


def status(portfolio: str, exchange: str, seq: int, at: dt.datetime) -> Encoded:
    """A sign of life."""
    return encode(
        CollectorStatus(
            epoch=1,
            seq=seq,
            published_at=at,
            portfolio=portfolio,
            exchange=exchange,
            account="main",
            state="live",
            observed_at=at,
            last_success_at=at,
            wallets=(WalletStatus(wallet="spot", health="ok", poll_interval_seconds=10.0, last_success_at=at),),
        )
    )


class World:
    """A hundred people with an account at each of two exchanges, fifty coins quoted at both."""

    def __init__(self, now: dt.datetime, *, seed: int = 1) -> None:
        self._source = random.Random(seed)
        self._now = now
        self._prices = dict.fromkeys(((exchange, asset) for exchange in EXCHANGES for asset in ASSETS), 1_000_000)
        self._wallets = {
            (f"p{number}", exchange): {
                asset: _balance(asset, self._source) for asset in self._source.sample(ASSETS, ROWS)
            }
            for number in range(PORTFOLIOS)
            for exchange in EXCHANGES
        }
        self._seq = 0

    def beginning(self) -> Iterator[Encoded]:
        """One record of every key."""
        for exchange, asset in self._prices:
            yield self._quote(exchange, asset)
        for portfolio, exchange in self._wallets:
            yield self._status(portfolio, exchange)
            yield self._snapshot(portfolio, exchange)

    def stream(self, count: int) -> Iterator[Encoded]:
        """What follows: of a hundred records 50 snapshots, 45 quotes and 5 statuses."""
        wallets, symbols = list(self._wallets), list(self._prices)
        for _ in range(count):
            self._now += dt.timedelta(milliseconds=1)
            kind = self._source.random()
            if kind < 0.5:
                portfolio, exchange = self._source.choice(wallets)
                rows = self._wallets[portfolio, exchange]
                for asset in self._source.sample(list(rows), ROWS_CHANGED):
                    rows[asset] = _balance(asset, self._source)
                yield self._snapshot(portfolio, exchange)
            elif kind < 0.95:
                yield self._quote(*self._source.choice(symbols))
            else:
                yield self._status(*self._source.choice(wallets))

    def _snapshot(self, portfolio: str, exchange: str) -> Encoded:
        self._seq += 1
        return snapshot(portfolio, exchange, self._seq, tuple(self._wallets[portfolio, exchange].values()), self._now)

    def _quote(self, exchange: str, asset: str) -> Encoded:
        price = self._prices[exchange, asset] + self._source.randrange(-1_000, 1_001)
        self._prices[exchange, asset] = price
        return quote(exchange, asset, f"{price / 10_000:.4f}", self._now)

    def _status(self, portfolio: str, exchange: str) -> Encoded:
        self._seq += 1
        return status(portfolio, exchange, self._seq, self._now)


def replayed(count: int, now: dt.datetime) -> Iterator[Record]:
    """Records of 430 B on average: of ten 7 quotes (225 B), 2 snapshots of ten rows (1.1 KB), 1 status (430 B).

    They are written from templates, since encoding a million events would take longer than reading them.
    """
    source = random.Random(5)
    mark, at = 777_777_777, now
    rows = tuple(_balance(asset, source) for asset in ASSETS[:WALLET_OF_TEN])
    wallets = [_template(snapshot(f"p{n}", "north", mark, rows, now), mark) for n in range(PORTFOLIOS)]
    statuses = [_template(status(f"p{n}", "north", mark, now), mark) for n in range(PORTFOLIOS)]
    price = "12345.6789"
    quotes = []
    for exchange in EXCHANGES:
        for asset in ASSETS:
            fact = quote(exchange, asset, price, now)
            assert fact.value is not None
            text = fact.value.replace(b"%d" % milliseconds(now), b"%(seq)d")
            text = text.replace(format_utc(now).encode(), b"%(at)s").replace(price.encode(), b"%(price)d.6789")
            quotes.append((fact.topic, fact.key, text))
    for number in range(count):
        kind = number % 10
        if kind < 7:
            if kind == 0:
                at += dt.timedelta(milliseconds=1)
                values = {b"seq": milliseconds(at), b"at": format_utc(at).encode()}
            topic, key, text = source.choice(quotes)
            yield topic, key, text % {**values, b"price": 10_000 + number % 5_000}
        else:
            topic, key, text = source.choice(wallets if kind < 9 else statuses)
            yield topic, key, text % {b"seq": number}


def _template(fact: Encoded, mark: int) -> Record:
    assert fact.value is not None
    return fact.topic, fact.key, fact.value.replace(b"%d" % mark, b"%(seq)d")


REPLAYED_TOPICS: Final = (topics.BALANCES, topics.PRICES, topics.COLLECTORS)
