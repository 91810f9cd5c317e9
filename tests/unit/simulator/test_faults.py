"""Every kind of fault does what it says, to the calls it is for, and to no other exchange."""

import asyncio
import json
import time
from decimal import Decimal

import aiohttp
import pytest

from simulator import KINDS, Fault, UnknownNameError
from tests.unit.simulator.client import until

ACCOUNT = "/api/v3/account"
PRICES = "/api/v3/ticker/price"


def reads(answer):
    """Whether the body is the JSON of a success."""
    try:
        content = answer.json
    except ValueError:
        return False
    return answer.status == 200 and bool(content) and not (isinstance(content, dict) and content.get("code"))


@pytest.mark.parametrize("kind", ["rate_limited", "banned"])
async def test_told_to_wait(client, sim, kind):
    sim.inject(Fault("binance", kind, retry_after=7))
    answer = await client.binance(PRICES)
    assert answer.status == {"rate_limited": 429, "banned": 418}[kind]
    assert (answer.headers["retry-after"], answer.json["code"]) == ("7", -1003)
    assert answer.headers["x-mbx-used-weight-1m"] == "4"


async def test_btcturk_rate_limited_and_banned(client, sim):
    sim.inject(Fault("btcturk", "rate_limited", times=1))
    answer = await client.btcturk("/api/v2/ticker")
    assert (answer.status, answer.headers["retry-after"]) == (429, "5")
    sim.inject(Fault("btcturk", "banned"))
    assert (await client.btcturk("/api/v2/ticker")).status == 403


@pytest.mark.parametrize(
    ("exchange", "status", "body"),
    [
        ("binance", 500, {"code": -1001, "msg": "Internal error; unable to process your request. Please try again."}),
        ("binance", 401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}),
        ("btcturk", 500, {"success": False, "message": "INTERNAL_ERROR", "code": 500}),
        ("btcturk", 401, {"success": True, "message": "Unauthorized - Invalid Request", "code": 1037}),
    ],
)
async def test_status_with_the_typical_body(client, sim, exchange, status, body):
    sim.inject(Fault(exchange, "status", status=status))
    answer = await (client.binance(PRICES) if exchange == "binance" else client.btcturk("/api/v2/ticker"))
    assert (answer.status, answer.json) == (status, body)


async def test_status_with_a_given_body(client, sim):
    sim.inject(Fault("binance", "status", status=502, body="<h1>no</h1>", retry_after=3))
    answer = await client.binance(PRICES)
    assert (answer.status, answer.body) == (502, b"<h1>no</h1>")


async def test_blocked(client, sim):
    number = sim.inject(Fault("binance", "blocked"))
    legal = await client.binance(PRICES)
    assert (legal.status, legal.json["code"]) == (451, 0)
    sim.clear_fault(number)
    sim.inject(Fault("binance", "blocked", status=403))
    firewall = await client.binance(PRICES)
    assert (firewall.status, firewall.headers["content-type"]) == (403, "text/html; charset=UTF-8")


async def test_hang_ends_when_the_client_leaves(client, sim):
    sim.inject(Fault("binance", "hang"))
    with pytest.raises(TimeoutError):
        await client.binance(PRICES, timeout=aiohttp.ClientTimeout(total=0.1))
    await until(sim.request_counts)  # counted when the handler has ended
    [seen] = sim.requests()
    assert (seen.status, seen.fault, sim.request_counts()) == (None, 1, {("binance", "none"): 1})


async def test_slow_answers_late(client, sim):
    sim.inject(Fault("binance", "slow", seconds=0.15))
    began = time.monotonic()
    assert reads(await client.binance(PRICES))
    assert time.monotonic() - began >= 0.15


async def test_close_cuts_the_body(client, sim):
    sim.inject(Fault("binance", "close"))
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.binance(PRICES)
    assert sim.requests()[0].status == 200


