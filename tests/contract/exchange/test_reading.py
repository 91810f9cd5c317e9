"""What every exchange's collector does when all goes well: exact amounts, versions, times, statuses, prices."""

import asyncio
import datetime as dt
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from schemas.events import RefreshCommand, WantedAsset
from schemas.versions import EPOCH_RANDOM_MAX
from simulator import Fault
from tests.contract.exchange.conftest import FAST, TICKER_PATHS


async def test_every_wallet_is_published_exactly_as_it_is(harness) -> None:
    await harness.start()
    await harness.all_read()
    for wallet in harness.wallets:
        assert harness.truth(wallet)
        assert harness.amounts(wallet) == harness.truth(wallet), wallet


async def test_a_change_is_seen_by_the_next_poll(harness) -> None:
    await harness.start()
    await harness.all_read()
    for wallet in harness.wallets:
        harness.sim.set_balance(harness.name, "main", wallet, "BTC", free="0.00000001", locked="3")
    for wallet in harness.wallets:
        await harness.until(lambda wallet=wallet: harness.amounts(wallet) == harness.truth(wallet), wallet)


async def test_what_is_moved_into_a_mirrored_wallet_is_read_there_at_once(binance) -> None:
    slow = dict.fromkeys(binance.wallets, 600.0) | {"spot": 0.15}
    await binance.start(poll_seconds=slow)
    await binance.all_read()
    for amount in ("0.75", "0"):
        binance.sim.set_balance("binance", "main", "earn-flexible", "BTC", free=amount)
        await binance.until(lambda: binance.amounts("earn-flexible") == binance.truth("earn-flexible"))
    reads = len(binance.calls(binance.path("earn-flexible")))
    await binance.more(3)
    assert len(binance.calls(binance.path("earn-flexible"))) == reads, "what does not move is left alone"


async def test_what_is_gone_is_not_in_the_snapshot_and_no_zero_row_is(harness) -> None:
    await harness.start()
    await harness.all_read()
    asset = next(iter(harness.truth("spot")))
    harness.sim.set_balance(harness.name, "main", "spot", asset, free="0")
    await harness.until(lambda: asset not in harness.amounts("spot"))
    assert all(balance.total for one in harness.snapshots() for balance in one.balances)


async def test_versions_grow_and_times_are_true(harness) -> None:
    before = dt.datetime.now(dt.UTC)
    await harness.start()
    await harness.more(3)
    found = harness.snapshots()
    assert [one.seq for one in found] == list(range(1, len(found) + 1))
    assert len({one.epoch for one in found}) == 1
    assert found[0].epoch >= int(before.timestamp() * 1000) * EPOCH_RANDOM_MAX
    for one in found:
        assert before - dt.timedelta(seconds=1) <= one.requested_at
        assert abs(one.observed_at - one.published_at) < dt.timedelta(seconds=1)
        assert (one.cause, one.command_id, one.poll_interval_seconds) == ("poll", None, pytest.approx(0.15))


async def test_the_status_is_live_and_beats(harness) -> None:
    await harness.start()
    await harness.all_read()
    await harness.until(lambda: harness.status().state == "live")
    status = harness.status()
    assert {one.wallet for one in status.wallets} == set(harness.wallets)
    assert all(one.health == "ok" and one.last_success_at for one in status.wallets)
    assert status.error is None
    assert abs(status.clock_offset_ms) < 1000
    assert status.permissions.state == ("read_only" if harness.name == "binance" else "unverified")
    seq = status.seq
    await harness.until(lambda: harness.status().seq >= seq + 2, "the heartbeat")


async def test_polls_have_their_own_rhythm(harness) -> None:
    slow = dict.fromkeys(harness.wallets, 60.0) | {"spot": 0.1}
    await harness.start(poll_seconds=slow)
    await harness.more(5)
    for wallet in harness.wallets[1:]:
        assert len(harness.calls(harness.path(wallet))) <= 1


async def test_an_exchange_without_accounts_gives_prices_and_says_so(harness) -> None:
    role = await harness.start(keyless=True)
    await harness.until(lambda: harness.quotes() and harness.status())
    status = harness.status()
    assert (status.state, status.wallets, status.error) == ("unconfigured", (), None)
    assert role.check().ready
    assert not harness.snapshots()
    assert all(one.account is None for one in harness.sim.requests(harness.name))


