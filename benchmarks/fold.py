"""What the pure aggregator costs: events a second, the cost of one event as accounts grow, and memory."""

import ctypes
import datetime as dt
import gc
import math
import random
import statistics
import time
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from aggregator.aggregator import Aggregator
from benchmarks.table import Row, at_most
from schemas import topics
from schemas.encoding import Encoded, decode, encode
from schemas.events import Balance, BalanceSnapshot, PriceQuote
from schemas.fields import milliseconds

START = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
MILLISECOND = dt.timedelta(milliseconds=1)
ACCOUNTS_PER_PORTFOLIO = 10
ASSETS = 50
ASSET_NAMES = tuple(f"ASSET{number:02d}" for number in range(ASSETS))
SPACING = 20 * MILLISECOND
"""At least so far apart are two states of one portfolio."""


def _amount(source: random.Random) -> str:
    return f"{source.randrange(1, 10**11) / 10**8:.8f}"


def balances(source: random.Random, *, locked_share: float = 0.1) -> tuple[Balance, ...]:
    """Fifty rows as an exchange has them: eight decimals, few of them with something locked."""
    rows = []
    for asset in ASSET_NAMES:
        free = _amount(source)
        locked = _amount(source) if source.random() < locked_share else "0"
        total = format(Decimal(free) + Decimal(locked), "f")
        rows.append(Balance(asset=asset, free=free, locked=locked, total=total))
    return tuple(rows)


def snapshot(account: int, seq: int, rows: tuple[Balance, ...], now: dt.datetime) -> Encoded:
    """The record of an account's spot wallet."""
    return encode(
        BalanceSnapshot(
            epoch=1,
            seq=seq,
            published_at=now,
            portfolio=f"p{account // ACCOUNTS_PER_PORTFOLIO}",
            exchange="demo",
            account=f"a{account}",
            wallet="spot",
            observed_at=now,
            requested_at=now,
            cause="poll",
            poll_interval_seconds=10.0,
            balances=rows,
        )
    )


def quotes(source: random.Random, now: dt.datetime) -> list[Encoded]:
    """One quote of every asset."""
    return [
        encode(
            PriceQuote(
                epoch=0,
                seq=milliseconds(now),
                published_at=now,
                exchange="demo",
                base=asset,
                quote="USDT",
                price=f"{100 + source.random():.4f}",
                price_24h_ago="100.1234",
                priced_at=now,
            )
        )
        for asset in ASSET_NAMES
    ]


def take(aggregator: Aggregator, record: Encoded, now: dt.datetime) -> None:
    """Decode a record and fold it, as behind the bus."""
    aggregator.apply(decode(record.topic.name, record.key.encode(), record.value), now)


def drain(aggregator: Aggregator, now: dt.datetime) -> int:
    """Publish until nothing is due; how many bytes that were."""
    size = 0
    while True:
        facts = aggregator.due(now)
        size += sum(len(fact.value or b"") for fact in facts)
        due = aggregator.next_due()
        if not facts and (due is None or due > now):
            return size


def settle(aggregator: Aggregator, now: dt.datetime, until: dt.datetime) -> None:
    """Publish what is due, and what has to wait for its turn, as time passes."""
    due: dt.datetime | None = now
    while due is not None and due <= until:
        now = max(now, due)
        drain(aggregator, now)
        due = aggregator.next_due()


def filled(accounts: int, source: random.Random) -> tuple[Aggregator, list[tuple[Balance, ...]]]:
    """An aggregator that holds so many accounts, priced and published."""
    aggregator = Aggregator()
    for record in quotes(source, START):
        take(aggregator, record, START)
    shapes = [balances(source) for _ in range(20)]
    for account in range(accounts):
        take(aggregator, snapshot(account, 1, shapes[account % len(shapes)], START), START)
    aggregator.begin(1, START)
    drain(aggregator, START)
    return aggregator, shapes


class Cost(NamedTuple):
    """Microseconds of one balance event by step, each the median over the events."""

    decode: float
    fold: float
    publish: float

    @property
    def total(self) -> float:
        """All steps."""
        return sum(self)


