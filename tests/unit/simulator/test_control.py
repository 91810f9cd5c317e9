"""The control server: the same actions as JSON, with sentences for what cannot be."""

import json

import pytest


async def test_health_and_metrics(client):
    assert (await client.control("GET", "/health")).json == {"ok": True}
    await client.binance("/api/v3/ping")
    await client.binance("/api/v3/nothing")
    metrics = (await client.control("GET", "/metrics")).text
    assert "# TYPE spark_simulator_requests_total counter" in metrics
    assert 'spark_simulator_requests_total{exchange="binance",status="200"} 1' in metrics
    assert 'spark_simulator_requests_total{exchange="binance",status="404"} 1' in metrics


async def test_put_replaces_and_patch_merges(client, sim):
    path = "/balances/binance/main/spot"
    answer = await client.control("PUT", path, {"BTC": {"free": "1", "locked": "0.5"}, "ETH": {"free": 2}})
    assert answer.json == {"BTC": {"free": "1", "locked": "0.5"}, "ETH": {"free": "2", "locked": "0"}}
    await client.control("PATCH", path, {"ETH": {"free": "0"}, "SOL": {"free": "3", "freeze": "1"}})
    assert set(sim.balances("binance", "main", "spot")) == {"BTC", "SOL"}
    assert (await client.control("GET", path)).json["SOL"] == {"free": "3", "locked": "0", "freeze": "1"}


async def test_prices(client, sim):
    body = {"BTCTRY": {"last": "3500000.5", "open": "3400000"}, "USDTTRY": "42.5"}
    assert (await client.control("PUT", "/prices/btcturk", body)).json == {"BTCTRY": "3500000.5", "USDTTRY": "42.5"}
    assert str(sim.prices("btcturk")["BTCTRY"][1]) == "3400000"


async def test_a_wrong_price_changes_nothing(client, sim):
    before = sim.prices("btcturk")
    answer = await client.control("PUT", "/prices/btcturk", {"BTCTRY": "1", "NOPE": "2"})
    assert answer.status == 404
    assert "Known: " in answer.json["error"]
    assert sim.prices("btcturk") == before


async def test_faults(client, sim):
    made = await client.control("POST", "/faults", {"exchange": "binance", "kind": "slow", "seconds": 0.25, "times": 3})
    number = made.json["id"]
    [listed] = (await client.control("GET", "/faults")).json
    assert (listed["id"], listed["kind"], listed["seconds"], listed["left"]) == (number, "slow", listed["seconds"], 3)
    assert (await client.control("DELETE", f"/faults/{number}")).status == 200
    assert (await client.control("DELETE", f"/faults/{number}")).status == 404
    await client.control("POST", "/faults", {"exchange": "btcturk", "kind": "garbage"})
    await client.control("DELETE", "/faults")
    assert sim.faults() == []


async def test_requests(client, sim):
    await client.signed("/api/v3/account", "omitZeroBalances=true")
    await client.btcturk("/api/v2/ticker?pairSymbol=BTCTRY")
    rows = (await client.control("GET", "/requests?exchange=binance")).json
    assert len(rows) == 1
    assert (rows[0]["path"], rows[0]["account"], rows[0]["status"]) == ("/api/v3/account", "main", 200)
    assert "signature" not in rows[0]["query"]
    assert rows[0]["query"].startswith("omitZeroBalances=true&timestamp=")
    seen = sim.requests()
    assert [one.exchange for one in seen] == ["binance", "btcturk"]
    assert seen[0].at <= seen[1].at
    await client.control("DELETE", "/requests")
    assert sim.requests() == []


async def test_clock_keys_permissions_and_limits(client, sim):
    assert (await client.control("PUT", "/clock/binance", {"offset_ms": -7000})).json == {"offset_ms": -7000}
    assert (await client.signed("/api/v3/account")).json["code"] == -1021
    await client.control("PUT", "/clock/binance", {"offset_ms": 0})
    await client.control("PUT", "/keys/binance/main", {"valid": False})
    assert sim.revoked("binance") == ["main"]
    await client.control("PUT", "/keys/binance/main", {"valid": True})
    flags = (await client.control("PUT", "/permissions/main", {"enableWithdrawals": True})).json
    assert flags["enableWithdrawals"] is True
    assert (await client.control("DELETE", "/limits")).status == 200
    assert (await client.binance("/api/v3/ping")).headers["x-mbx-used-weight"] == "1"


