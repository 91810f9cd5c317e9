"""The roles as processes of their own, for tests: started in any order, asked, killed, started again."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.process.conftest import Program

QUICK = {"BINANCE_EARN_POLL_SECONDS": "2", "BINANCE_FUNDING_POLL_SECONDS": "2"}
COLLECTORS = ("binance", "btcturk")
ROLES = ("api", "aggregator", "collector binance", "collector btcturk")
TIMES = re.compile(r"version|asOf|.*At|.*Age|age.*", re.IGNORECASE)


def plain(answer: Any) -> Any:
    """An answer without what differs between two runs that know the same: times, ages, versions, and how the bus was."""
    if isinstance(answer, dict):
        kept = {name: value for name, value in answer.items() if name != "bus" and not TIMES.fullmatch(name)}
        return {name: plain(value) for name, value in kept.items()}
    return [plain(one) for one in answer] if isinstance(answer, list) else answer


def whole(answer: Any) -> bool:
    """Both accounts with all their wallets, everything fresh, and nothing that waits for a price."""
    accounts = answer["accounts"]
    return (
        {account["exchange"] for account in accounts} == set(COLLECTORS)
        and all(account["status"] == "fresh" for account in accounts)
        and sum(len(account["wallets"]) for account in accounts) == 5
        and {reason["kind"] for reason in answer["totals"]["reasons"]} <= {"unpriced"}
        and len(answer["totals"]["unpriced"]) == 1
        and {source["state"] for source in answer["sources"]} == {"live"}
    )


class Roles:
    """The processes of one system: a program for each role, its health and metrics (or its API) at its port."""

    def __init__(self, make: Callable[[], Program], bootstrap: str, prefix: str, simulated: dict[str, str]) -> None:
        self.settings = {"KAFKA_BOOTSTRAP_SERVERS": bootstrap, "TOPIC_PREFIX": prefix}
        self.simulated = simulated | QUICK
        self.programs = {role: make() for role in ROLES}

    @property
    def api(self) -> Program:
        return self.programs["api"]

    async def start(self, *roles: str, **more: str) -> None:
        """In this order. A collector is told the settings of its own exchange alone, the others of none."""
        for role in roles:
            words = role.split()
            own = {name: text for name, text in self.simulated.items() if name.startswith(words[-1].upper())}
            program = self.programs[role]
            await program.start(*words, METRICS_PORT=str(program.port), **self.settings, **own, **more)


async def get(http: aiohttp.ClientSession, program: Program, path: str) -> tuple[int, Any]:
    async with http.get(program.url + path) as response:
        return response.status, await response.json(content_type=None)


class Observer:
    """Asks the API all the time: no answer is a failure, none is empty, no version goes back."""

    def __init__(self, http: aiohttp.ClientSession, program: Program) -> None:
        self._http = http
        self._program = program
        self._task = asyncio.create_task(self._run(), name="observer")
        self.asked = 0

    async def _run(self) -> None:
        last = (0, 0)
        while True:
            status, answer = await get(self._http, self._program, "/api/portfolio")
            assert status == 200
            assert len(answer["accounts"]) == 2, "never empty"
            epoch, seq = map(int, answer["version"].split("-"))
            assert (epoch, seq) >= last, "no version goes back"
            last = (epoch, seq)
            self.asked += 1
            await asyncio.sleep(0.05)  # The pace of asking.

    async def end(self) -> None:
        """Whether all was well until now."""
        if not self._task.done():
            self._task.cancel()
        await asyncio.wait({self._task})
        assert self._task.cancelled(), f"after {self.asked} good answers: {self._task.exception()!r}"
        assert self.asked > 0


async def until_gone(condition: Callable[[], bool], within: float = 10.0) -> None:
    ends_at = time.monotonic() + within
    while not condition():
        assert time.monotonic() < ends_at, f"not within {within} s"
        await asyncio.sleep(0.05)  # The pace of looking.
