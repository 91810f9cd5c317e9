"""A process of the fleet: started again when it dies, not when that is of no use, ended when it is told."""

import asyncio
import os
import signal
import sys
import time

import pytest

from cli.child import Child
from cli.exits import Exit
from tests.ports import free_ports

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "SYSTEMROOT") if name in os.environ}


async def until(condition) -> None:
    ends_at = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends_at
        await asyncio.sleep(0.02)  # The pace of looking.


async def listens(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


async def test_wrong_use_is_final_and_its_sentence_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    child = Child("collector nosuch", ["collector", "nosuch"], ENVIRONMENT)
    assert await asyncio.wait_for(child.run(), 20) == Exit.WRONG_USE
    assert "there is no collector 'nosuch'" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="signals are a POSIX matter")
async def test_it_comes_back_when_it_is_killed_and_ends_when_it_is_told() -> None:
    port = free_ports(3)
    child = Child("simulator", ["simulator", "--port", str(port), "--child"], ENVIRONMENT)
    running = asyncio.create_task(child.run())
    await listens(port)
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: child.pid not in {first, None})
    await listens(port)
    child.end()
    assert await asyncio.wait_for(running, 6) == Exit.CLEAN
    assert child.pid is None


@pytest.mark.skipif(os.name != "posix", reason="signals are a POSIX matter")
async def test_ended_before_it_had_begun_it_ended_cleanly() -> None:
    child = Child("simulator", ["simulator", "--port", str(free_ports(3)), "--child"], ENVIRONMENT)
    running = asyncio.create_task(child.run())
    await until(lambda: child.pid is not None)
    child.end()  # It is busy with its imports: nobody there hears of signals yet.
    assert await asyncio.wait_for(running, 6) == Exit.CLEAN


async def test_it_is_not_started_again_after_it_was_told_to_end() -> None:
    child = Child("token", ["token"], ENVIRONMENT)  # It ends by itself at once, and waits to be started again.
    running = asyncio.create_task(child.run())
    await until(lambda: child.pid is not None)
    await until(lambda: child.pid is None)
    child.end()
    assert await asyncio.wait_for(running, 6) == Exit.CLEAN


@pytest.mark.skipif(os.name != "posix", reason="signals are a POSIX matter")
async def test_a_child_ends_when_its_parent_is_killed() -> None:
    port = free_ports(3)
    program = (
        "import asyncio, os\n"
        "from cli.child import Child\n"
        f"asyncio.run(Child('s', ['simulator', '--port', '{port}', '--child'], dict(os.environ)).run())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=ENVIRONMENT, stdin=asyncio.subprocess.DEVNULL
    )
    await listens(port)
    parent.kill()
    await parent.wait()

    def gone() -> bool:
        import socket

        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    await until(gone)
