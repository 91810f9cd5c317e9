"""A system of real processes on a broker that the tests here may break, and must leave healthy."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.kafka_fixtures import brokers
from tests.process.faults.system import System, healthy


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def breakable(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """The system with nothing running but the simulated exchanges; the broker is not started."""
    folder = tmp_path_factory.mktemp("faults")
    async with brokers(folder) as make:
        broker = make()
        proxy = broker.proxied()
        await proxy.start()
        system = System(folder, broker, proxy)
        try:
            await system.prepare()
            await system.record()
            yield system
        finally:
            await system.close()


@pytest_asyncio.fixture(loop_scope="package")
async def system(breakable: System) -> System:
    """All of it running and healthy, prices and balances moving."""
    return await healthy(breakable)
