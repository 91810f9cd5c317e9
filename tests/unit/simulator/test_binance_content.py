"""Binance: what the answers contain."""

from dataclasses import replace
from decimal import Decimal

import pytest

from simulator import BinanceRules, Holding, SimulatorConfig, demo_config, fake_account

ACCOUNT = "/api/v3/account"


async def spot(client, query="omitZeroBalances=true"):
    return {row["asset"]: row for row in (await client.signed(ACCOUNT, query)).json["balances"]}


async def test_hundreds_of_zero_rows(client):
    rows = await spot(client, "")
    zeros = [row for row in rows.values() if row["free"] == row["locked"] == "0.00000000"]
    assert len(zeros) >= 400
    held = await spot(client)
    assert {code for code, row in rows.items() if row not in zeros} == set(held)


async def test_truth_and_answer_agree(client, sim):
    held = await spot(client)
    truth = sim.balances("binance", "main", "spot")
    plain = {code: row for code, row in held.items() if code not in {"LDUSDT", "LDBTC", "LDETH"}}
    assert {code: (Decimal(row["free"]), Decimal(row["locked"])) for code, row in plain.items()} == truth
    assert held["币安人生"]["free"] == "1500.00000000"
    assert held["DOGE"]["free"] == "0.00000001"


async def test_flexible_earn_is_mirrored(client, sim):
    sim.set_balance("binance", "main", "earn-flexible", "USDT", free="2500.5")
    held = await spot(client)
    assert held["LDUSDT"] == {"asset": "LDUSDT", "free": "2500.50000000", "locked": "0.00000000"}
    assert held["LDO"]["free"] == "320.50000000"


async def test_mirrors_can_be_off(build):
    client = await build(replace(demo_config(7), binance=BinanceRules(mirrors_flexible_earn=False)))
    assert "LDUSDT" not in await spot(client)


async def test_new_coin_becomes_listed(client, sim):
    sim.set_balance("binance", "main", "spot", "NEWCOIN", free="3")
    assert (await spot(client))["NEWCOIN"]["free"] == "3.00000000"
    sim.set_balances("binance", "main", "spot", {})
    assert (await spot(client, ""))["NEWCOIN"]["free"] == "0.00000000"


async def test_funding_rows(client, sim):
    rows = (await client.signed("/sapi/v1/asset/get-funding-asset", method="POST")).json
    usdt = next(row for row in rows if row["asset"] == "USDT")
    assert (usdt["free"], usdt["locked"], usdt["freeze"], usdt["withdrawing"]) == ("420.5", "0", "20", "5")
    assert sim.balances("binance", "main", "funding")["USDT"] == (Decimal("420.5"), Decimal(25))
    assert usdt["btcValuation"] == "0"
    path = "/sapi/v1/asset/get-funding-asset"
    [valued] = (await client.signed(path, "asset=BNB&needBtcValuation=true", method="POST")).json
    assert Decimal(valued["btcValuation"]) > 0


async def test_user_asset_rows(client):
    rows = (await client.signed("/sapi/v3/asset/getUserAsset", method="POST")).json
    assert next(row for row in rows if row["asset"] == "SOL")["free"] == "18.2"
    assert all(Decimal(row["free"]) + Decimal(row["locked"]) > 0 for row in rows)


async def test_wallet_balance_is_the_sum(client, sim):
    for wallet in ("spot", "funding", "earn-flexible", "earn-locked"):
        sim.set_balances("binance", "main", wallet, {})
    sim.set_price("binance", "BTCUSDT", last="80000")
    sim.set_balances("binance", "main", "spot", {"BTC": ("1", "0.5"), "USDT": ("40000", "0")})
    sim.set_balance("binance", "main", "earn-flexible", "USDT", free="8000")
    path = "/sapi/v1/asset/wallet/balance"
    rows = {row["walletName"]: row["balance"] for row in (await client.signed(path)).json}
    assert (rows["Spot"], rows["Earn"], rows["Funding"]) == ("2", "0.1", "0")
    in_usdt = (await client.signed(path, "quoteAsset=USDT&needBalanceDetail=true")).json
    assert in_usdt[0]["balance"] == "160000"
    assert in_usdt[0]["assetBalances"][0]["locked"] == "0.5"
    assert (await client.signed(path, "quoteAsset=NOPE")).status == 400


async def test_permissions(client, sim):
    path = "/sapi/v1/account/apiRestrictions"
    flags = (await client.signed(path)).json
    assert {name for name, value in flags.items() if value is True} == {"enableReading", "enableFixReadOnly"}
    sim.set_permissions("main", enableWithdrawals=True, enableTeleport=True)
    flags = (await client.signed(path)).json
    assert flags["enableWithdrawals"]
    assert flags["enableTeleport"]
    with pytest.raises(ValueError, match="no permission"):
        sim.set_permissions("main", canFly=True)


def many_positions():
    held = {f"C{number}": Holding(Decimal(number + 1)) for number in range(12)}
    account = fake_account(
        "binance", "main", {"earn-flexible": held, "earn-locked": {"DOT": Holding(Decimal(1))}}, {"C3": 4, "DOT": 3}
    )
    return SimulatorConfig(accounts={"binance": (account,)})


async def test_earn_pages(build):
    client = await build(many_positions())
    path = "/sapi/v1/simple-earn/flexible/position"
    first, second, third = [(await client.signed(path, f"current={page}")).json for page in (1, 2, 3)]
    assert (len(first["rows"]), len(second["rows"]), third["rows"]) == (10, 5, [])
    assert first["total"] == second["total"] == third["total"] == 15
    sums: dict[str, Decimal] = {}
    for row in first["rows"] + second["rows"]:
        sums[row["asset"]] = sums.get(row["asset"], Decimal(0)) + Decimal(row["totalAmount"])
    assert sums == {f"C{number}": Decimal(number + 1) for number in range(12)}
    assert len((await client.signed(path, "size=100")).json["rows"]) == 15
    for wrong in ("size=101", "size=0", "current=0", "current=x"):
        assert (await client.signed(path, wrong)).json["code"] == -1102


