"""What a small world can say: hypothesis strategies for records, and a player that feeds them to an aggregator."""

import datetime as dt
from decimal import Decimal

from hypothesis import strategies as st

from aggregator.aggregator import Aggregator
from schemas import topics
from schemas.amounts import add
from schemas.encoding import Decoded, decode
from schemas.events import (
    Balance,
    BalanceSnapshot,
    CollectorStatus,
    Mirror,
    PriceQuote,
    SourceError,
    WalletStatus,
)
from schemas.fields import milliseconds

START = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)

PORTFOLIOS = ("main", "desk")
EXCHANGES = ("binance", "btcturk")
ACCOUNTS = ("main", "savings")
WALLETS = ("spot", "funding", "earn-flexible")
ASSETS = ("BTC", "ETH", "USDT", "TRY", "USD", "XYZ", 'A"\\<é')
SYMBOLS = (
    ("BTC", "USDT"),
    ("ETH", "BTC"),
    ("USDT", "TRY"),
    ("BTC", "TRY"),
    ("XYZ", "TRY"),
    ("USDT", "USD"),
    ("EUR", "USDT"),
    ("BTC", "EUR"),
    ("ETH", "USD"),
    ("USD", "XYZ"),
)

amounts = st.one_of(
    st.sampled_from(["0", "1", "0.00000001", "0.000000000000000001", "123456789.123456789"]),
    st.decimals(min_value=0, max_value=10**6, places=8).map(lambda amount: format(amount, "f")),
)
wild_amounts = st.one_of(amounts, st.sampled_from(["9" * 39, "0." + "0" * 29 + "1", "1" + "0" * 30]))
versions = st.tuples(st.integers(1, 3), st.integers(1, 4))


def fact(event) -> Decoded:
    return Decoded(event.topic, event.key, event)


def balance(asset, free="0", locked="0", mirror=None):
    total = add(Decimal(free), Decimal(locked))
    return Balance(asset=asset, free=free, locked=locked, total=total, mirror_of=mirror)


def snapshot(
    balances=(),
    *,
    portfolio="main",
    exchange="binance",
    account="main",
    wallet="spot",
    version=(1, 1),
    at=START,
    interval=10.0,
    **more,
):
    return fact(
        BalanceSnapshot(
            epoch=version[0],
            seq=version[1],
            published_at=at,
            portfolio=portfolio,
            exchange=exchange,
            account=account,
            wallet=wallet,
            observed_at=at,
            requested_at=at,
            cause="poll",
            poll_interval_seconds=interval,
            balances=tuple(balances),
            **more,
        )
    )


def status(
    state="live",
    wallets=(("spot", "ok"),),
    *,
    portfolio="main",
    exchange="binance",
    account="main",
    version=(1, 1),
    at=START,
    error=None,
    offset_ms=None,
):
    return fact(
        CollectorStatus(
            clock_offset_ms=offset_ms,
            epoch=version[0],
            seq=version[1],
            published_at=at,
            portfolio=portfolio,
            exchange=exchange,
            account=account,
            state=state,
            observed_at=at,
            wallets=tuple(
                WalletStatus(wallet=wallet, health=health, poll_interval_seconds=10.0) for wallet, health in wallets
            ),
            error=error,
        )
    )


def quote(base, against, price, *, exchange="binance", at=START, ago=None):
    return fact(
        PriceQuote(
            epoch=0,
            seq=milliseconds(at),
            published_at=at,
            exchange=exchange,
            base=base,
            quote=against,
            price=price,
            price_24h_ago=ago,
            priced_at=at,
        )
    )


@st.composite
def snapshots(draw, at=START, amount=amounts):
    balances = [
        balance(asset, draw(amount), draw(st.sampled_from(["0", "0", "0.5"])))
        for asset in draw(st.lists(st.sampled_from(ASSETS), max_size=4, unique=True))
    ]
    if draw(st.booleans()):
        balances.append(balance("LDBTC", draw(amount), mirror=Mirror(wallet="earn-flexible", asset="BTC")))
    return snapshot(
        balances,
        portfolio=draw(st.sampled_from(PORTFOLIOS)),
        exchange=draw(st.sampled_from(EXCHANGES)),
        account=draw(st.sampled_from(ACCOUNTS)),
        wallet=draw(st.sampled_from(WALLETS)),
        version=draw(versions),
        at=at - draw(st.integers(0, 100)) * SECOND,
        interval=draw(st.sampled_from([10.0, 60.0])),
        command_id=draw(st.sampled_from([None, "refresh-1"])),
    )


