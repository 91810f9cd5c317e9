"""Binance: keys, signatures, timing, and parameters nobody may send."""

import time

import pytest

from simulator.binance.signing import signature, signed_payload
from tests.unit.simulator.client import sign_binance

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
ACCOUNT = "/api/v3/account"


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        (
            "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
    ],
)
def test_official_vectors(symbol, expected):
    # Source: Binance spot docs, rest-api.md, "SIGNED Endpoint Examples".
    query = f"symbol={symbol}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
    payload = f"{query}&timestamp=1499827319559"
    assert signature(SECRET, signed_payload(f"{payload}&signature={expected}", b"")) == expected
    # Query and body are joined without a separator.
    head, tail = payload[:40], payload[40:]
    assert signature(SECRET, signed_payload(head, f"{tail}&signature={expected}".encode())) == expected


async def test_good_call(client):
    answer = await client.signed(ACCOUNT, "omitZeroBalances=true")
    assert answer.status == 200
    assert answer.json["balances"][0] == {"asset": "BTC", "free": "0.41250000", "locked": "0.05000000"}


async def test_upper_case_signature(client):
    one = client.sim.config.account("binance", "main")
    query = f"timestamp={round(time.time() * 1000)}"
    signed = f"{query}&signature={sign_binance(one.api_secret, query).upper()}"
    assert (await client.binance(ACCOUNT, signed, headers={"X-MBX-APIKEY": one.api_key})).status == 200


async def test_body_is_signed(client):
    one = client.sim.config.account("binance", "main")
    query, body = "asset=USDT", f"timestamp={round(time.time() * 1000)}"
    headers = {"X-MBX-APIKEY": one.api_key, "Content-Type": "application/x-www-form-urlencoded"}
    path = "/sapi/v1/asset/get-funding-asset"
    good = f"{body}&signature={sign_binance(one.api_secret, query + body)}"
    bad = f"{body}&signature={sign_binance(one.api_secret, query + '&' + body)}"
    assert (await client.binance(path, query, "POST", headers=headers, data=good)).json[0]["asset"] == "USDT"
    assert (await client.binance(path, query, "POST", headers=headers, data=bad)).json["code"] == -1022


async def test_signature_covers_raw_bytes(client):
    one = client.sim.config.account("binance", "main")
    query = f"timestamp={round(time.time() * 1000)}&asset=%e5%b8%81"
    other = query.replace("%e5%b8%81", "%E5%B8%81")
    headers = {"X-MBX-APIKEY": one.api_key}
    path = "/sapi/v1/asset/get-funding-asset"
    good = await client.binance(
        path, f"{query}&signature={sign_binance(one.api_secret, query)}", "POST", headers=headers
    )
    bad = await client.binance(
        path, f"{query}&signature={sign_binance(one.api_secret, other)}", "POST", headers=headers
    )
    assert (good.status, bad.json["code"]) == (200, -1022)


@pytest.mark.parametrize(
    ("kwargs", "status", "code"),
    [
        ({"secret": "wrong"}, 400, -1022),
        ({"key": "A" * 64}, 401, -2008),
        ({"key": "short"}, 401, -2014),
    ],
)
async def test_wrong_credentials(client, kwargs, status, code):
    answer = await client.signed(ACCOUNT, **kwargs)
    assert (answer.status, answer.json["code"]) == (status, code)


async def test_no_key(client):
    answer = await client.binance(ACCOUNT, "timestamp=1&signature=ab")
    assert (answer.status, answer.json) == (401, {"code": -2014, "msg": "API-key format invalid."})


async def test_revoked_and_restored(client):
    client.sim.revoke("binance", "main")
    refused = await client.signed(ACCOUNT)
    assert (refused.status, refused.json["code"]) == (401, -2015)
    client.sim.restore("binance", "main")
    assert (await client.signed(ACCOUNT)).status == 200


async def test_no_reading_permission(client):
    client.sim.set_permissions("main", enableReading=False)
    assert (await client.signed(ACCOUNT)).json["code"] == -2015


@pytest.mark.parametrize("missing", ["timestamp", "signature"])
async def test_mandatory_parameters(client, missing):
    query = {"timestamp": "signature=abc", "signature": f"timestamp={round(time.time() * 1000)}"}[missing]
    key = client.sim.config.account("binance", "main").api_key
    answer = await client.binance(ACCOUNT, query, headers={"X-MBX-APIKEY": key})
    assert answer.status == 400
    text = f"Mandatory parameter '{missing}' was not sent, was empty/null, or malformed."
    assert answer.json == {"code": -1102, "msg": text}


@pytest.mark.parametrize(
    ("offset", "window", "code"),
    [
        (999, "", 0),
        (1000, "", -1021),
        (-5000, "", 0),
        (-5001, "", -1021),
        (-9000, "recvWindow=10000", 0),
        (-60_000, "recvWindow=60000", 0),
        (-100, "recvWindow=99.5", -1021),
        (-100, "recvWindow=100.123", 0),
        (0, "recvWindow=60001", -1131),
        (0, "recvWindow=abc", -1102),
    ],
)
async def test_timing(build, clock, offset, window, code):
    client = await build(wall=clock)
    answer = await client.signed(ACCOUNT, window, timestamp=int(clock.now * 1000) + offset)
    assert answer.json.get("code", 0) == code


async def test_timing_messages(client):
    now = round(time.time() * 1000)
    fast = await client.signed(ACCOUNT, timestamp=now + 10_000)
    slow = await client.signed(ACCOUNT, timestamp=now - 10_000)
    assert fast.json["msg"] == "Timestamp for this request was 1000ms ahead of the server's time."
    assert slow.json["msg"] == "Timestamp for this request is outside of the recvWindow."


async def test_clock_offset_moves_the_window(client):
    client.sim.set_clock_offset("binance", -7000)
    assert (await client.signed(ACCOUNT)).json["code"] == -1021
    told = (await client.binance("/api/v3/time")).json["serverTime"]
    assert (await client.signed(ACCOUNT, timestamp=told)).status == 200


async def test_microsecond_timestamp(client):
    assert (await client.signed(ACCOUNT, timestamp=round(time.time() * 1_000_000))).status == 200


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/api/v3/ticker/price", "symbol=BTCUSDT&symbol=ETHUSDT", -1101),
        ("/api/v3/ticker/price", "symbol=", -1105),
        ("/api/v3/ticker/price", "symbol", -1105),
        ("/api/v3/ticker/price", "colour=red", -1104),
        ("/api/v3/time", "now=1", -1104),
    ],
)
async def test_parameter_refusals(client, path, query, code):
    answer = await client.binance(path, query)
    assert (answer.status, answer.json["code"]) == (400, code)


async def test_signed_parameter_refusals(client):
    assert (await client.signed(ACCOUNT, "wrong=1")).json["code"] == -1104
    assert (await client.signed(ACCOUNT, "omitZeroBalances=maybe")).json["code"] == -1102
    assert (await client.signed(ACCOUNT, "omitZeroBalances=")).json["code"] == -1105
