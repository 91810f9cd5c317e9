"""What one read of a spot wallet costs in processor time, ours against ccxt's `fetch_balance` on the same body.

Both read the same answer, whole accounts with their zero rows, from the simulated exchange in a process of its own.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from benchmarks.table import ROUNDS, Row, at_most
from collectors.client import Client, Key
from collectors.exchange import Listing
from collectors.http import HttpSession, Timeouts
from collectors.registry import EXCHANGES
from monitoring.clock import SystemClock
from monitoring.metrics import CollectorMetrics
from simulator import demo_config

POLLS: Final = 40
PORT: Final = 4720
CONTROL: Final = f"http://127.0.0.1:{PORT}"
ROOT: Final = Path(__file__).parents[1]
CCXT: Final = ROOT / ".venv-ccxt" / "bin" / "python"
ROWS: Final = {"a whole account, 600 rows": 600, "an account of 15 rows": 15}


def _body(rows: int) -> str:
    balances = [
        {"asset": f"C{number}", "free": "1.23456789" if number < 15 else "0.00000000", "locked": "0.00000000"}
        for number in range(rows)
    ]
    return json.dumps({"updateTime": 123456789, "accountType": "SPOT", "balances": balances, "permissions": ["SPOT"]})


@asynccontextmanager
async def _simulator(body: str) -> AsyncIterator[str]:
    """The exchange in its own process, answering account reads with this body. Its weights are no matter here."""
    command = Path(sys.executable).with_name("spark-portfolio")
    process = await asyncio.create_subprocess_exec(
        str(command), "simulator", "--port", str(PORT), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        url = ""
        while not url:
            line = (await process.stdout.readline()).decode()
            url = line.strip().partition("=")[2] if "_REST_URL=" in line else ""
        async with aiohttp.ClientSession() as http:
            fault: dict[str, Any] = {"exchange": "binance", "kind": "status", "path": "/api/v3/account", "status": 200}
            async with http.post(f"{CONTROL}/faults", json={**fault, "body": body}) as response:
                assert response.ok, await response.text()
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _ours(url: str, reset: "_Reset") -> list[float]:
    account = demo_config(seed=7).account("binance", "main")
    key = Key({"API_KEY": SecretStr(account.api_key), "API_SECRET": SecretStr(account.api_secret)})
    exchange = EXCHANGES["binance"]()
    costs = []
    async with HttpSession(url, title=exchange.title, timeouts=Timeouts()) as http:
        for _ in range(ROUNDS):
            client = Client(exchange, http, clock=SystemClock(), metrics=CollectorMetrics(CollectorRegistry()))
            await client.sync()
            await reset()
            began = time.process_time()
            for _ in range(POLLS):
                await exchange.read_wallet("spot", client.conversation(key).call, Listing(()))
            costs.append((time.process_time() - began) / POLLS)
    return costs


class _Reset:
    """Gives the exchange's weights back, so that it does not limit the benchmark."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def __call__(self) -> None:
        async with self._http.delete(f"{CONTROL}/limits") as response:
            assert response.ok


async def _theirs(url: str, reset: _Reset) -> list[float]:
    account = demo_config(seed=7).account("binance", "main")
    costs = []
    for _ in range(ROUNDS):
        await reset()
        order = {"url": url, "key": account.api_key, "secret": account.api_secret, "rounds": 1, "polls": POLLS}
        process = await asyncio.create_subprocess_exec(
            str(CCXT),
            str(ROOT / "tests" / "ccxt" / "poll_cost.py"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        out, _ = await process.communicate(json.dumps(order).encode())
        costs.append(float(out))
    return costs


async def _measure() -> list[Row]:
    rows = []
    for name, count in ROWS.items():
        async with _simulator(_body(count)) as url, aiohttp.ClientSession() as http:
            reset = _Reset(http)
            ours, theirs = await _ours(url, reset), await _theirs(url, reset)
        ratio = statistics.median(ours) / statistics.median(theirs)
        rows += [
            at_most(f"processor time of one read, ours / ccxt: {name}", ratio, 0.5, "ratio"),
            Row("  ours", statistics.median(ours) * 1e3, "ms"),
            Row("  ccxt", statistics.median(theirs) * 1e3, "ms"),
        ]
    return rows


def rows() -> list[Row]:
    """The rows of the table."""
    return asyncio.run(_measure())
