import datetime as dt
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry

from api.bus_state import BusWatch
from api.latest import SILENT_SECONDS, Latest
from api.meter import Meter
from bus.interface import ReaderState
from monitoring.metrics import PortfolioMetrics
from schemas.events import ERROR_KINDS, ErrorCounts
from schemas.topics import COLLECTORS
from tests.http.support import MovedClock
from tests.unit.api.states import NOW, account, fact, gone, holding, sample, state, status


class Metered:
    """The api's follower with the customer's five, fed directly."""

    def __init__(self, *, live: bool = True) -> None:
        self.reader = (ReaderState.LIVE if live else ReaderState.LOADING, "")
        self.registry = CollectorRegistry()
        self.clock = MovedClock()
        meter = Meter(PortfolioMetrics(self.registry), portfolio="main", exchanges=("binance", "btcturk"))
        watch = BusWatch(lambda: self.reader, self.clock, grace_seconds=SILENT_SECONDS)
        self.latest = Latest(
            default_portfolio="main",
            exchanges=("binance", "btcturk"),
            demo=False,
            meter=meter,
            clock=self.clock,
            bus=watch.look,
        )
        if live:
            self.latest.caught_up()

    def value(self, name: str, exchange: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"exchange": exchange, **labels})

    def errors(self, exchange: str, kind: str) -> float | None:
        return self.value("spark_exchange_api_error_total", exchange, kind=kind)

    def latencies(self, exchange: str = "binance") -> float | None:
        return self.value("spark_portfolio_refresh_latency_ms_count", exchange)


def test_latencies_stand_at_zero_from_the_start() -> None:
    assert [Metered().latencies(exchange) for exchange in ("binance", "btcturk")] == [0, 0]


def test_error_counts_stand_at_zero_from_the_start() -> None:
    metered = Metered()
    for exchange in ("binance", "btcturk"):
        for kind in ERROR_KINDS:
            assert metered.errors(exchange, kind) == 0


def test_values_counts_and_times_of_main() -> None:
    metered = Metered()
    metered.latest.apply([fact(sample())])
    assert metered.value("spark_portfolio_total_value_usd", "binance") == 61875.0
    # BTC twice is one asset, the mirrored LDBTC none; unpriced ones are held all the same.
    assert metered.value("spark_portfolio_asset_count", "binance") == 2
    assert metered.value("spark_portfolio_last_update_timestamp", "binance") == NOW.timestamp()
    metered.latest.apply([fact(state([account("binance", [holding("DOGE", "1", "1")])], portfolio="desk"))])
    assert metered.value("spark_portfolio_total_value_usd", "binance") == 61875.0


def test_the_oldest_wallet_is_the_last_update() -> None:
    metered = Metered()
    old, new = NOW - dt.timedelta(seconds=90), NOW
    both = [
        account("binance", [holding("BTC", "1", "1")], read_at=new),
        account("binance", [holding("BTC", "1", "1")], name="savings", read_at=old),
    ]
    metered.latest.apply([fact(state(both))])
    assert metered.value("spark_portfolio_last_update_timestamp", "binance") == old.timestamp()


def test_an_exchange_without_accounts_is_absent_not_zero() -> None:
    metered = Metered()
    names = (
        "spark_portfolio_total_value_usd",
        "spark_portfolio_asset_count",
        "spark_portfolio_last_update_timestamp",
    )
    assert [metered.value(name, "binance") for name in names] == [None] * 3
    metered.latest.apply([fact(sample())])
    metered.latest.apply([fact(state([account("btcturk", [holding("TRY", "1", "0.02")])], seq=2))])
    assert [metered.value(name, "binance") for name in names] == [None] * 3
    assert metered.value("spark_portfolio_total_value_usd", "btcturk") == 0.02
    metered.latest.apply([gone(sample())])
    assert [metered.value(name, "btcturk") for name in names] == [None] * 3


