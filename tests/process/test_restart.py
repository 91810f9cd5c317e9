"""The last known balances outlive a killed process, and are shown as what they are: old."""

import datetime as dt
import re
from decimal import Decimal

import aiohttp


async def simulator_settings(sim) -> dict[str, str]:
    """The env lines that the simulator prints."""
    return dict(line.split("=", 1) for line in sim.out.splitlines() if re.match(r"[A-Z_0-9]+=", line))


def account(answer: dict, exchange: str) -> dict:
    return next(one for one in answer["accounts"] if one["exchange"] == exchange)


def balances(one: dict) -> dict[tuple[str, str], str]:
    return {(row["wallet"], row["asset"]): row["total"] for row in one["balances"]}


async def started_simulator(program, http: aiohttp.ClientSession, until):
    sim = program()
    await sim.start("simulator", "--port", str(sim.port))
    await until(sim, "/health", lambda answer: answer == {"ok": True})
    async with http.post(sim.url + "/walk", json={"running": False}) as response:
        assert response.status == 200
    return sim, await simulator_settings(sim)


async def test_after_kill_9_a_lost_exchange_is_there_stale_and_the_other_fresh(program, until, http) -> None:
    sim, settings = await started_simulator(program, http, until)
    state = str(sim.folder / "state")
    first = await program().start("up", STATE_DIR=state, **settings)
    before = await until(
        first,
        "/api/portfolio",
        lambda answer: (
            len(answer["accounts"]) == 2
            and all(one["status"] == "fresh" for one in answer["accounts"])
            and len(account(answer, "binance")["wallets"]) == 4
            and not [r for r in answer["totals"]["reasons"] if r["kind"] == "price_stale"]
        ),
    )
    for fault in ({"kind": "reset", "path": "/sapi/*"}, {"kind": "hang", "path": "/api/v3/account"}):
        async with http.post(sim.url + "/faults", json={"exchange": "binance", **fault}) as response:
            assert response.ok
    await first.kill()
    killed_at = dt.datetime.now(dt.UTC).isoformat()

    second = await program().start("up", STATE_DIR=state, **settings)
    after = await until(
        second,
        "/api/portfolio",
        lambda answer: (
            len(answer["accounts"]) == 2
            and account(answer, "btcturk")["status"] == "fresh"
            and account(answer, "btcturk")["asOf"] > killed_at
        ),
    )
    lost = account(after, "binance")
    assert lost["status"] == "stale"
    assert balances(lost) == balances(account(before, "binance"))
    assert Decimal(str(lost["totals"]["totalUsd"])) > 0
    assert after["totals"]["partial"] is True
    assert {reason["kind"] for reason in after["totals"]["reasons"]} >= {"wallet_stale"}
    assert await second.interrupt() == 0


async def test_two_processes_on_one_state_are_refused(program, until, http) -> None:
    sim, settings = await started_simulator(program, http, until)
    state = str(sim.folder / "state")
    first = await program().start("up", STATE_DIR=state, **settings)
    await until(first, "/health", lambda answer: answer == {"ok": True})
    second = await program().start("up", STATE_DIR=state, **settings)
    assert await second.ended(10) == 1
    assert "portfolio.sqlite" in second.err
    assert "Traceback" not in second.err
    assert await first.interrupt() == 0


async def test_one_exchange_is_enough_and_the_other_gives_prices(program, until, http) -> None:
    sim, settings = await started_simulator(program, http, until)
    only = {name: text for name, text in settings.items() if name.startswith("BTCTURK") or name.endswith("_URL")}
    one = await program().start("up", STATE_DIR=str(sim.folder / "state"), **only)
    answer = await until(
        one,
        "/api/portfolio",
        lambda answer: (
            answer["accounts"] and answer["accounts"][0]["status"] == "fresh" and answer["totals"]["totalUsd"] > 0
        ),
    )
    assert [entry["exchange"] for entry in answer["accounts"]] == ["btcturk"]
    states = {source["exchange"]: source["state"] for source in answer["sources"]}
    assert states == {"binance": "unconfigured", "btcturk": "live"}
    assert not [reason for reason in answer["totals"]["reasons"] if reason.get("exchange") == "binance"]


async def test_forget_takes_an_account_away_and_refuses_a_configured_one(program, until, http) -> None:
    sim, settings = await started_simulator(program, http, until)
    state = str(sim.folder / "state")
    first = await program().start("up", STATE_DIR=state, **settings)
    await until(first, "/api/portfolio", lambda answer: len(answer["accounts"]) == 2)
    assert await first.interrupt() == 0
    still = await program().start("forget", "btcturk/main", STATE_DIR=state, **settings)
    assert await still.ended(10) == 2
    assert "still configured" in still.err
    without = {name: text for name, text in settings.items() if not name.startswith("BTCTURK_API")}
    gone = await program().start("forget", "btcturk/main", STATE_DIR=state, **without)
    assert await gone.ended(10) == 0, gone.err
    assert re.search(r"btcturk/main is forgotten: [1-9]\d* records", gone.out)
    third = await program().start("up", STATE_DIR=state, **without)
    answer = await until(third, "/api/portfolio", lambda answer: bool(answer["accounts"]))
    assert [one["exchange"] for one in answer["accounts"]] == ["binance"]
