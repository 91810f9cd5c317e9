"""One exchange failing in any way touches nothing else, and never changes an amount to something untrue."""

import asyncio
import time
from decimal import Decimal

import pytest

from simulator import Fault, Simulator, demo_config
from tests.flow.test_truth import complete, priced, rows

LOUD = [
    Fault("binance", "hang"),
    Fault("binance", "close"),
    Fault("binance", "reset"),
    Fault("binance", "garbage"),
    Fault("binance", "html"),
    Fault("binance", "truncated"),
    Fault("binance", "half", path="/sapi/v1/simple-earn/*"),
    Fault("binance", "oversized"),
    Fault("binance", "duplicate_keys"),
    Fault("binance", "wrong_type"),
    Fault("binance", "nan"),
    Fault("binance", "huge"),
    Fault("binance", "negative"),
    Fault("binance", "deep"),
    Fault("binance", "error_200"),
    Fault("binance", "missing_field"),
    Fault("binance", "redirect"),
    Fault("binance", "rate_limited", retry_after=1),
    Fault("binance", "banned", retry_after=1),
    Fault("binance", "blocked", status=451),
    Fault("binance", "blocked", status=403),
    Fault("binance", "status", status=500),
    Fault("binance", "status", status=503),
]


def number_of_reads(sim: Simulator, exchange: str, path: str) -> int:
    return sum(request.path == path for request in sim.requests(exchange))


@pytest.mark.parametrize(
    "fault", LOUD, ids=lambda fault: f"{fault.kind}-{fault.status}" if fault.status else fault.kind
)
async def test_a_failing_exchange_keeps_its_amounts_and_the_other_its_rhythm(start, fault: Fault) -> None:
    system = await start()
    before = await system.until(priced)
    system.sim.inject(fault)
    failing = await system.until(
        lambda answer: any(s["exchange"] == "binance" and s["error"] is not None for s in answer["sources"])
    )
    error = next(s["error"] for s in failing["sources"] if s["exchange"] == "binance")
    assert error["kind"] in {"unavailable", "rate_limited", "refused", "unreadable"}
    assert len(error["message"]) > 10
    assert len(error["mend"]) > 5
    seen = number_of_reads(system.sim, "btcturk", "/api/v1/users/balances")
    began = time.monotonic()
    await system.until_true(lambda: number_of_reads(system.sim, "btcturk", "/api/v1/users/balances") >= seen + 5)
    assert time.monotonic() - began < 5, "the other exchange keeps its rhythm"
    now = await system.get()
    assert rows(now, "binance") == rows(before, "binance"), "no amount changes by a failure"
    assert next(a for a in now["accounts"] if a["exchange"] == "btcturk")["status"] == "fresh"
    if error["kind"] == "refused":
        return  # Looked at again after minutes, on purpose: a person must act first.
    system.sim.clear_faults()
    system.sim.clear_limits()
    system.sim.set_balance("binance", "main", "spot", "BTC", free="7.5", locked="0")
    await system.until(lambda answer: rows(answer, "binance").get(("spot", "BTC")) == Decimal("7.5"), within=20)


async def test_a_wrong_key_is_only_a_source_with_its_reason_and_the_other_lives(start) -> None:
    system = await start(before=lambda sim: sim.revoke("binance", "main"))
    answer = await system.until(
        lambda answer: (
            {s["exchange"]: s["state"] for s in answer["sources"]} == {"binance": "refused", "btcturk": "live"}
            and bool(answer["accounts"])
        )
    )
    assert [a["exchange"] for a in answer["accounts"]] == ["btcturk"]
    source = next(s for s in answer["sources"] if s["exchange"] == "binance")
    assert "key" in source["error"]["message"].lower()
    assert answer["totals"]["partial"] is True
    asked = len([r for r in system.sim.requests("binance") if r.account is not None or r.status == 401])
    assert asked < 10, "no retry storm"


async def test_a_key_revoked_later_leaves_its_account_in_sight_stale(start) -> None:
    system = await start()
    before = await system.until(priced)
    system.sim.revoke("btcturk", "main")
    answer = await system.until(
        lambda answer: (
            next(s for s in answer["sources"] if s["exchange"] == "btcturk")["state"] == "refused"
            and next(a for a in answer["accounts"] if a["exchange"] == "btcturk")["status"] == "stale"
        )
    )
    assert rows(answer, "btcturk") == rows(before, "btcturk")
    assert answer["totals"]["partial"] is True


@pytest.mark.parametrize(
    "flag", ["enableWithdrawals", "enableSpotAndMarginTrading", "permitsUniversalTransfer", "enableWings"]
)
async def test_a_key_that_can_do_more_than_read_is_refused_by_the_name_of_the_flag(start, flag: str) -> None:
    system = await start(before=lambda sim: sim.set_permissions("main", **{flag: True}))
    answer = await system.until(
        lambda answer: any(s["exchange"] == "binance" and s["state"] == "refused" for s in answer["sources"])
    )
    source = next(s for s in answer["sources"] if s["exchange"] == "binance")
    assert flag in source["error"]["message"]
    assert not any(a["exchange"] == "binance" for a in answer["accounts"])
    assert not [r for r in system.sim.requests("binance") if r.path == "/api/v3/account"], "nothing is read with it"