def test_the_latency_is_observed_once_per_wallet_and_version() -> None:
    metered = Metered()
    metered.clock.move(0.5)
    metered.latest.apply([fact(state([account("binance", [holding("BTC", "1", "1")], seq=1)], seq=1))])
    assert metered.latencies() == 1
    assert metered.value("spark_portfolio_refresh_latency_ms_sum", "binance") == pytest.approx(750)
    # The same snapshot in a newer state (a price moved) is no new reading.
    metered.latest.apply([fact(state([account("binance", [holding("BTC", "1", "2")], seq=1)], seq=2))])
    assert metered.latencies() == 1
    metered.latest.apply([fact(state([account("binance", [holding("BTC", "1", "2")], seq=2)], seq=3))])
    assert metered.latencies() == 2
    # A collector that started again has a larger epoch and begins to count anew.
    again = account("binance", [holding("BTC", "1", "2")], epoch=6, seq=1)
    metered.latest.apply([fact(state([again], seq=4))])
    assert metered.latencies() == 3


def test_what_was_there_at_the_start_is_no_latency_and_no_error() -> None:
    metered = Metered(live=False)
    metered.clock.move(3600)
    metered.latest.apply([fact(sample()), fact(status(errors=ErrorCounts(refused=40)))])
    metered.latest.caught_up()
    metered.latest.apply([fact(sample(seq=2, valued_at=NOW).model_copy(update={"accounts": sample().accounts}))])
    assert metered.latencies() == 0
    assert metered.errors("binance", "refused") == 0
    metered.latest.apply([fact(status(seq=2, errors=ErrorCounts(refused=42)))])
    assert metered.errors("binance", "refused") == 2


def test_errors_grow_by_epoch() -> None:
    metered = Metered()
    metered.latest.apply([fact(status(errors=ErrorCounts(unavailable=3)))])
    assert metered.errors("binance", "unavailable") == 3
    metered.latest.apply([fact(status(seq=2, errors=ErrorCounts(unavailable=5)))])
    metered.latest.apply([fact(status(seq=2, errors=ErrorCounts(unavailable=5)))])
    assert metered.errors("binance", "unavailable") == 5
    metered.latest.apply([fact(status(epoch=4, errors=ErrorCounts(unavailable=2)))])
    assert metered.errors("binance", "unavailable") == 7
    # An older epoch's late record counts for nothing.
    metered.latest.apply([fact(status(epoch=3, seq=9, errors=ErrorCounts(unavailable=900)))])
    assert metered.errors("binance", "unavailable") == 7
    metered.latest.apply([fact(status(name="savings", errors=ErrorCounts(unavailable=1)))])
    assert metered.errors("binance", "unavailable") == 8


def test_an_emptied_topic_counts_nothing_twice() -> None:
    metered = Metered()
    metered.latest.apply([fact(status(errors=ErrorCounts(unreadable=5)))])
    metered.latest.topic_reset(COLLECTORS)
    metered.latest.apply([fact(status(errors=ErrorCounts(unreadable=6)))])
    assert metered.errors("binance", "unreadable") == 6


def test_a_retired_account_whose_collector_still_runs_counts_nothing_twice() -> None:
    metered = Metered()
    metered.latest.apply([fact(status(errors=ErrorCounts(refused=5)))])
    metered.latest.apply([gone(status()), fact(status(seq=2, errors=ErrorCounts(refused=6)))])
    assert metered.errors("binance", "refused") == 6


def test_exchanges_from_outside_share_one_label() -> None:
    metered = Metered()
    strangers = [account(f"x{number}", [holding("BTC", "1", "2")]) for number in range(50)]
    metered.latest.apply([fact(state(strangers))])
    assert metered.value("spark_portfolio_total_value_usd", "other") == 100.0
    assert metered.value("spark_portfolio_total_value_usd", "x1") is None
    assert Decimal(str(metered.latencies("other"))) == 50