async def test_reset_sends_nothing(client, sim):
    sim.inject(Fault("binance", "reset"))
    with pytest.raises((ConnectionResetError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await client.binance(PRICES)
    assert {seen.status for seen in sim.requests()} == {None}


async def test_reset_is_a_real_reset(sim):
    sim.inject(Fault("binance", "reset"))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sim.binance_url.rpartition(":")[2]))
    writer.write(b"GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_not_json(client, sim):
    for kind in ("garbage", "html"):
        number = sim.inject(Fault("binance", kind))
        answer = await client.binance(PRICES)
        assert answer.status == 200
        assert not reads(answer)
        sim.clear_fault(number)


async def test_truncated_is_a_prefix_of_announced_length(client, sim):
    whole = await client.binance("/api/v3/exchangeInfo", "symbol=BTCUSDT")
    sim.inject(Fault("binance", "truncated"))
    answer = await client.binance("/api/v3/exchangeInfo", "symbol=BTCUSDT")
    assert not reads(answer)
    assert int(answer.headers["content-length"]) == len(answer.body) == len(whole.body) // 2


async def test_half_of_the_rows(client, sim):
    whole = (await client.signed(ACCOUNT)).json["balances"]
    sim.inject(Fault("binance", "half"))
    assert (await client.signed(ACCOUNT)).json["balances"] == whole[: len(whole) // 2]
    assert len((await client.binance("/api/v3/exchangeInfo")).json["symbols"]) == 12


async def test_empty_keeps_the_shape(client, sim):
    sim.inject(Fault("binance", "empty"))
    account = (await client.signed(ACCOUNT)).json
    assert (account["balances"], account["accountType"]) == ([], "SPOT")
    assert (await client.signed("/sapi/v1/asset/get-funding-asset", method="POST")).json == []
    assert (await client.signed("/sapi/v1/simple-earn/locked/position")).json == {"rows": [], "total": 0}
    sim.inject(Fault("btcturk", "empty"))
    assert (await client.balances()).json == {"data": [], "success": True, "message": None, "code": 0}


async def test_zeros(client, sim):
    sim.inject(Fault("binance", "zeros"))
    sim.inject(Fault("btcturk", "zeros"))
    rows = (await client.signed(ACCOUNT, "omitZeroBalances=true")).json["balances"]
    assert rows
    assert all(row["free"] == row["locked"] == "0" for row in rows)
    turkish = (await client.balances()).json["data"]
    assert all(row["balance"] == row["free"] == "0" for row in turkish)
    assert all(row["last"] == 0 for row in (await client.btcturk("/api/v2/ticker")).json["data"])


async def test_oversized(client, sim):
    sim.inject(Fault("binance", "oversized"))
    assert len((await client.binance(PRICES)).body) > 20_000_000


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("nan", '"free":"NaN"'),
        ("negative", '"free":"-1.00000000"'),
        ("huge", '"free":"1e999"'),
        ("wrong_type", '"free":{"value":"0.41250000"}'),
    ],
)
async def test_one_bad_amount(client, sim, kind, expected):
    sim.inject(Fault("binance", kind))
    answer = await client.signed(ACCOUNT, "omitZeroBalances=true")
    assert answer.text.count(expected) == 1
    assert reads(answer)


async def test_bad_number_among_numbers(client, sim):
    sim.inject(Fault("btcturk", "nan"))
    assert '"last":NaN' in (await client.btcturk("/api/v2/ticker")).text


async def test_duplicate_keys(client, sim):
    sim.inject(Fault("binance", "duplicate_keys"))
    answer = await client.signed(ACCOUNT, "omitZeroBalances=true")
    objects: list[list[tuple[str, object]]] = []
    json.loads(answer.body, object_pairs_hook=objects.append)
    [twice] = [pairs for pairs in objects if len(dict(pairs)) < len(pairs)]
    assert [value for name, value in twice if name == "free"] == ["0.41250000", "999999"]


async def test_missing_field(client, sim):
    sim.inject(Fault("binance", "missing_field"))
    rows = (await client.signed(ACCOUNT, "omitZeroBalances=true")).json["balances"]
    assert [row["asset"] for row in rows if "free" not in row] == ["BTC"]


async def test_error_in_a_success(client, sim):
    sim.inject(Fault("binance", "error_200"))
    sim.inject(Fault("btcturk", "error_200"))
    binance, btcturk = await client.binance(PRICES), await client.btcturk("/api/v2/ticker")
    assert (binance.status, binance.json["code"]) == (200, -1000)
    assert (btcturk.status, btcturk.json["success"]) == (200, False)


