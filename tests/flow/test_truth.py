"""From the exchange to the answer: what the exchanges hold is what the API says, to the last digit."""

import dataclasses
import json
from decimal import Decimal
from pathlib import Path

import pytest

from simulator import Fault, Simulator, demo_config, fake_account

DATA = Path(__file__).parents[1] / "data"
WALLETS = {"binance": ("spot", "funding", "earn-flexible", "earn-locked"), "btcturk": ("spot",)}


def rows(answer: dict, exchange: str, account: str = "main") -> dict[tuple[str, str], Decimal]:
    one = next(a for a in answer["accounts"] if (a["exchange"], a["account"]) == (exchange, account))
    return {(row["wallet"], row["asset"]): Decimal(row["total"]) for row in one["balances"] if row["counted"]}


def truth(sim: Simulator, exchange: str, account: str = "main") -> dict[tuple[str, str], Decimal]:
    return {
        (wallet, asset): free + locked
        for wallet in WALLETS[exchange]
        for asset, (free, locked) in sim.balances(exchange, account, wallet).items()
    }


def complete(answer: dict) -> bool:
    wallets = {(a["exchange"], w["wallet"]) for a in answer["accounts"] for w in a["wallets"]}
    expected = {(exchange, wallet) for exchange, names in WALLETS.items() for wallet in names}
    settled = {"price_stale", "wallet_never_read", "never_read", "wallet_stale"}
    return wallets == expected and not [r for r in answer["totals"]["reasons"] if r["kind"] in settled]


def priced(answer: dict) -> bool:
    return complete(answer) and len(answer["totals"]["unpriced"]) <= 2 and len(answer["rates"]) == 3


def money(value: object) -> Decimal:
    return Decimal(str(value))


async def test_every_amount_is_the_exchanges_own_and_every_total_the_sum_of_its_parts(start) -> None:
    system = await start()
    answer = await system.until(priced)
    for exchange in WALLETS:
        assert rows(answer, exchange) == truth(system.sim, exchange)
    total = Decimal(0)
    for account in answer["accounts"]:
        values = [Decimal(row["valueUsd"]) for row in account["balances"] if row["counted"] and row["valueUsd"]]
        assert abs(sum(values) - money(account["totals"]["totalUsd"])) <= Decimal("0.005")
        total += sum(values)
        for row in account["balances"]:
            assert Decimal(row["free"]) + Decimal(row["locked"]) == Decimal(row["total"])
            if row["priceUsd"] is not None:
                exact = Decimal(row["total"]) * Decimal(row["priceUsd"])
                assert abs(exact - Decimal(row["valueUsd"])) <= Decimal("1e-17")
    assert abs(total - money(answer["totals"]["totalUsd"])) <= Decimal("0.005")
    assert Decimal(answer["totals"]["totalUsdExact"]) == total


async def test_prices_are_the_exchanges_own(start) -> None:
    system = await start()
    answer = await system.until(priced)
    for exchange, symbol in (("binance", "BTCUSDT"), ("btcturk", "BTCUSDT")):
        account = next(a for a in answer["accounts"] if a["exchange"] == exchange)
        row = next(row for row in account["balances"] if row["asset"] == "BTC" and row["counted"])
        assert Decimal(row["priceUsd"]) == system.sim.price(exchange, symbol)
        assert row["pricePath"] == ["BTC", "USDT", "USD"]
    per_usd = next(rate for rate in answer["rates"] if rate["currency"] == "TRY")
    assert abs(Decimal(per_usd["perUsd"]) / system.sim.price("binance", "USDTTRY") - 1) < Decimal("0.01")


async def test_a_changed_balance_and_a_changed_price_show(start) -> None:
    system = await start()
    await system.until(priced)
    system.sim.set_balance("btcturk", "main", "spot", "BTC", free="0.1234567890123456", locked="0.1")
    system.sim.set_price("binance", "BTCUSDT", last="90000.5")
    await system.until(lambda answer: rows(answer, "btcturk").get(("spot", "BTC")) == Decimal("0.2234567890123456"))

    def shown(answer: dict) -> bool:
        account = next(a for a in answer["accounts"] if a["exchange"] == "binance")
        row = next(row for row in account["balances"] if row["asset"] == "BTC" and row["counted"])
        return row["priceUsd"] == "90000.5"

    await system.until(shown)


async def test_earn_is_not_counted_twice(start) -> None:
    system = await start()
    answer = await system.until(priced)
    account = next(a for a in answer["accounts"] if a["exchange"] == "binance")
    mirrors = [row for row in account["balances"] if row["mirrorOf"]]
    assert mirrors
    assert not any(row["counted"] for row in mirrors)
    assert any(row["asset"] == "LDO" and row["counted"] for row in account["balances"]), "LDO is a coin"
    explained = await system.get("/api/portfolio/explain", asset=mirrors[0]["asset"])
    assert [price["priceUsd"] for price in explained["prices"]] == [mirrors[0]["priceUsd"]]


async def test_a_mirror_counts_as_long_as_earn_cannot_be_read(start) -> None:
    system = await start(
        before=lambda sim: sim.inject(Fault("binance", "status", path="/sapi/v1/simple-earn/*", status=500))
    )
    answer = await system.until(
        lambda answer: (
            bool(answer["accounts"])
            and any(row["mirrorOf"] and row["valueUsd"] for a in answer["accounts"] for row in a["balances"])
        )
    )
    mirrors = [row for a in answer["accounts"] for row in a["balances"] if row["mirrorOf"]]
    assert all(row["counted"] for row in mirrors)
    assert answer["totals"]["partial"] is True
    system.sim.clear_faults()
    await system.until(complete)
    answer = await system.get()
    assert not any(row["counted"] for a in answer["accounts"] for row in a["balances"] if row["mirrorOf"])