def cost_per_event(accounts: int, *, events: int = 400, rows_changed: int = ASSETS) -> Cost:
    """Balance events of random accounts; every one is decoded, folded, valued and encoded as its portfolio's state."""
    source = random.Random(1)
    aggregator, shapes = filled(accounts, source)
    now = START
    times: list[tuple[float, float, float]] = []
    seqs: dict[int, int] = {}
    current: dict[int, tuple[Balance, ...]] = {}
    gc.collect()
    for _ in range(events):
        now += SPACING
        account = source.randrange(accounts)
        seq = seqs[account] = seqs.get(account, 1) + 1
        old = current.get(account, shapes[account % len(shapes)])
        rows = source.choice(shapes)[:rows_changed] + old[rows_changed:]
        current[account] = rows
        record = snapshot(account, seq, rows, now)
        begun = time.perf_counter()
        fact = decode(record.topic.name, record.key.encode(), record.value)
        decoded = time.perf_counter()
        aggregator.apply(fact, now)
        folded = time.perf_counter()
        facts = aggregator.due(now)
        done = time.perf_counter()
        assert any(fact.topic is topics.PORTFOLIO for fact in facts)
        times.append((decoded - begun, folded - decoded, done - folded))
    return Cost(*(statistics.median(column) * 1e6 for column in zip(*times, strict=True)))


def slope(costs: dict[int, float]) -> float:
    """The log-log slope of cost over size, by least squares: 0 where the size does not matter."""
    xs = [math.log(size) for size in costs]
    ys = [math.log(cost) for cost in costs.values()]
    return statistics.linear_regression(xs, ys).slope


def growth(sizes: tuple[int, ...] = (100, 1_000, 10_000), *, events: int = 400) -> dict[int, Cost]:
    """The cost of a balance event with so many accounts, ten to a portfolio."""
    return {size: cost_per_event(size, events=events) for size in sizes}


def price_round_seconds(accounts: int = 1_000) -> float:
    """One new quote of every asset, and all portfolios valued and encoded anew."""
    source = random.Random(2)
    aggregator, _ = filled(accounts, source)
    now = START
    rounds = []
    for _ in range(3):
        now += dt.timedelta(seconds=12)
        records = quotes(source, now)
        begun = time.perf_counter()
        for record in records:
            take(aggregator, record, now)
        settle(aggregator, now, now + dt.timedelta(seconds=6))
        rounds.append(time.perf_counter() - begun)
    return statistics.median(rounds)


def events_per_second(accounts: int = 1_000, *, events: int = 3_000) -> float:
    """Decode, check, fold, value and encode in a stream: every 5 ms of the stream's time what is due goes out."""
    source = random.Random(3)
    aggregator, shapes = filled(accounts, source)
    now = START + dt.timedelta(seconds=1)
    records = [snapshot(source.randrange(accounts), 2 + number, source.choice(shapes), now) for number in range(events)]
    gc.collect()
    begun = time.perf_counter()
    for number, record in enumerate(records):
        take(aggregator, record, now)
        if number % 5 == 4:
            now += 5 * MILLISECOND
            aggregator.due(now)
    drain(aggregator, now + SPACING)
    return events / (time.perf_counter() - begun)


class Memory(NamedTuple):
    """What an aggregator with so many accounts holds, in megabytes of 10^6 bytes."""

    traced: float
    resident: float


def _resident() -> int:
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def memory(accounts: int = 1_000) -> Memory:
    """Memory of an aggregator alone: as Python counts it, and as the system does (Linux)."""
    filled(10, random.Random(4))
    gc.collect()
    before = _resident()
    held = filled(accounts, random.Random(4))[0]
    gc.collect()
    resident = _resident() - before
    del held
    gc.collect()
    tracemalloc.start()
    held = filled(accounts, random.Random(4))[0]
    gc.collect()
    traced = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del held
    return Memory(traced / 1e6, resident / 1e6)


def rows() -> list[Row]:
    """The rows of the table."""
    held = memory()  # First: what the others leave behind would be measured with it.
    costs = {size: cost.total for size, cost in growth().items()}
    in_stream = events_per_second()
    return [
        Row("fold, value, encode: balance events of 50 rows, all changed", in_stream, "events/s"),
        *(Row(f"  cost of one, {size} accounts held", cost, "µs") for size, cost in costs.items()),
        at_most("  log-log slope of it, 100 to 10 000 accounts", slope(costs), 0.1, "slope"),
        Row("a new quote of each of 50 assets, 1000 accounts valued", price_round_seconds(), "s"),
        at_most("memory of 1000 accounts x 50 assets, aggregator alone", held.resident, 45.0, "MB"),
    ]
