"""Binance: weights, their headers, 429, and bans."""

from dataclasses import replace

import pytest

from simulator import BinanceRules, demo_config

START = 1_790_000_000  # 20 s into a minute


async def limited(build, clock, **rules):
    return await build(replace(demo_config(7), binance=BinanceRules(**rules)), clock)


@pytest.mark.parametrize(
    ("path", "query", "weight"),
    [
        ("/api/v3/ping", "", 1),
        ("/api/v3/time", "", 1),
        ("/api/v3/exchangeInfo", "symbol=BTCUSDT", 20),
        ("/api/v3/ticker/price", "", 4),
        ("/api/v3/ticker/price", "symbol=BTCUSDT", 2),
        ("/api/v3/ticker/price", "symbols=%5B%22BTCUSDT%22%5D", 4),
        ("/api/v3/ticker/bookTicker", "", 4),
        ("/api/v3/ticker/24hr", "", 80),
        ("/api/v3/ticker/24hr", "symbol=BTCUSDT", 2),
        ("/api/v3/ticker/24hr", "symbols=%5B%22BTCUSDT%22,%22ETHUSDT%22%5D", 2),
        ("/api/v3/ticker/price", "symbol=NOSUCH", 2),
    ],
)
async def test_api_weights(client, path, query, weight):
    answer = await client.binance(path, query)
    assert answer.headers["x-mbx-used-weight"] == answer.headers["x-mbx-used-weight-1m"] == str(weight)
    assert "x-sapi-used-ip-weight-1m" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "weight"),
    [
        ("POST", "/sapi/v1/asset/get-funding-asset", 1),
        ("POST", "/sapi/v3/asset/getUserAsset", 5),
        ("GET", "/sapi/v1/asset/wallet/balance", 60),
        ("GET", "/sapi/v1/account/apiRestrictions", 1),
        ("GET", "/sapi/v1/simple-earn/flexible/position", 150),
        ("GET", "/sapi/v1/simple-earn/locked/position", 150),
        ("GET", "/sapi/v1/simple-earn/account", 150),
    ],
)
async def test_sapi_weights(client, method, path, weight):
    answer = await client.signed(path, method=method)
    assert answer.status == 200
    assert answer.headers["x-sapi-used-ip-weight-1m"] == str(weight)
    assert "x-mbx-used-weight" not in answer.headers


async def test_refused_call_costs_its_weight(client):
    answer = await client.signed("/api/v3/account", timestamp=1)
    assert (answer.json["code"], answer.headers["x-mbx-used-weight-1m"]) == (-1021, "20")
    assert (await client.binance("/api/v3/ping")).headers["x-mbx-used-weight-1m"] == "21"


async def test_too_many_then_a_new_minute(build, clock):
    client = await limited(build, clock, weight_per_minute=3)
    for _ in range(3):
        assert (await client.binance("/api/v3/ping")).status == 200
    refused = await client.binance("/api/v3/ping")
    assert refused.status == 429
    assert refused.json["code"] == -1003
    assert "current limit is 3 request weight per 1 MINUTE" in refused.json["msg"]
    assert refused.headers["retry-after"] == str(60 - START % 60)
    assert refused.headers["x-mbx-used-weight-1m"] == "4"
    clock.now += 60 - START % 60 - 0.001
    assert (await client.binance("/api/v3/ping")).status == 429
    clock.now += 0.002
    assert (await client.binance("/api/v3/ping")).headers["x-mbx-used-weight-1m"] == "1"


async def test_sapi_endpoints_have_minutes_of_their_own(build, clock):
    client = await limited(build, clock, sapi_weight_per_minute=200, refusals_before_ban=1)
    stamp = int(clock.now * 1000)
    path = "/sapi/v1/simple-earn/flexible/position"
    statuses = [(await client.signed(path, timestamp=stamp)).status for _ in range(6)]
    assert statuses == [200, 429, 429, 429, 429, 429]  # never a ban
    assert (await client.signed("/sapi/v1/simple-earn/locked/position", timestamp=stamp)).status == 200
    assert (await client.binance("/api/v3/ping")).status == 200


async def test_ban_escalates(build, clock):
    client = await limited(build, clock, weight_per_minute=1, refusals_before_ban=2, longest_ban_seconds=300)
    waits = []
    for _ in range(3):
        clock.now += 60
        statuses = [(await client.binance("/api/v3/ping")).status for _ in range(3)]
        assert statuses == [200, 429, 429]
        banned = await client.binance("/api/v3/ping")
        assert (banned.status, banned.json["code"]) == (418, -1003)
        waits.append(int(banned.headers["retry-after"]))
        until = int(clock.now * 1000) + waits[-1] * 1000
        assert f"IP banned until {until}" in banned.json["msg"]
        clock.now += waits[-1] - 1
        assert (await client.binance("/sapi/v1/system/status")).status == 418
    assert waits == [120, 240, 300]


async def test_limits_can_be_forgotten(build, clock):
    client = await limited(build, clock, weight_per_minute=1, refusals_before_ban=0)
    await client.binance("/api/v3/ping")
    assert (await client.binance("/api/v3/ping")).status == 418
    client.sim.clear_limits("binance")
    assert (await client.binance("/api/v3/ping")).status == 200