async def test_walk_and_step(client, sim):
    before = sim.prices("binance")
    await client.control("POST", "/step")
    assert sim.prices("binance") != before
    assert (await client.control("POST", "/walk", {"running": True})).json == {"running": True}
    assert sim.walking
    await client.control("POST", "/walk", {"running": False})
    assert not sim.walking


async def test_state_tells_everything_but_secrets(client, sim):
    answer = await client.control("GET", "/state")
    state = answer.json
    assert state["exchanges"]["binance"]["url"] == sim.binance_url
    assert state["exchanges"]["btcturk"]["balances"]["main"]["spot"]["AVAX"]["free"] == "14.1234567890123456"
    assert state["permissions"]["main"]["enableReading"] is True
    for accounts in sim.config.accounts.values():
        for one in accounts:
            assert one.api_secret not in answer.text
            assert one.api_key not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("PUT", "/balances/kraken/main/spot", {}, 404, "Known: binance, btcturk"),
        ("PUT", "/balances/binance/other/spot", {}, 404, "Known: main"),
        ("PUT", "/balances/btcturk/main/funding", {}, 404, "Known: spot"),
        ("PUT", "/balances/binance/main/spot", {"BTC": "1"}, 400, "BTC is not a row"),
        ("PUT", "/balances/binance/main/spot", {"BTC": {"free": "x"}}, 400, "BTC free is 'x'"),
        ("PUT", "/balances/binance/main/spot", {"BTC": {"free": "-1"}}, 400, "from 0 to 1e30"),
        ("PUT", "/balances/binance/main/spot", {"BTC": {"free": "0.123456789"}}, 400, "at most 8 decimals"),
        ("PUT", "/balances/binance/main/spot", {"BTC": {"free": "1", "fee": "2"}}, 400, "unknown field 'fee'"),
        ("PUT", "/balances/binance/main/spot", [], 400, "not a JSON object"),
        ("PUT", "/prices/binance", {"BTCUSDT": {"open": "1"}}, 400, 'has no "last"'),
        ("POST", "/faults", {"exchange": "binance"}, 400, "no kind"),
        ("POST", "/faults", {"exchange": "binance", "kind": "magic"}, 404, "garbage"),
        ("POST", "/faults", {"exchange": "binance", "kind": "slow", "secs": 1}, 400, "unknown field 'secs'"),
        ("POST", "/faults", {"exchange": "binance", "kind": "slow", "seconds": "1"}, 400, "seconds is '1'"),
        ("DELETE", "/faults/abc", None, 404, "fault named 'abc'"),
        ("DELETE", "/faults?exchange=kraken", None, 404, "Known: binance, btcturk"),
        ("GET", "/requests?exchange=kraken", None, 404, "Known: binance, btcturk"),
        ("PUT", "/clock/binance", {"offset_ms": "1"}, 400, "whole number"),
        ("PUT", "/clock/binance", {"offset_ms": 10**15}, 400, "at most a year"),
        ("PUT", "/permissions/main", {"enableReading": 1}, 400, "true or false"),
        ("PUT", "/keys/binance/main", {}, 400, "valid is None"),
        ("GET", "/nothing", None, 404, "not served here"),
    ],
)
async def test_bad_input_is_told(client, sim, method, path, body, status, says):
    before = sim.balances("binance", "main", "spot")
    answer = await client.control(method, path, body)
    assert answer.status == status
    assert says in answer.json["error"]
    assert sim.balances("binance", "main", "spot") == before


async def test_only_programs_on_this_machine(client):
    foreign = await client.control("GET", "/health", headers={"Host": "evil.example:80"})
    assert (foreign.status, list(foreign.json)) == (421, ["error"])
    assert (await client.control("GET", "/health", headers={"Host": "localhost"})).status == 200
    assert (await client.control("POST", "/step", headers={"Origin": "https://evil.example"})).status == 403
    form = await client.control(
        "POST", "/walk", data=json.dumps({"running": True}), headers={"Content-Type": "text/plain"}
    )
    assert form.status == 415
    assert not client.sim.walking