async def test_what_nobody_quotes_is_listed_and_left_out(start) -> None:
    system = await start()
    await system.until(priced)
    system.sim.set_balance("binance", "main", "funding", "XYZZY", free="42")
    answer = await system.until(lambda answer: any(entry["asset"] == "XYZZY" for entry in answer["totals"]["unpriced"]))
    entry = next(entry for entry in answer["totals"]["unpriced"] if entry["asset"] == "XYZZY")
    assert entry == {"exchange": "binance", "account": "main", "wallet": "funding", "asset": "XYZZY", "amount": "42"}
    row = next(r for a in answer["accounts"] for r in a["balances"] if r["asset"] == "XYZZY")
    assert (row["priceUsd"], row["valueUsd"]) == (None, None)
    assert answer["totals"]["partial"] is True


async def test_a_wallet_that_is_emptied_shows_as_suspicious_until_a_second_read_agrees(start) -> None:
    system = await start()
    before = await system.until(priced)
    system.sim.inject(Fault("btcturk", "zeros", path="/api/v1/users/balances", times=1))
    suspicious = await system.until(
        lambda answer: any(a["status"] == "suspicious" for a in answer["accounts"]), within=5
    )
    assert rows(suspicious, "btcturk") == rows(before, "btcturk"), "no amount becomes zero on one answer"
    await system.until(complete)
    system.sim.set_balances("btcturk", "main", "spot", {})
    await system.until(lambda answer: rows(answer, "btcturk") == {})


async def test_several_accounts_and_several_portfolios(start) -> None:
    config = demo_config(seed=7)
    more = {
        exchange: (*accounts, fake_account(exchange, "savings"), fake_account(exchange, "family"))
        for exchange, accounts in config.accounts.items()
    }
    accounts = {(exchange, label) for exchange in WALLETS for label in ("main", "savings")}
    async with Simulator(dataclasses.replace(config, accounts=more)) as sim:
        sim.set_balance("binance", "savings", "spot", "BTC", free="1")
        sim.set_balance("btcturk", "family", "spot", "TRY", free="100,5".replace(",", "."))
        system = await start(sim)
        answer = await system.until(
            lambda answer: (
                {(a["exchange"], a["account"]) for a in answer["accounts"]} == accounts
                and rows(answer, "binance", "savings") != {}  # Whichever of its wallets was read first.
            )
        )
        assert rows(answer, "binance", "savings") == {("spot", "BTC"): Decimal(1)}
        family = await system.until(
            lambda answer: len(answer["accounts"]) == 2 and rows(answer, "btcturk", "family") != {}, portfolio="family"
        )
        assert rows(family, "btcturk", "family") == {("spot", "TRY"): Decimal("100.5")}
        await system.embedded.stop()


@pytest.mark.parametrize(
    ("exchange", "wallet", "path", "payload", "expected"),
    [
        ("binance", "spot", "/api/v3/account", "account", {"BTC": "4723846.89208129", "LTC": "4763368.68006011"}),
        ("binance", "funding", "/sapi/v1/asset/get-funding-asset", "get_funding_asset", {"USDT": "1"}),
        ("binance", "earn-flexible", "/sapi/v1/simple-earn/flexible/position", "flexible_position", {"USDT": "75.46"}),
        ("binance", "earn-locked", "/sapi/v1/simple-earn/locked/position", "locked_position", {"AXS": "122.09202928"}),
        (
            "btcturk",
            "spot",
            "/api/v1/users/balances",
            "balances",
            {"TRY": "27223.7283250757643288", "BTC": "9.7502186644553258"},
        ),
    ],
)
async def test_the_documentations_own_payloads_come_out_right(
    start, exchange: str, wallet: str, path: str, payload: str, expected: dict[str, str]
) -> None:
    body = (DATA / exchange / f"{payload}.json").read_text(encoding="utf-8")
    fault = Fault(exchange, "status", path=path, status=200, body=body)
    system = await start(before=lambda sim: sim.inject(fault))
    answer = await system.until(
        lambda answer: any(
            a["exchange"] == exchange and any(r["wallet"] == wallet for r in a["balances"]) for a in answer["accounts"]
        )
    )
    read = {asset: amount for (where, asset), amount in rows(answer, exchange).items() if where == wallet}
    assert read == {asset: Decimal(text) for asset, text in expected.items()}


async def test_the_stream_carries_every_change_as_the_same_document(start) -> None:
    system = await start()
    await system.until(priced)
    async with system.http.get(system.url + "/api/portfolio/stream") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")

        async def next_document() -> tuple[str, dict]:
            event: dict[str, str] = {}
            while "data" not in event:
                line = (await response.content.readline()).decode().strip()
                name, _, text = line.partition(": ")
                if text:
                    event[name] = text
            return event["id"], json.loads(event["data"])

        version, first = await next_document()
        assert rows(first, "btcturk") == truth(system.sim, "btcturk"), "the whole state, at once"
        assert first["version"] == version
        system.sim.set_balance("btcturk", "main", "spot", "ETH", free="12.5", locked="0.25")
        while rows(first, "btcturk").get(("spot", "ETH")) != Decimal("12.75"):
            version, first = await next_document()
        now = await system.get()
        if now["version"] == version:  # No newer one was made meanwhile.
            assert now["totals"] == first["totals"]
