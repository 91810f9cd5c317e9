"""BTCTurk: signing, nonces, blocks, windows, and how it writes numbers."""

import json
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from simulator import BtcturkRules, demo_config
from simulator.btcturk.signing import signature
from simulator.config import Window
from tests.unit.simulator.client import sign_btcturk

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BALANCES = "/api/v1/users/balances"


async def ruled(build, clock=None, **rules):
    return await build(replace(demo_config(7), btcturk=BtcturkRules(**rules)), clock)


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("1790000000000", "C+L0XavPEHMZZgmldLr63EnhdCP/Kuu2wefgEIiaNYI="),
        ("3000", "De90nsrhm1wGXs16XQvEa4Vci73qINwdO3dZa1j/CQs="),
    ],
)
def test_signature_vectors(stamp, expected):
    assert signature(SECRET, "key", stamp) == expected


async def test_good_call(client, sim):
    answer = await client.balances()
    assert answer.status == 200
    assert {name: answer.json[name] for name in ("success", "message", "code")} == {
        "success": True,
        "message": None,
        "code": 0,
    }
    rows = {row["asset"]: row for row in answer.json["data"]}
    assert rows["TRY"]["balance"] == "27223,7283250757643288"
    assert rows["TRY"]["assetname"] == "Türk Lirası"
    assert rows["LTC"]["balance"] == "0"
    assert len(rows) > 50
    truth = sim.balances("btcturk", "main", "spot")
    for code, (free, locked) in truth.items():
        row = {name: Decimal(rows[code][name].replace(",", ".")) for name in ("free", "locked", "balance")}
        assert (row["free"], row["locked"], row["balance"]) == (free, locked, free + locked)


async def test_locked_is_orders_and_requests(client):
    usdt = next(row for row in (await client.balances()).json["data"] if row["asset"] == "USDT")
    assert (usdt["orderFund"], usdt["requestFund"], usdt["locked"]) == ("0", "25", "25")
    assert abs(usdt["timestamp"] - time.time() * 1000) < 5000


@pytest.mark.parametrize(("style", "commas"), [("comma", {True}), ("point", {False}), ("mixed", {True, False})])
async def test_decimal_styles(build, style, commas):
    client = await ruled(build, decimal_style=style)
    frees = [row["free"] for row in (await client.balances()).json["data"]]
    assert {"," in text for text in frees if "," in text or "." in text} == commas


def unauthorised(reason):
    return {"success": True, "message": f"Unauthorized - {reason}", "code": 1037}


async def test_nonce_is_used_once(client):
    headers = client.btcturk_headers()
    assert (await client.btcturk(BALANCES, headers=headers)).status == 200
    again = await client.btcturk(BALANCES, headers=headers)
    assert (again.status, again.json) == (401, unauthorised("Invalid Nonce"))


@pytest.mark.parametrize(("offset", "status"), [(5000, 200), (-5000, 200), (5001, 401), (-5001, 401)])
async def test_nonce_window(build, clock, offset, status):
    client = await build(wall=clock)
    answer = await client.balances(stamp=int(clock.now * 1000) + offset)
    assert answer.status == status
    if status == 401:
        assert answer.json == unauthorised("Invalid Nonce")


async def test_clock_offset(client, sim):
    sim.set_clock_offset("btcturk", 30_000)
    assert (await client.balances()).json == unauthorised("Invalid Nonce")
    told = (await client.btcturk("/api/v2/server/time")).json["serverTime"]
    assert (await client.balances(stamp=told)).status == 200


async def test_reasons(client, sim):
    assert (await client.btcturk(BALANCES)).json == unauthorised("Headers are missing")
    assert (await client.balances(secret=SECRET)).json == unauthorised("Invalid Signature")
    assert (await client.btcturk(BALANCES, headers={**client.btcturk_headers(), "X-PCK": "nobody"})).json == (
        unauthorised("Invalid Public/Private key")
    )
    assert (await client.btcturk(BALANCES, headers={**client.btcturk_headers(), "X-Stamp": "soon"})).json == (
        unauthorised("Invalid Nonce")
    )
    sim.revoke("btcturk", "main")
    assert (await client.balances()).status == 401
    sim.restore("btcturk", "main")
    assert (await client.balances()).status == 200


async def test_refused_stamp_is_not_used_up(client):
    headers = client.btcturk_headers()
    await client.btcturk(BALANCES, headers={**headers, "X-Signature": "d3Jvbmc="})
    assert (await client.btcturk(BALANCES, headers=headers)).status == 200


