"""An independent client reads from our simulator what is in it: its signatures are accepted, its parsing agrees."""

import asyncio
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator import Simulator, demo_config

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-ccxt" / "bin" / "python"
SCRIPT = ROOT / "tests" / "ccxt" / "read_balances.py"

pytestmark = pytest.mark.skipif(
    not PYTHON.exists() and os.environ.get("CI") != "true",
    reason="the independent client is not installed: make install-dev",
)


async def ask(sim: Simulator, exchange: str, calls: list[list[Any]], *, secret: str | None = None) -> list[Any]:
    account = sim.config.account(exchange, "main")
    order = {
        "exchange": exchange,
        "url": sim.url(exchange),
        "key": account.api_key,
        "secret": secret or account.api_secret,
        "calls": calls,
    }
    process = await asyncio.create_subprocess_exec(
        str(PYTHON),
        str(SCRIPT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(json.dumps(order).encode()), 40)
    assert process.returncode == 0, err.decode()[-2000:]
    results: list[Any] = json.loads(out)
    return results


def amounts(answer: dict[str, dict[str, str]]) -> dict[str, tuple[Decimal, Decimal]]:
    return {
        asset: (Decimal(answer["free"][asset]), Decimal(answer["used"][asset]))
        for asset, total in answer["total"].items()
        if Decimal(total) != 0
    }


def truth(sim: Simulator, exchange: str, wallet: str) -> dict[str, tuple[Decimal, Decimal]]:
    return dict(sim.balances(exchange, "main", wallet))


async def test_binance_spot_funding_and_earn() -> None:
    async with Simulator(demo_config(seed=7)) as sim:
        spot, funding, flexible, locked = await ask(
            sim,
            "binance",
            [
                ["fetchBalance", {"type": "spot"}],
                ["fetchBalance", {"type": "funding"}],
                ["sapiGetSimpleEarnFlexiblePosition", {"size": 100}],
                ["sapiGetSimpleEarnLockedPosition", {"size": 100}],
            ],
        )
        read = amounts(spot)
        mirrors = {asset for asset in read if asset.startswith("LD") and asset != "LDO"}
        assert {asset: pair for asset, pair in read.items() if asset not in mirrors} == truth(sim, "binance", "spot")
        assert {asset[2:] for asset in mirrors} == set(truth(sim, "binance", "earn-flexible"))
        assert amounts(funding) == truth(sim, "binance", "funding")
        for answer, field, wallet in ((flexible, "totalAmount", "earn-flexible"), (locked, "amount", "earn-locked")):
            sums: dict[str, Decimal] = {}
            for row in answer["rows"]:
                sums[row["asset"]] = sums.get(row["asset"], Decimal(0)) + Decimal(row[field])
            held = {asset: free + used for asset, (free, used) in truth(sim, "binance", wallet).items()}
            assert sums == held


async def test_btcturk_balances_with_points() -> None:
    config = demo_config(seed=7)
    async with Simulator(config) as sim:
        (answer,) = await ask(sim, "btcturk", [["privateGetUsersBalances", {}]])
        read = {
            row["asset"]: (Decimal(row["free"].replace(",", ".")), Decimal(row["locked"].replace(",", ".")))
            for row in answer["data"]
        }
        assert {a: pair for a, pair in read.items() if sum(pair)} == truth(sim, "btcturk", "spot")


@pytest.mark.parametrize("exchange", ["binance", "btcturk"])
async def test_a_wrong_secret_is_refused(exchange: str) -> None:
    async with Simulator(demo_config(seed=7)) as sim:
        wrong = "d3Jvbmctc2VjcmV0LXdyb25nLXNlY3JldC13cm9uZy0="
        (answer,) = await ask(sim, exchange, [["fetchBalance", {}]], secret=wrong)
        assert answer["error"] in {"AuthenticationError", "ExchangeError"}