async def test_locked_positions_add_up(build):
    client = await build(many_positions())
    rows = (await client.signed("/sapi/v1/simple-earn/locked/position", "asset=DOT")).json["rows"]
    assert [row["amount"] for row in rows] == ["0.33333333", "0.33333333", "0.33333334"]
    assert len({row["positionId"] for row in rows}) == 3
    assert rows[0]["positionId"] > 2**53


async def test_earn_summary(client, sim):
    answer = (await client.signed("/sapi/v1/simple-earn/account")).json
    flexible, locked = Decimal(answer["totalFlexibleAmountInUSDT"]), Decimal(answer["totalLockedInUSDT"])
    assert Decimal(answer["totalAmountInUSDT"]) == flexible + locked
    assert flexible > sim.price("binance", "BTCUSDT") / 10


async def test_price_shapes(client):
    one = (await client.binance("/api/v3/ticker/price", "symbol=LDOUSDT")).json
    several = (await client.binance("/api/v3/ticker/price", "symbols=%5B%22LDOUSDT%22%5D")).json
    assert several == [one]
    assert len(one["price"].split(".")[1]) == 8
    assert len((await client.binance("/api/v3/ticker/price")).json) == 25


async def test_set_price_shows_exactly(client, sim):
    sim.set_price("binance", "BTCUSDT", last="82500.1", open_="80000")
    row = (await client.binance("/api/v3/ticker/24hr", "symbol=BTCUSDT")).json
    assert (row["lastPrice"], row["openPrice"], row["priceChange"]) == (
        "82500.10000000",
        "80000.00000000",
        "2500.10000000",
    )
    mini = (await client.binance("/api/v3/ticker/24hr", "symbol=BTCUSDT&type=MINI")).json
    assert "priceChange" not in mini
    assert mini["lastPrice"] == "82500.10000000"
    assert (await client.binance("/api/v3/ticker/bookTicker", "symbol=BTCUSDT")).json["bidPrice"] == "82500.10000000"


async def test_non_ascii_symbol(client):
    query = "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT"
    assert (await client.binance("/api/v3/ticker/price", query)).json["symbol"] == "币安人生USDT"
    assert "币安人生USDT" in (await client.binance("/api/v3/ticker/price")).text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("symbol=NOSUCH", -1121),
        ("symbols=%5B%22BTCUSDT%22,%22NOSUCH%22%5D", -1121),
        ("symbols=%5B%22BTCUSDT%22,%22BTCUSDT%22%5D", -1151),
        ("symbols=%5B%22BTCUSDT%22,%20%22ETHUSDT%22%5D", -1100),
        ("symbols=BTCUSDT", -1135),
        ("symbol=btcusdt", -1100),
        ("symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D", -1128),
        ("symbolStatus=OPEN", -1122),
        ("symbol=LUNAUSDT&symbolStatus=TRADING", -1220),
    ],
)
async def test_symbol_refusals(client, query, code):
    answer = await client.binance("/api/v3/ticker/price", query)
    assert (answer.status, answer.json["code"]) == (400, code)


async def test_halted_symbol(client):
    everything = (await client.binance("/api/v3/ticker/price")).json
    trading = (await client.binance("/api/v3/ticker/price", "symbolStatus=TRADING")).json
    assert {row["symbol"] for row in everything} - {row["symbol"] for row in trading} == {"LUNAUSDT"}


async def test_exchange_info(client):
    info = (await client.binance("/api/v3/exchangeInfo")).json
    symbols = {row["symbol"]: row for row in info["symbols"]}
    assert (symbols["币安人生USDT"]["baseAsset"], symbols["BTCTRY"]["quoteAsset"]) == ("币安人生", "TRY")
    assert symbols["LUNAUSDT"]["status"] == "HALT"
    assert symbols["BTCUSDT"]["permissions"] == []
    assert symbols["BTCUSDT"]["permissionSets"] == [["SPOT"]]
    assert not any(row["quoteAsset"] == "USD" for row in symbols.values())
    assert info["rateLimits"][0]["limit"] == 6000
    one = (await client.binance("/api/v3/exchangeInfo", "symbol=BTCUSDT&showPermissionSets=false")).json["symbols"]
    assert one == [{**symbols["BTCUSDT"], "permissionSets": []}]
    assert (await client.binance("/api/v3/exchangeInfo", "symbol=BTCUSDT&symbolStatus=TRADING")).json["code"] == -1128


async def test_paths_and_methods(client):
    assert (await client.binance("/api/v3/userDataStream", method="POST")).status == 410
    missing = await client.binance("/api/v3/nothing")
    assert (missing.status, missing.headers["content-type"]) == (404, "text/html; charset=UTF-8")
    assert (await client.binance("/api/v3/time", method="POST")).status == 405
    assert (await client.signed("/sapi/v1/asset/get-funding-asset")).status == 405
    assert (await client.binance("/sapi/v1/system/status")).json == {"status": 0, "msg": "normal"}
    assert (await client.binance("/api/v3/ping")).json == {}


async def test_testnet_has_no_sapi(build):
    client = await build(replace(demo_config(7), binance=BinanceRules(testnet=True)))
    assert (await client.signed("/sapi/v1/account/apiRestrictions")).status == 404
    assert (await client.signed(ACCOUNT)).status == 200