async def test_prices_of_wanted_assets_are_quoted_and_follow_the_market(harness) -> None:
    at = dt.datetime.now(dt.UTC)
    await harness.publish(WantedAsset(epoch=1, seq=1, published_at=at, portfolio="main", asset="ETH"))
    await harness.start(keyless=True)
    quote = "USDT" if harness.name == "binance" else "TRY"
    symbol = f"ETH{quote}"

    def last() -> object:
        found = [one for one in harness.quotes() if (one.base, one.quote) == ("ETH", quote)]
        return found[-1] if found else None

    await harness.until(last)
    assert (last().price, last().price_24h_ago) == harness.sim.prices(harness.name)[symbol]
    harness.sim.set_price(harness.name, symbol, "4321.5", "0")
    await harness.until(lambda: last().price == Decimal("4321.5"))
    assert last().price_24h_ago is None
    assert {"BTC", "USDT", "ETH"} <= {one.base for one in harness.quotes()}
    assert not any("SOL" in {one.base, one.quote} for one in harness.quotes())


def want(*assets: str, portfolio: str = "main") -> list[WantedAsset]:
    at = dt.datetime.now(dt.UTC)
    return [WantedAsset(epoch=1, seq=1, published_at=at, portfolio=portfolio, asset=asset) for asset in assets]


async def test_what_is_newly_wanted_is_asked_for_before_the_next_poll_and_only_that(harness, monkeypatch) -> None:
    """A coin that was just found has no price until somebody asks: nobody looks at a partial total for so long."""
    monkeypatch.setattr("collectors.quotes.NEWLY_WANTED_SECONDS_MIN", 0.2)
    tickers = TICKER_PATHS[harness.name]
    await harness.start(keyless=True, price_poll_seconds=600)
    await harness.until(harness.quotes)
    # What is priced already, and what is not listed, is no reason.
    await harness.publish(*want("BTC", "NOTLISTED"), *want("BTC", portfolio="other"))
    await asyncio.sleep(0.6)
    assert len(harness.calls(tickers)) == 1
    await harness.publish(*want("ETH"))
    await harness.until(lambda: any(one.base == "ETH" for one in harness.quotes()))
    # Soon after that poll: the next waits for what comes together with it.
    await harness.publish(*want("AVAX"))
    await harness.until(lambda: any(one.base == "AVAX" for one in harness.quotes()))
    calls = harness.calls(tickers)
    assert all(after.at - before.at >= 0.2 for before, after in pairwise(calls))


async def test_a_poll_of_prices_that_failed_is_not_hurried_by_what_is_newly_wanted(harness) -> None:
    tickers = TICKER_PATHS[harness.name]
    pacing = replace(FAST, backoff_first=2.0, backoff_shortest=2.0, backoff_longest=2.0)
    await harness.start(keyless=True, price_poll_seconds=0.5, pacing=pacing)
    await harness.until(harness.quotes)
    harness.sim.inject(Fault(exchange=harness.name, kind="status", status=503, path=tickers, body="{}"))

    def failed() -> list[float]:
        return [one.at for one in harness.calls(tickers) if one.status == 503]

    await harness.until(failed)
    await harness.publish(*want("ETH"))
    await harness.until(lambda: len(failed()) >= 2)
    first, second = failed()[:2]
    assert second - first >= 1.9


@pytest.mark.parametrize("code", [-1121, -1100])
async def test_a_symbol_that_is_gone_spoils_neither_the_others_nor_the_next_poll(binance, code: int) -> None:
    """One unknown (-1121) or odd (-1100) symbol fails its whole call: the other calls go on."""
    at = dt.datetime.now(dt.UTC)
    held = [symbol.removesuffix("USDT") for symbol in binance.sim.prices("binance") if symbol.endswith("USDT")]
    await binance.publish(
        *(WantedAsset(epoch=1, seq=1, published_at=at, portfolio="main", asset=asset) for asset in held)
    )
    body = f'{{"code":{code},"msg":"Invalid symbol."}}'
    path = "/api/v3/ticker/24hr"
    binance.sim.inject(Fault(exchange="binance", kind="status", status=400, path=path, body=body, times=1))
    await binance.start(keyless=True, price_poll_seconds=2.0)
    await binance.until(binance.quotes)
    first, second = binance.calls(path)[:2]
    assert (first.status, second.status) == (400, 200)
    assert second.at - first.at < 1
    if code == -1121:
        await binance.until(lambda: len(binance.calls("/api/v3/exchangeInfo")) >= 2)