@st.composite
def statuses(draw, at=START):
    error = SourceError(kind="refused", message="no", mend="a new key", at=at)
    return status(
        draw(st.sampled_from(["starting", "live", "unavailable", "refused", "unconfigured"])),
        draw(
            st.lists(
                st.tuples(st.sampled_from(WALLETS), st.sampled_from(["ok", "failed", "suspicious"])),
                max_size=3,
                unique_by=lambda pair: pair[0],
            )
        ),
        portfolio=draw(st.sampled_from(PORTFOLIOS)),
        exchange=draw(st.sampled_from(EXCHANGES)),
        account=draw(st.sampled_from(ACCOUNTS)),
        version=draw(versions),
        at=at - draw(st.integers(0, 100)) * SECOND,
        error=draw(st.sampled_from([None, error])),
        offset_ms=draw(st.sampled_from([None, 0, 50_000, -50_000])),
    )


TAME = ("1", "1.5", "0.7", "2.000000000000000001")
WILD = (*TAME, "0", "100", "100000", "0.000000000000000001", "1" + "0" * 29)


@st.composite
def quotes(draw, at=START, prices=TAME, back=150):
    base, against = draw(st.sampled_from(SYMBOLS))
    return quote(
        base,
        against,
        draw(st.sampled_from(prices)),
        exchange=draw(st.sampled_from(EXCHANGES)),
        at=at - draw(st.integers(-2, back)) * SECOND,
        ago=draw(st.sampled_from([None, "0", "1.1", "0.9"])),
    )


@st.composite
def tombstones(draw):
    kind = draw(st.sampled_from(["balance", "status", "price"]))
    place = [draw(st.sampled_from(names)) for names in (PORTFOLIOS, EXCHANGES, ACCOUNTS)]
    if kind == "price":
        symbol = draw(st.sampled_from(SYMBOLS))
        return Decoded(topics.PRICES, topics.join_key(place[1], *symbol), None)
    if kind == "status":
        return Decoded(topics.COLLECTORS, topics.join_key(*place), None)
    return Decoded(topics.BALANCES, topics.join_key(*place, draw(st.sampled_from(WALLETS))), None)


def records(at=START, prices=TAME, amount=amounts):
    return st.one_of(snapshots(at, amount), snapshots(at, amount), statuses(at), quotes(at, prices))


class Player:
    """Feeds an aggregator and keeps what it published: per portfolio the newest state, checked on the way."""

    def __init__(self, pegs=("USDT",), now=START, epoch=7):
        self.aggregator = Aggregator(pegs)
        self.states = {}
        self.sent = []
        self.wanted = {}
        self.aggregator.begin(epoch, now)

    def play(self, facts, now=START):
        return [self.aggregator.apply(one, now) for one in facts]

    def tick(self, now):
        """Everything that is due at this moment, read back as a reader would."""
        published = []
        for _ in range(1000):
            facts = self.aggregator.due(now)
            for one in facts:
                read = decode(one.topic.name, one.key.encode(), one.value)
                if one.topic is topics.PORTFOLIO:
                    published.append((one, read.event))
                    before = self.states.get(one.key)
                    assert read.event is None or before is None or read.event.version > before.version
                    self.states[one.key] = read.event
                else:
                    self.wanted[one.key] = read.event
            self.sent += facts
            due = self.aggregator.next_due()
            if not facts and (due is None or due > now):
                return published
        raise AssertionError("the aggregator is never done")

    def settle(self, now):
        """Let so much time pass that everything went out; the states as of then."""
        self.tick(now)
        return {key: state for key, state in self.states.items() if state is not None}


def content(state):
    """A state without its version and times, for comparisons."""
    return (
        None
        if state is None
        else state.model_copy(update={"epoch": 0, "seq": 0, "published_at": START, "valued_at": START})
    )
