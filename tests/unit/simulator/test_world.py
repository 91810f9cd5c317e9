"""The demo's world, the walk, and starting and stopping."""

import asyncio
import time
from dataclasses import replace
from decimal import Context, Decimal, Inexact, localcontext

import aiohttp
import pytest

from simulator import Account, Fault, Simulator, SimulatorConfig, UnknownNameError, demo_config, fake_account
from simulator.names import BINANCE, BTCTURK
from simulator.wire import Call
from tests.unit.simulator.client import until


def test_demo_is_the_same_for_a_seed():
    assert demo_config(3) == demo_config(3)
    assert demo_config(3).listings != demo_config(4).listings
    assert demo_config(3).accounts == demo_config(4).accounts


@pytest.mark.parametrize("steps", [0, 500])
def test_prices_agree_between_pairs_and_exchanges(steps):
    sim = Simulator(demo_config(11))
    for _ in range(steps):
        sim.step()
    lira = sim.price("binance", "USDTTRY")
    for exchange, coin in (("binance", "BTC"), ("btcturk", "BTC"), ("binance", "ETH"), ("btcturk", "SOL")):
        expected = sim.price("binance", f"{coin}USDT") * lira
        assert abs(sim.price(exchange, f"{coin}TRY") / expected - 1) < Decimal("0.003")


def test_walk_is_the_same_for_a_seed():
    one, two, other = (Simulator(demo_config(seed)) for seed in (5, 5, 6))
    before = one.balances("binance", "main", "spot"), one.balances("btcturk", "main", "spot")
    for sim in (one, two, other):
        for _ in range(200):
            sim.step()
    for exchange in ("binance", "btcturk"):
        assert one.prices(exchange) == two.prices(exchange) != other.prices(exchange)
        assert one.balances(exchange, "main", "spot") == two.balances(exchange, "main", "spot")
    after = one.balances("binance", "main", "spot"), one.balances("btcturk", "main", "spot")
    assert before != after
    assert one.price("binance", "LUNAUSDT") == Decimal("1.31")  # halted: stale


def test_walk_keeps_what_it_does_not_trade():
    sim = Simulator(demo_config(5))
    locked = sim.balances("btcturk", "main", "spot")["TRY"][1]
    for _ in range(500):
        sim.step()
    held = sim.balances("btcturk", "main", "spot")
    assert held["TRY"][1] == locked
    assert all(free >= 0 for free, _ in held.values())


def test_walk_stays_near():
    sim = Simulator(demo_config(5))
    start = sim.price("binance", "BTCUSDT")
    for _ in range(4000):
        sim._walker.step()
    assert abs(sim.price("binance", "BTCUSDT") / start - 1) < Decimal("0.15")


def test_strict_arithmetic_around_us_is_no_harm():
    # The program around the simulator may trap inexact results; the simulator's own arithmetic must not care.
    with localcontext(Context(prec=28, traps=[Inexact])):
        sim = Simulator(demo_config(5))
        for _ in range(100):
            sim.step()
        calls = (("/api/v3/ticker/24hr", BINANCE), ("/api/v3/ticker/bookTicker", BINANCE), ("/api/v2/ticker", BTCTURK))
        for path, exchange in calls:
            assert sim._exchanges[exchange].answer(Call("GET", path, "", {}, b"", "")).status == 200


def test_empty_world_can_walk():
    sim = Simulator(SimulatorConfig())
    for _ in range(50):
        sim.step()


async def test_walk_runs(build):
    client = await build(replace(demo_config(7), walk_seconds=0.01))
    client.sim.walk(True)
    before = client.sim.prices("binance")
    await until(lambda: client.sim.prices("binance") != before)