async def test_an_empty_list_of_symbols_is_not_believed(harness) -> None:
    path, body = {
        "binance": ("/api/v3/exchangeInfo", '{"symbols":[]}'),
        "btcturk": ("/api/v2/server/exchangeinfo", '{"data":{"symbols":[]},"success":true,"code":0}'),
    }[harness.name]
    harness.sim.inject(Fault(exchange=harness.name, kind="status", status=200, path=path, body=body, times=1))
    await harness.start(keyless=True)
    await harness.until(harness.quotes)


async def test_a_price_of_zero_is_not_quoted_and_the_others_are(harness) -> None:
    symbol, other = ("BTCUSDT", "BTCTRY")
    harness.sim.set_price(harness.name, symbol, "0")
    await harness.start(keyless=True)
    await harness.until(lambda: harness.metric("spark_collector_prices_skipped_total") >= 2)
    pairs = {one.base + one.quote for one in harness.quotes()}
    assert symbol not in pairs
    assert other in pairs


def refresh(name: str, *, account: str | None = None, exchange: str, seconds: float = 10) -> RefreshCommand:
    at = dt.datetime.now(dt.UTC)
    return RefreshCommand(
        epoch=0, seq=0, published_at=at, id=name, portfolio="main", exchange=exchange, account=account,
        expires_at=at + dt.timedelta(seconds=seconds),
    )  # fmt: skip


async def test_a_refresh_reads_all_wallets_now_and_says_so(harness) -> None:
    await harness.start(poll_seconds=dict.fromkeys(harness.wallets, 600.0))
    await harness.all_read()
    await harness.publish(refresh("cmd-1", exchange=harness.name))
    await harness.until(lambda: any(one.command_id == "cmd-1" for one in harness.status().refreshes))
    (result,) = harness.status().refreshes
    assert result.ok
    for wallet in harness.wallets:
        last = harness.snapshot(wallet)
        assert (last.cause, last.command_id) == ("refresh", "cmd-1")


async def test_two_refreshes_at_once_make_one_read(harness) -> None:
    await harness.start(poll_seconds=dict.fromkeys(harness.wallets, 600.0))
    await harness.all_read()
    await harness.publish(refresh("a", exchange=harness.name), refresh("b", exchange=harness.name, account="main"))
    await harness.until(lambda: {one.command_id for one in harness.status().refreshes} == {"a", "b"})
    seq = harness.status().seq
    await harness.until(lambda: harness.status().seq >= seq + 2)
    for wallet in harness.wallets:
        assert len(harness.calls(harness.path(wallet))) == 2


async def test_refreshes_for_others_and_late_ones_are_left_alone(harness) -> None:
    await harness.start(poll_seconds=dict.fromkeys(harness.wallets, 600.0))
    await harness.all_read()
    await harness.publish(
        refresh("other", exchange="nowhere"),
        refresh("label", exchange=harness.name, account="other"),
        refresh("late", exchange=harness.name, seconds=-1),
        refresh("last", exchange=harness.name),
    )
    await harness.until(lambda: harness.status().refreshes)
    assert [one.command_id for one in harness.status().refreshes] == ["last"]


async def test_a_stop_is_quick_and_aborts_what_hangs(harness) -> None:
    role = await harness.start()
    await harness.all_read()
    for wallet in harness.wallets:
        harness.fault("hang", wallet)
    await harness.until(lambda: harness.calls(harness.path()))
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await role.stop() == 0
    assert loop.time() - began < 2
    await asyncio.wait_for(role.wait(), 1)
    count = len(harness.sim.requests(harness.name))
    await asyncio.sleep(0.3)
    assert len(harness.sim.requests(harness.name)) == count


async def test_the_exchanges_own_total_agrees_with_ours(binance) -> None:
    at = dt.datetime.now(dt.UTC)
    held = {asset for wallet in binance.wallets for asset in binance.truth(wallet)}
    await binance.publish(
        *(WantedAsset(epoch=1, seq=1, published_at=at, portfolio="main", asset=asset) for asset in held)
    )
    await binance.start()
    await binance.all_read()
    name = "spark_collector_wallet_gap_ratio"
    await binance.until(lambda: binance.registry.get_sample_value(name, {"exchange": "binance"}) is not None)
    assert binance.metric(name) < 0.01
