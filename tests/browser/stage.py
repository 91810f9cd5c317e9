"""Systems to look at: the whole product in one process over simulated exchanges, started, changed and stopped."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import aiohttp
from pydantic import SecretStr

from cli.embedded import Embedded
from cli.parts import Tune
from cli.settings.load import Settings
from simulator import Simulator, demo_config
from tests.browser.proxy import Proxy, Rewrite
from tests.flow.conftest import ADMIN, System, quick, settings_for
from tests.flow.test_truth import WALLETS
from tests.process.conftest import Program

READER = "browser-read-token-" + "0" * 32
SEED = 7
QUOTED_TIMES = 4
"""So often each exchange has quoted all over again without a value having moved: there is nothing more to come."""
SETTLE_SECONDS_MAX = 30.0


class MovableClock:
    """The machine's clock, behind by as much as a test wants: what was read then is truly old when it comes back."""

    def __init__(self) -> None:
        self.behind = 0.0
        self.ahead = 0.0
        """Of the steady clock: so much time seems to have passed without a report."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=self.behind)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class Running(System):
    """A running system that can be stopped and started again on its own port."""

    def __init__(self, sim: Simulator, make: Callable[[], Embedded], http: aiohttp.ClientSession) -> None:
        self._make = make
        super().__init__(sim, make(), http)
        self._is_up = False
        self.read_token: str | None = None

    async def get(self, path: str = "/api/portfolio", **parameters: str) -> Any:
        headers = {"Authorization": f"Bearer {self.read_token}"} if self.read_token else {}
        async with self.http.get(self.url + path, params=parameters, headers=headers) as response:
            return await response.json(content_type=None)

    async def settled(self, condition: Callable[[Any], bool]) -> Any:
        """What the API says once it fits and its values have outlasted several rounds of quotes.

        Each exchange quotes in its own time, and a better path replaces the first one that was found. Rounds are
        counted, not seconds: on a busy machine a second may pass without any.
        """
        said: Any = None
        since = 0.0
        async with asyncio.timeout(SETTLE_SECONDS_MAX):
            while said is None or not self._have_quoted(since):
                await asyncio.sleep(0.1)  # The pace of asking.
                before, said = said, await self.until(condition)
                if before is None or any(before[part] != said[part] for part in ("totals", "prices", "rates")):
                    since = time.monotonic()
        return said

    def _have_quoted(self, since: float) -> bool:
        """Whether each exchange has answered often enough after this (steady) time."""
        return all(
            sum("/ticker" in one.path and one.at > since and one.status == 200 for one in self.sim.requests(exchange))
            >= QUOTED_TIMES
            for exchange in WALLETS
        )

    async def start(self) -> None:
        if self._is_up:
            return
        await self.embedded.start()
        self._is_up = True

    async def stop(self) -> None:
        if not self._is_up:
            return
        self._is_up = False
        await self.embedded.stop()

    async def restart(self) -> None:
        """Stop all but the exchanges, then start all anew: what was only in memory is read again."""
        await self.stop()
        self.embedded = self._make()
        await self.start()


class Stage:
    """Starts systems, and stops them all at its end."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self.http: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        self.http = await self._stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15))
        )
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    async def proxy(self, upstream: str, rewrite: Rewrite | None = None) -> Proxy:
        """A server before a system."""
        return await self._stack.enter_async_context(Proxy(upstream, rewrite))

    async def program(self, *arguments: str, **settings: str) -> str:
        """The installed command as a process of its own; its address."""
        program = Program(self.folder())
        self._stack.push_async_callback(program.kill)
        await program.start(*arguments, **settings)
        return program.url

    async def until(self, url: str, condition: Callable[[Any], bool], within: float = 25.0) -> Any:
        """What the API at an address says, as soon as it satisfies the condition."""
        async with asyncio.timeout(within):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with self.http.get(f"{url}/api/portfolio") as response:
                        if condition(said := await response.json(content_type=None)):
                            return said
                await asyncio.sleep(0.1)  # The pace of asking.

    def folder(self) -> Path:
        """A new folder, gone at the end."""
        return Path(self._stack.enter_context(TemporaryDirectory(prefix="spark-page-")))

    async def simulator(self, sim: Simulator | None = None) -> Simulator:
        """The demo's world (unless another is given), running."""
        sim = sim or Simulator(demo_config(seed=SEED))
        return await self._stack.enter_async_context(sim)

    async def start(
        self,
        sim: Simulator | None = None,
        *,
        before: Callable[[Simulator], None] | None = None,
        demo: bool = True,
        clock: MovableClock | None = None,
        tune: Tune = quick,
        keyless: tuple[str, ...] = (),
        poll_seconds: float | None = None,
        admin: bool = True,
        read_token: str | None = None,
    ) -> Running:
        """The whole system over a simulator. ``before`` is done to the simulator before the first read."""
        sim = await self.simulator(sim)
        if before is not None:
            before(sim)
        settings = settings_for(sim, keyless=keyless, state_dir=self.folder() / "state")
        changes: dict[str, Any] = {} if admin else {"admin_token": None}
        if read_token is not None:
            changes["read_token"] = SecretStr(read_token)
        exchanges = dict(settings.exchanges)
        if poll_seconds is not None:
            for name, one in exchanges.items():
                exchanges[name] = dataclasses.replace(one, poll_seconds=dict.fromkeys(one.poll_seconds, poll_seconds))
        settings = Settings(settings.core.model_copy(update=changes), exchanges)

        def make() -> Embedded:
            return Embedded(settings, demo=demo, clock=clock, tune=tune)

        system = Running(sim, make, self.http)
        system.read_token = read_token
        self._stack.push_async_callback(system.stop)
        await system.start()
        return system


def patient(settings: Any) -> Any:
    """As quick as in the flow tests, but willing to wait a minute for an answer: who hangs is still starting."""
    settings = quick(settings)
    return dataclasses.replace(settings, timeouts=dataclasses.replace(settings.timeouts, total=60.0))


__all__ = ["ADMIN", "READER", "MovableClock", "Running", "Stage", "patient"]
