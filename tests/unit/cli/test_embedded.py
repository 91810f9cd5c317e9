"""The whole in one process: what goes wrong below is seen where operators look."""

import asyncio
import time
from pathlib import Path

import aiohttp

from cli.embedded import Embedded
from cli.settings.core import CoreSettings
from cli.settings.load import Settings
from schemas.encoding import Encoded
from schemas.topics import WANTED
from tests.ports import free_port


async def test_a_state_file_that_cannot_be_written_is_a_warning_of_readiness(tmp_path: Path) -> None:
    core = CoreSettings(api_port=free_port(), state_dir=tmp_path / "state")
    system = Embedded(Settings(core, {}), demo=False)
    await system.start()
    try:
        async with aiohttp.ClientSession() as http:

            async def ready() -> tuple[int, dict]:
                async with http.get(system.url + "/ready") as response:
                    return response.status, await response.json()

            ends_at = time.monotonic() + 10
            while (await ready())[0] != 200:
                assert time.monotonic() < ends_at
                await asyncio.sleep(0.02)  # The pace of asking.
            assert "warnings" not in (await ready())[1]
            storage = system.bus._storage
            await storage._thread.submit(lambda: storage._file._connection.execute("PRAGMA query_only = ON"))
            await system.bus.publish([Encoded(WANTED, "main/BTC", b"{}")])
            status, body = await ready()
            assert status == 200, "it goes on in memory"
            assert "portfolio.sqlite" in body["warnings"]["bus"]
    finally:
        await system.stop()


async def test_without_its_bus_it_is_not_ready(tmp_path: Path) -> None:
    core = CoreSettings(api_port=free_port(), state_dir=tmp_path / "state")
    system = Embedded(Settings(core, {}), demo=False)
    assert system.readiness.failing()["bus"] == "the bus is not started"
