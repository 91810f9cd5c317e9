"""What was acknowledged is there after a restart, and after a kill."""

import asyncio
import os
import random
import sys
from pathlib import Path

import pytest

from schemas import topics
from schemas.encoding import tombstone
from tests.contract.bus import publisher
from tests.contract.bus.tools import Recorder, snapshot, wanted

ROOT = Path(__file__).parents[3]
ROUNDS = 4


async def newest(bus) -> dict[str, int]:
    follower = Recorder()
    reader = bus.follow_state([topics.WANTED, topics.BALANCES], follower, name="check")
    await reader.start()
    await asyncio.wait_for(reader.live(), 10)
    await reader.stop()
    return follower.state


@pytest.mark.needs("restart")
async def test_a_restart_keeps_what_was_acknowledged(harness, bus):
    for seq in (1, 2):
        await bus.publish([wanted("BTC", seq), wanted("ETH", seq), snapshot(seq=seq)])
    await bus.publish([tombstone(topics.WANTED, "main/ETH")])
    for _ in range(2):
        bus = await harness.restart_bus()
        assert await newest(bus) == {"main/BTC": 2, "main/binance/main/spot": 2}
    await bus.publish([wanted("ETH", 3), wanted("BTC", 3)])
    bus = await harness.restart_bus()
    assert await newest(bus) == {"main/BTC": 3, "main/ETH": 3, "main/binance/main/spot": 2}


@pytest.mark.needs("processes")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
async def test_a_kill_loses_nothing_that_was_acknowledged(harness):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    where = harness.child()
    await harness.bus.stop()
    acknowledged = 0
    for _ in range(ROUNDS):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(publisher.__file__)),
            *where,
            str(acknowledged + 1),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert child.stdout is not None
        first = acknowledged
        stop_after = moments.randrange(1, 40)
        async with asyncio.timeout(20):
            while acknowledged < first + stop_after:
                acknowledged = int(await child.stdout.readline())
            # Somewhere within the next transaction, or between two.
            await asyncio.sleep(moments.random() * 0.02)
            child.kill()
            rest = await child.stdout.read()
            await child.wait()
        whole = rest.rpartition(b"\n")[0].split()
        acknowledged = int(whole[-1]) if whole else acknowledged
        harness.bus = harness.make_bus()
        await harness.bus.start()
        found = await newest(harness.bus)
        assert len(found) == publisher.KEYS
        # Of the batch after the last that was said there may be any part; nothing is older than what was said.
        assert set(found.values()) <= {acknowledged, acknowledged + 1}
        acknowledged = max(found.values())
        assert await harness.bus.stop() == 0