async def test_a_failing_wallet_does_not_freeze_the_others(start) -> None:
    system = await start()
    await system.until(complete)
    system.sim.inject(Fault("binance", "status", path="/sapi/v1/simple-earn/flexible/position", status=500))
    system.sim.set_balance("binance", "main", "spot", "BTC", free="3.25", locked="0")
    await system.until(lambda answer: rows(answer, "binance").get(("spot", "BTC")) == Decimal("3.25"))


async def test_a_page_that_fails_leaves_the_wallet_as_it_was(start) -> None:
    system = await start()
    before = await system.until(complete)
    held = {key: amount for key, amount in rows(before, "binance").items() if key[0] == "earn-flexible"}
    system.sim.inject(Fault("binance", "half", path="/sapi/v1/simple-earn/flexible/position"))
    await system.until(
        lambda answer: any(
            w["wallet"] == "earn-flexible" and w.get("error")
            for s in answer["sources"]
            if s["exchange"] == "binance"
            for w in s["wallets"]
        )
    )
    now = await system.get()
    assert {key: amount for key, amount in rows(now, "binance").items() if key[0] == "earn-flexible"} == held


async def test_a_loop_that_raises_leaves_the_others_rhythm_untouched(start, monkeypatch: pytest.MonkeyPatch) -> None:
    from collectors.registry import EXCHANGES

    system = await start()
    await system.until(complete)
    failing = next(one for one in system.embedded.collectors if one.name == "binance")

    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(EXCHANGES["binance"], "read_wallet", explode)
    seen = number_of_reads(system.sim, "btcturk", "/api/v1/users/balances")
    await system.until_true(lambda: number_of_reads(system.sim, "btcturk", "/api/v1/users/balances") >= seen + 8)
    answer = await system.get()
    assert next(a for a in answer["accounts"] if a["exchange"] == "btcturk")["status"] == "fresh"
    monkeypatch.undo()
    system.sim.set_balance("binance", "main", "spot", "BTC", free="2.5", locked="0")
    await system.until(lambda answer: rows(answer, "binance").get(("spot", "BTC")) == Decimal("2.5"), within=20)
    assert failing is next(one for one in system.embedded.collectors if one.name == "binance")


async def test_no_request_goes_out_before_retry_after_is_over(start) -> None:
    system = await start()
    await system.until(complete)
    system.sim.inject(Fault("binance", "rate_limited", path="/api/v3/account", retry_after=2, times=1))
    await system.until_true(lambda: any(r.status == 429 for r in system.sim.requests("binance")))
    limited = next(r for r in system.sim.requests("binance") if r.status == 429)
    await system.until_true(lambda: system.sim.requests("binance")[-1].at > limited.at + 2.0)
    after = [r.at - limited.at for r in system.sim.requests("binance") if r.at > limited.at]
    in_flight = 0.1
    assert not [seconds for seconds in after if in_flight < seconds < 1.95]


async def test_refresh_reads_everything_anew_and_says_so_per_account(start) -> None:
    system = await start()
    await system.until(complete)
    status, answer = await system.post("/api/portfolio/refresh")
    assert status == 200
    assert {(a["exchange"], a["account"], a["refreshed"]) for a in answer["accounts"]} == {
        ("binance", "main", True),
        ("btcturk", "main", True),
    }


async def test_refresh_says_why_an_account_was_not_read(start) -> None:
    system = await start()
    await system.until(complete)
    system.sim.inject(Fault("btcturk", "status", path="/api/v1/users/balances", status=500))
    status, answer = await system.post("/api/portfolio/refresh")
    assert status == 200
    failed = next(a for a in answer["accounts"] if a["exchange"] == "btcturk")
    assert failed["refreshed"] is False
    assert len(failed["message"]) > 10


async def test_two_refreshes_at_once_make_one(start) -> None:
    system = await start()
    await system.until(complete)
    (_, one), (_, two) = await asyncio.gather(
        system.post("/api/portfolio/refresh"), system.post("/api/portfolio/refresh")
    )
    assert one["id"] == two["id"]


async def test_explain_shows_what_a_number_is_made_of(start) -> None:
    system = await start()
    answer = await system.until(priced)
    explained = await system.get("/api/portfolio/explain", asset="BTC")
    held = sum(
        amount
        for exchange in ("binance", "btcturk")
        for (_, asset), amount in rows(answer, exchange).items()
        if asset == "BTC"
    )
    text = str(explained)
    assert "BTC" in text
    counted = [row for row in explained["balances"] if row["counted"]]
    assert sum(Decimal(row["total"]) for row in counted) == held
    assert all(price["legs"] for price in explained["prices"])


async def test_secrets_stand_nowhere(start, capfd: pytest.CaptureFixture[str]) -> None:
    system = await start()
    await system.until(complete)
    system.sim.inject(Fault("binance", "hang", times=2))
    system.sim.inject(Fault("btcturk", "garbage", times=2))
    account = system.sim.config.account("binance", "main")
    other = system.sim.config.account("btcturk", "main")
    async with system.http.get(system.url + "/metrics") as response:
        metrics = await response.text()
    text = str(await system.get()) + metrics + "".join(capfd.readouterr())
    for secret in (account.api_key, account.api_secret, other.api_key, other.api_secret):
        assert secret not in text
    assert "signature=" not in text


def test_the_demo_world_has_what_the_tests_rely_on() -> None:
    config = demo_config(seed=7)
    assert {exchange: [a.label for a in accounts] for exchange, accounts in config.accounts.items()} == {
        "binance": ["main"],
        "btcturk": ["main"],
    }
