"""The whole system in one process over the simulated exchanges, at a quicker pace than people need."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from cli.embedded import Embedded
from cli.settings.core import CoreSettings
from cli.settings.exchanges import AccountCredentials, ExchangeSettings
from cli.settings.load import Settings
from cli.specs import specs
from collectors.pacing import Pacing
from collectors.settings import CollectorSettings
from simulator import Simulator, demo_config
from tests.ports import free_port

POLL_SECONDS = 0.3
ADMIN = "flow-admin-token-" + "0" * 32
QUICK = Pacing(
    backoff_first=0.2, backoff_longest=1.0, confirm=0.3, unreadable_shortest=0.3, refresh_gap=0.05, refused=2.0
)


def quick(settings: CollectorSettings) -> CollectorSettings:
    timeouts = (
        dataclasses.replace(settings.timeouts, total=1.0) if hasattr(settings.timeouts, "total") else settings.timeouts
    )
    return dataclasses.replace(settings, pacing=QUICK, price_poll_seconds=0.3, timeouts=timeouts)


class System:
    """A running system and a client for it."""

    def __init__(self, sim: Simulator, embedded: Embedded, http: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.embedded = embedded
        self.http = http

    @property
    def url(self) -> str:
        return self.embedded.api.url

    async def get(self, path: str = "/api/portfolio", **parameters: str) -> Any:
        async with self.http.get(self.url + path, params=parameters) as response:
            return await response.json(content_type=None)

    async def post(self, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {ADMIN}"}
        async with self.http.post(self.url + path, json=body or {}, headers=headers) as response:
            return response.status, await response.json()

    async def until(self, condition: Callable[[Any], bool], within: float = 10.0, **parameters: str) -> Any:
        """The portfolio, as soon as it satisfies the condition."""
        ends_at = time.monotonic() + within
        while True:
            answer = await self.get(**parameters)
            if condition(answer):
                return answer
            if time.monotonic() > ends_at:
                pytest.fail(f"not within {within} s: {answer['sources']} {answer['totals']['reasons']}")
            await asyncio.sleep(0.05)  # The pace of asking.

    async def until_true(self, condition: Callable[[], bool], within: float = 10.0) -> None:
        ends_at = time.monotonic() + within
        while not condition():
            assert time.monotonic() < ends_at, f"not within {within} s"
            await asyncio.sleep(0.02)  # The pace of asking.


def settings_for(sim: Simulator, *, keyless: tuple[str, ...] = (), state_dir: Path | None = None) -> Settings:
    exchanges = {}
    for spec in specs():
        needed = [one.suffix for one in spec.credentials if not one.optional]
        accounts = tuple(
            AccountCredentials(
                account.label,
                "family" if account.label.startswith("family") else "main",
                dict(zip(needed, (SecretStr(account.api_key), SecretStr(account.api_secret)), strict=True)),
            )
            for account in sim.config.accounts[spec.name]
            if spec.name not in keyless
        )
        urls = {url.suffix: url.default for url in spec.urls} | {"REST_URL": sim.url(spec.name)}
        polls = {wallet: POLL_SECONDS for poll in spec.polls for wallet in poll.wallets}
        exchanges[spec.name] = ExchangeSettings(spec, urls, polls, accounts)
    core = CoreSettings(api_port=free_port(), admin_token=SecretStr(ADMIN), state_dir=state_dir or Path("state"))
    return Settings(core, exchanges)


Start = Callable[..., Awaitable[System]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a system over a simulator (the demo's world, unless given); all are stopped at the end."""
    running: list[Any] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as http:

        async def run(
            sim: Simulator | None = None, *, before: Callable[[Simulator], None] | None = None, **more: Any
        ) -> System:
            if sim is None:
                sim = Simulator(demo_config(seed=7))
                await sim.start()
                running.append(sim.stop)
            if before is not None:
                before(sim)
            embedded = Embedded(settings_for(sim, **more), demo="state_dir" not in more, tune=quick)
            await embedded.start()
            running.append(embedded.stop)
            return System(sim, embedded, http)

        yield run
        for stop in reversed(running):
            await stop()