async def test_fifty_failures_block_the_address(build, clock):
    client = await ruled(build, clock, address_block_seconds=600)
    good = int(clock.now * 1000)
    for _ in range(49):
        assert (await client.btcturk(BALANCES)).status == 401
    assert (await client.balances(stamp=good)).status == 200  # one good call ends the row
    for _ in range(50):
        assert (await client.btcturk(BALANCES)).status == 401
    for path in (BALANCES, "/api/v2/ticker", "/api/v2/server/time"):
        assert (await client.btcturk(path)).status == 403
    clock.now += 601
    assert (await client.btcturk("/api/v2/ticker")).status == 200


async def test_window_starts_with_the_first_request(build, clock):
    client = await ruled(build, clock, windows={"/api/v2/ticker": Window(limit=2)})
    clock.now += 37
    assert [(await client.btcturk("/api/v2/ticker")).status for _ in range(2)] == [200, 200]
    clock.now += 50
    refused = await client.btcturk("/api/v2/ticker")
    assert (refused.status, refused.headers["retry-after"]) == (429, "60")
    assert refused.json["success"] is False
    clock.now += 55
    refused = await client.btcturk("/api/v2/ticker")
    assert (refused.status, refused.headers["retry-after"]) == (429, "5")
    assert (await client.btcturk("/api/v2/server/time")).status == 200  # another endpoint
    clock.now += 5
    assert [(await client.btcturk("/api/v2/ticker")).status for _ in range(3)] == [200, 200, 429]


async def test_window_ends(build, clock):
    client = await ruled(build, clock, windows={"/api/v2/ticker": Window(limit=1)})
    for _ in range(3):
        assert (await client.btcturk("/api/v2/ticker")).status == 200
        clock.now += 60


async def test_documented_windows():
    assert {path: one.limit for path, one in BtcturkRules().windows.items()} == {
        "/api/v1/users/balances": 120,
        "/api/v2/ticker": 600,
    }


async def test_server_time_has_no_envelope(build, clock):
    client = await build(wall=clock)
    clock.now = 1_613_313_462.021
    answer = (await client.btcturk("/api/v2/server/time")).json
    assert answer["serverTime"] in {1_613_313_462_021, 1_613_313_462_020}
    assert answer["serverTime2"].startswith("2021-02-14T14:37:42.02")


async def test_ticker_numbers_are_exact(client, sim):
    sim.set_price("btcturk", "BTCTRY", last="3465469.123456789012345678", open_="3400000.10")
    answer = await client.btcturk("/api/v2/ticker?pairSymbol=BTCTRY")
    assert '"last":3465469.123456789012345678,' in answer.text
    assert '"open":3400000.1,' in answer.text
    [row] = json.loads(answer.body, parse_float=Decimal)["data"]
    assert row["last"] == Decimal("3465469.123456789012345678")


async def test_ticker_shapes(client):
    plain, spaced = [(await client.btcturk(f"/api/v2/ticker?pairSymbol={one}")).json for one in ("BTCUSDT", "BTC_USDT")]
    assert [row["pair"] for row in plain["data"]] == [row["pair"] for row in spaced["data"]] == ["BTCUSDT"]
    row = plain["data"][0]
    assert (row["pairNormalized"], row["numeratorSymbol"], row["denominatorSymbol"]) == ("BTC_USDT", "BTC", "USDT")
    assert len((await client.btcturk("/api/v2/ticker")).json["data"]) == 24
    currency = (await client.btcturk("/api/v2/ticker/currency?symbol=usdt")).json["data"]
    assert "USDTTRY" in {one["pair"] for one in currency}
    assert (await client.btcturk("/api/v2/ticker?pairSymbol=NOSUCH")).status == 404


async def test_exchange_info(client):
    info = (await client.btcturk("/api/v2/server/exchangeinfo")).json["data"]
    row = next(one for one in info["symbols"] if one["name"] == "AVAXTRY")
    assert (row["numerator"], row["denominator"], row["status"]) == ("AVAX", "TRY", "TRADING")


async def test_paths_and_methods(client):
    assert (await client.btcturk("/api/v2/nothing")).status == 404
    assert (await client.btcturk(BALANCES, method="POST")).status == 405


async def test_own_signer_agrees(client):
    one = client.sim.config.account("btcturk", "main")
    assert sign_btcturk(one.api_secret, one.api_key, 7) == signature(one.api_secret, one.api_key, "7")
