"""Fixtures: a demo world on free ports, and a client."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest

from simulator import Simulator, SimulatorConfig, demo_config
from tests.unit.simulator.client import Client

Build = Callable[..., Awaitable[Client]]


class Clock:
    """Real time, as a test wants it."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def build() -> AsyncIterator[Build]:
    """Start a simulator of any configuration and return a client for it."""
    async with AsyncExitStack() as stack:

        async def start(config: SimulatorConfig | None = None, wall: Callable[[], float] | None = None) -> Client:
            sim = Simulator(config or demo_config(7), wall=wall) if wall else Simulator(config or demo_config(7))
            await stack.enter_async_context(sim)
            return Client(sim, await stack.enter_async_context(aiohttp.ClientSession()))

        yield start


@pytest.fixture
async def client(build: Build) -> Client:
    return await build()


@pytest.fixture
def sim(client: Client) -> Simulator:
    return client.sim