async def test_redirect(client, sim):
    sim.inject(Fault("binance", "redirect"))
    answer = await client.binance(PRICES)
    assert (answer.status, answer.headers["location"]) == (302, "http://127.0.0.1:9/")


async def test_deep(client, sim):
    sim.inject(Fault("binance", "deep"))
    assert (await client.binance(PRICES)).body.startswith(b"[" * 100_000 + b"]")


async def test_page_fail_spares_the_first_page(client, sim):
    sim.inject(Fault("binance", "page_fail", times=1))
    path = "/sapi/v1/simple-earn/flexible/position"
    statuses = [(await client.signed(path, f"current={page}")).status for page in (1, 2, 2)]
    assert statuses == [200, 500, 200]


async def test_a_refused_call_is_not_spoilt(client, sim):
    sim.inject(Fault("binance", "zeros"))
    assert (await client.signed(ACCOUNT, secret="wrong")).json["code"] == -1022


async def test_a_fault_spends_the_nonce(client, sim):
    headers = client.btcturk_headers()
    sim.inject(Fault("btcturk", "status", status=500, times=1))
    assert (await client.btcturk("/api/v1/users/balances", headers=headers)).status == 500
    assert (await client.btcturk("/api/v1/users/balances", headers=headers)).status == 401


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_exchanges_are_apart(client, sim, kind):
    sim.inject(Fault("binance", kind))
    assert reads(await client.btcturk("/api/v2/server/time"))
    assert (await client.balances()).status == 200


async def test_aim(client, sim):
    sim.inject(Fault("binance", "status", path="/api/v3/ticker/*", method="GET"))
    sim.inject(Fault("binance", "status", path=ACCOUNT, account="main", status=503))
    assert (await client.binance("/api/v3/time")).status == 200
    assert (await client.binance(PRICES)).status == 500
    assert (await client.signed(ACCOUNT)).status == 503
    assert (await client.binance(ACCOUNT)).json["code"] == -2014  # no key, no account
    with pytest.raises(UnknownNameError, match=r"binance account named 'other'. Known: main"):
        sim.inject(Fault("binance", "status", account="other"))


async def test_times_and_order(client, sim):
    sim.inject(Fault("binance", "status", times=2, status=500))
    sim.inject(Fault("binance", "status", times=1, status=503))
    assert [(await client.binance(PRICES)).status for _ in range(4)] == [500, 500, 503, 200]
    assert sim.faults() == []


async def test_probability_is_seeded(build):
    runs = []
    for _ in range(2):
        client = await build()
        client.sim.inject(Fault("binance", "status", probability=0.5))
        runs.append([(await client.binance("/api/v3/ping")).status for _ in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


async def test_clearing(client, sim):
    sim.inject(Fault("binance", "garbage"))
    sim.inject(Fault("btcturk", "garbage"))
    sim.clear_faults("binance")
    assert [fault.exchange for _, fault, _ in sim.faults()] == ["btcturk"]
    sim.clear_faults()
    assert reads(await client.btcturk("/api/v2/ticker"))
    with pytest.raises(UnknownNameError):
        sim.clear_fault(1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"exchange": "kraken"},
        {"kind": "magic"},
        {"times": 0},
        {"probability": 0},
        {"probability": 1.5},
        {"status": 99},
        {"seconds": -1},
        {"retry_after": -1},
        {"path": 7},
    ],
)
def test_wrong_faults(wrong):
    with pytest.raises((ValueError, UnknownNameError), match=str(next(iter(wrong.values())))):
        Fault(**{"exchange": "binance", "kind": "status", **wrong})


def test_amounts_survive_a_mutation():
    # A mutated body is read and written again; digits must not change on the way.
    from simulator.jsontext import exact, load

    text = '{"last":3465469.123456789012345678,"n":1,"s":"0.10","t":[true,null,{}]}'
    assert exact(load(text.encode())) == text
    assert exact(Decimal("1E+3")) == "1000"