def test_values_that_cannot_be():
    sim = Simulator(demo_config())
    for wrong in (1.5, True, "NaN", "-0", "1e40", None):
        with pytest.raises(ValueError, match="BTC free"):
            sim.set_balance("binance", "main", "spot", "BTC", free=wrong)
    with pytest.raises(ValueError, match="asset code"):
        sim.set_balance("binance", "main", "spot", "", free="1")
    with pytest.raises(UnknownNameError, match="Known: BTCTRY"):
        Simulator(replace(demo_config(), listings={"btcturk": demo_config().listings["btcturk"][:1]})).price(
            "btcturk", "BTCUSDT"
        )
    with pytest.raises(ValueError, match="at most a year"):
        sim.set_clock_offset("binance", 10**12)


def test_a_wrong_row_replaces_nothing():
    sim = Simulator(demo_config())
    before = sim.balances("binance", "main", "spot")
    for rows in ({"BTC": ("1", "0"), "ETH": ("x", "0")}, {"BTC": ("1", "0"), "": ("1", "0")}):
        with pytest.raises(ValueError, match="give"):
            sim.set_balances("binance", "main", "spot", rows)
        assert sim.balances("binance", "main", "spot") == before


@pytest.mark.parametrize(
    ("exchange", "account"),
    [
        ("binance", Account("main", "short", "secret")),
        ("btcturk", Account("main", "key", "not base64!")),
        ("btcturk", Account("main", "key", "c2hvcnQ=")),
        ("binance", replace(fake_account("binance", "main"), label="a/b")),
    ],
)
def test_wrong_accounts(exchange, account):
    with pytest.raises(ValueError, match="must be"):
        SimulatorConfig(accounts={exchange: (account,)})


def test_accounts_of_a_config():
    config = demo_config()
    assert config.account("binance", "main") is config.accounts["binance"][0]
    assert config.accounts["btcturk"][0].api_secret not in repr(config)
    with pytest.raises(UnknownNameError, match="Known: main"):
        config.account("binance", "other")
    with pytest.raises(ValueError, match="same label"):
        SimulatorConfig(accounts={"binance": (fake_account("binance", "a"),) * 2})


async def test_several_accounts(build):
    accounts = tuple(fake_account("binance", label) for label in ("main", "savings"))
    client = await build(replace(demo_config(), accounts={"binance": accounts}))
    client.sim.set_balance("binance", "savings", "spot", "BTC", free="9")
    client.sim.revoke("binance", "main")
    answer = await client.signed("/api/v3/account", "omitZeroBalances=true", account="savings")
    assert answer.json["balances"] == [{"asset": "BTC", "free": "9.00000000", "locked": "0.00000000"}]
    assert (await client.signed("/api/v3/account")).status == 401
    assert [seen.account for seen in client.sim.requests()] == ["savings", "main"]


async def test_nothing_is_open_before_start_or_after_stop():
    sim = Simulator(demo_config())
    assert sim.binance_url == ""
    await sim.stop()
    async with sim:
        url = sim.binance_url
        assert url.startswith("http://127.0.0.1:")
        assert len({sim.control_url, sim.binance_url, sim.btcturk_url}) == 3
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)
    async with sim:  # and it starts again
        assert sim.binance_url


async def test_a_taken_port_is_an_error_and_leaves_nothing_open():
    async with Simulator(demo_config()) as first:
        taken = int(first.btcturk_url.rpartition(":")[2])
        second = Simulator(demo_config())
        with pytest.raises(OSError, match=str(taken)):
            await second.start(btcturk_port=taken)
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(second.binance_url)


@pytest.mark.parametrize("kind", ["hang", "slow", "oversized"])
async def test_stop_is_bounded(kind):
    sim = Simulator(demo_config())
    await sim.start()
    sim.walk(True)
    sim.inject(Fault("binance", kind, seconds=60))
    _, writer = await asyncio.open_connection("127.0.0.1", int(sim.binance_url.rpartition(":")[2]))
    writer.write(b"GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await until(sim.requests)
    began = time.monotonic()
    await sim.stop()
    assert time.monotonic() - began < 2
    writer.close()
    assert not [task for task in asyncio.all_tasks() if "walk" in task.get_name()]
