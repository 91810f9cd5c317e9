"""What is the local bus's own: bounds, retention, disks that fail, and an end in time."""

import asyncio
import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bus import local, newest
from bus.backlog import COMMANDS_WAITING_MAX
from bus.interface import BusClosedError, BusError, PublishError, ReaderState
from bus.local import DEAD_LETTERS_MAX
from bus.storage import STORAGE_RETRY_SECONDS
from schemas import topics
from schemas.encoding import Encoded, encode
from schemas.events import PriceQuote
from schemas.fields import milliseconds
from tests.contract.bus.tools import Recorder, command, eventually, snapshot, wanted
from tests.unit.bus.tools import HandClock, Made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "bus.sqlite"


@contextlib.asynccontextmanager
async def running(path: Path | None = None, clock: HandClock | None = None):
    made = Made(path, clock)
    await made.bus.start()
    try:
        yield made
    finally:
        await made.bus.stop()


@contextlib.asynccontextmanager
async def stalled(made: Made):
    gate = threading.Event()
    held = made.bus._storage._thread.submit(lambda: gate.wait(30))
    try:
        yield
    finally:
        gate.set()
        await held


async def state_of(bus, *followed) -> dict[str, int]:
    follower = Recorder()
    reader = bus.follow_state(followed or [topics.WANTED, topics.PRICES, topics.BALANCES], follower, name="check")
    await reader.start()
    await asyncio.wait_for(reader.live(), 10)
    await reader.stop()
    return follower.state


def price(base: str, clock: HandClock) -> Encoded:
    now = clock.now()
    return encode(
        PriceQuote.model_validate(
            {
                "epoch": 0,
                "seq": milliseconds(now),
                "published_at": now,
                "exchange": "binance",
                "base": base,
                "quote": "USDT",
                "price": "1",
                "priced_at": now,
            }
        )
    )


async def test_a_slow_reader_is_spared_what_is_older():
    async with running() as made:
        follower = Recorder()
        reader = made.bus.follow_state([topics.WANTED], follower, name="test")
        await reader.start()
        await reader.live()
        await made.bus.publish([wanted(seq=seq) for seq in range(1, 101)])
        await follower.until(lambda it: it.state == {"main/BTC": 100})
        assert len(follower.facts) == 1
        assert made.sample("spark_bus_conflated_total") == 99


async def test_a_flood_of_commands_loses_the_oldest_and_is_counted():
    async with running() as made:
        follower = Recorder()
        reader = made.bus.follow_commands(topics.COMMANDS, follower, name="test")
        await reader.start()
        await made.bus.publish([command(f"c{n}") for n in range(COMMANDS_WAITING_MAX + 7)])
        await follower.until(lambda it: len(it.commands) == COMMANDS_WAITING_MAX)
        assert follower.commands[0].id == "c7"
        assert made.sample("spark_bus_commands_dropped_total") == 7


async def test_the_newest_dead_letters_are_kept(monkeypatch):
    async with running() as made:
        for n in range(DEAD_LETTERS_MAX + 5):
            letter = {"epoch": 1, "seq": n, "published_at": "2026-11-22T10:00:00.000Z", "source": "a", "message": ""}
            letter |= {"reason": "invalid", "size_bytes": 0, "sha256": "0" * 64, "head": ""}
            await made.bus.publish([encode(local.DeadLetter.model_validate(letter))])
        assert [letter.seq for letter in made.bus.dead_letters()] == list(range(5, DEAD_LETTERS_MAX + 5))


async def test_a_writer_in_a_tight_loop_lets_the_readers_run():
    async with running() as made:
        follower = Recorder()
        reader = made.bus.follow_state([topics.WANTED], follower, name="test")
        await reader.start()
        for seq in range(1, 51):
            await made.bus.publish([wanted(seq=seq)])
        assert len(follower.facts) > 10


async def test_more_keys_than_it_keeps_are_refused(monkeypatch):
    monkeypatch.setattr(newest, "KEYS_PER_TOPIC_MAX", 3)
    async with running() as made:
        await made.bus.publish([wanted(asset) for asset in "abc"])
        with pytest.raises(PublishError, match=r"spark\.wanted would hold more than 3 keys") as caught:
            await made.bus.publish([wanted("a", 2), wanted("d")])
        assert caught.value.unsent == 2
        assert await state_of(made.bus) == {"main/a": 1, "main/b": 1, "main/c": 1}
        await made.bus.publish([wanted("a", 2), snapshot()])


async def test_what_waits_for_a_slow_disk_is_bounded(path, monkeypatch):
    monkeypatch.setattr(local, "WAITING_FACTS_MAX", 5)
    async with running(path) as made:
        async with stalled(made):
            first = asyncio.create_task(made.bus.publish([wanted(f"A{n}") for n in range(6)]))
            await asyncio.sleep(0)
            with pytest.raises(PublishError, match="too slow"):
                await made.bus.publish([wanted("B")])
            await made.bus.publish([command("c1")])
        await first
        await made.bus.publish([wanted("B")])


async def test_batches_that_wait_are_written_together(path):
    async with running(path) as made:
        async with stalled(made):
            waiting = [asyncio.create_task(made.bus.publish([wanted(f"A{n}")])) for n in range(50)]
            await asyncio.sleep(0)
        commits = 0
        write = made.bus._storage._file.write

        def counted(records):
            nonlocal commits
            commits += 1
            write(records)

        made.bus._storage._file.write = counted
        await asyncio.gather(*waiting)
        assert commits <= 2


async def test_who_gave_up_waiting_does_not_lose_the_batch(path):
    async with running(path) as made:
        async with stalled(made):
            task = asyncio.create_task(made.bus.publish([wanted()]))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await made.bus.publish([wanted("ETH")])
        assert await state_of(made.bus) == {"main/BTC": 1, "main/ETH": 1}
    async with running(path) as made:
        assert await state_of(made.bus) == {"main/BTC": 1, "main/ETH": 1}


async def test_the_end_is_bounded_and_counts_what_was_left(path, monkeypatch):
    monkeypatch.setattr(local, "_FILE_CLOSING_SECONDS", 0.05)
    made = Made(path)
    await made.bus.start()
    reader = made.bus.follow_state([topics.WANTED], Recorder(), name="test")
    await reader.start()
    async with stalled(made):
        waiting = asyncio.create_task(made.bus.publish([wanted(), wanted("ETH")]))
        await asyncio.sleep(0)
        assert await asyncio.wait_for(made.bus.stop(), 5) == 2
        with pytest.raises(BusClosedError) as caught:
            await waiting
        assert caught.value.unsent == 2
        assert reader.state is ReaderState.UNSTARTED
    with pytest.raises(BusError, match="stopped"):
        await reader.start()


async def test_the_end_waits_for_what_is_being_written(path):
    made = Made(path)
    await made.bus.start()
    waiting = [asyncio.create_task(made.bus.publish([wanted(f"A{n}")])) for n in range(20)]
    await asyncio.sleep(0)
    assert await made.bus.stop() == 0
    await asyncio.gather(*waiting)
    async with running(path) as again:
        assert len(await state_of(again.bus)) == 20


async def test_a_bus_is_started_once_and_stopped_as_often_as_one_likes(path):
    made = Made(path)
    assert await made.bus.stop() == 0
    made = Made(path)
    await made.bus.start()
    with pytest.raises(BusError, match="once"):
        await made.bus.start()
    assert made.bus.name == "local"
    assert await made.bus.stop() == 0
    assert await made.bus.stop() == 0


async def test_a_file_that_cannot_be_used_is_said_at_the_start(path):
    path.parent.mkdir()
    path.write_bytes(b"my diary" * 1_000)
    made = Made(path)
    with pytest.raises(BusError, match="move it away"):
        await made.bus.start()
    assert await made.bus.stop() == 0


@pytest.mark.parametrize(
    ("fault", "mend"),
    [
        ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000"),
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
    ],
    ids=["disk full", "read-only"],
)
async def test_a_disk_that_fails_does_not_stop_the_portfolio(path, fault, mend):
    async with running(path) as made:
        follower = Recorder()
        reader = made.bus.follow_state([topics.WANTED, topics.BALANCES], follower, name="test")
        await reader.start()
        await made.bus.publish([wanted("BTC"), wanted("GONE")])
        assert not made.bus.degraded_reason
        await made.sql(fault)
        big = Encoded(topics.BALANCES, "main/binance/main/big", b"x" * 200_000)
        with capture_logs() as logs:
            await made.bus.publish([wanted("BTC", 2), big])
            await made.bus.publish([wanted("BTC", 3), Encoded(topics.WANTED, "main/GONE", None)])
            await follower.until(lambda it: it.state == {"main/BTC": 3})
            assert made.sample("spark_bus_storage_failures_total") == 1, "between tries it is not asked"
            made.clock.move(seconds=STORAGE_RETRY_SECONDS)
            await made.bus.publish([wanted("BTC", 4)])
            assert made.sample("spark_bus_storage_failures_total") == 2
            assert str(path) in made.bus.degraded_reason
            await made.sql(mend)
            made.clock.move(seconds=STORAGE_RETRY_SECONDS)
            await made.bus.publish([wanted("ETH")])
        assert not made.bus.degraded_reason
        told = [entry["event"] for entry in logs if "state file" in entry["event"]]
        assert len(told) == 2
        await reader.stop()
    async with running(path) as made:
        assert await state_of(made.bus, topics.WANTED) == {"main/BTC": 4, "main/ETH": 1}


async def test_what_only_memory_held_is_written_at_the_end_if_it_can_be(path):
    async with running(path) as made:
        await made.sql("PRAGMA query_only = ON")
        await made.bus.publish([wanted()])
        await made.sql("PRAGMA query_only = OFF")
    async with running(path) as made:
        assert await state_of(made.bus) == {"main/BTC": 1}
        await made.sql("PRAGMA query_only = ON")
        with capture_logs() as logs:
            await made.bus.publish([wanted(seq=2)])
            await made.bus.stop()
        assert any("lacks the newest" in entry["event"] for entry in logs)


async def test_prices_of_yesterday_are_gone_after_a_restart_and_balances_are_not(path):
    clock = HandClock()
    async with running(path, clock) as made:
        await made.bus.publish([price("OLD", clock), snapshot()])
        clock.move(hours=20)
        await made.bus.publish([price("NEW", clock)])
    clock.move(hours=5)
    async with running(path, clock) as made:
        assert set(await state_of(made.bus)) == {"binance/NEW/USDT", "main/binance/main/spot"}
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM records").fetchone() == (2,)


async def test_prices_expire_while_running_and_a_newer_one_on_its_way_stays(path):
    clock = HandClock()
    async with running(path, clock) as made:
        await made.bus.publish([price("OLD", clock), price("QUOTED", clock)])
        clock.move(hours=25)
        async with stalled(made):
            newer = asyncio.create_task(made.bus.publish([price("QUOTED", clock)]))
            await asyncio.sleep(0)
            made.bus._expire()
            assert not await state_of(made.bus)
        await newer
        assert set(await state_of(made.bus)) == {"binance/QUOTED/USDT"}
    async with running(path, clock) as made:
        assert set(await state_of(made.bus)) == {"binance/QUOTED/USDT"}


async def test_expiry_runs_by_itself_now_and_then():
    async with running() as made:
        await made.bus.publish([price("OLD", made.clock)])
        made.clock.move(hours=25)
        await made.bus.publish([wanted()])
        assert set(await state_of(made.bus)) == {"main/BTC"}


async def test_records_of_a_topic_of_tomorrow_stay_in_the_file(path):
    async with running(path) as made:
        await made.bus.publish([wanted()])
        await made.sql("INSERT INTO records SELECT 'spark.tomorrow', key, value, position, written_at FROM records")
    async with running(path) as made:
        assert await state_of(made.bus) == {"main/BTC": 1}
        assert await made.sql("SELECT count(*) FROM records") == [[(2,)]]


async def test_a_reader_that_ended_is_given_up(monkeypatch):
    def broken(*_: object) -> None:
        raise KeyError

    async with running() as made:
        follower = Recorder()
        reader = made.bus.follow_state([topics.WANTED], follower, name="test")
        await reader.start()
        await reader.stop()
        assert not made.bus._readers, "stopped before its first step"
        await reader.start()
        await reader.live()
        follower.during = broken
        await made.bus.publish([wanted()])
        await eventually(lambda: reader.state is ReaderState.FAILED)
        await eventually(lambda: not made.bus._readers)
        await reader.stop()


async def test_a_reader_that_breaks_says_so(monkeypatch):
    async with running() as made:
        reader = made.bus.follow_state([topics.WANTED], Recorder(), name="test")

        def pop(*_: object) -> None:
            raise MemoryError

        monkeypatch.setattr(local.StateBacklog, "pop", pop)
        await reader.start()
        await made.bus.publish([wanted()])
        with capture_logs():
            await eventually(lambda: reader.state is ReaderState.FAILED)
        assert "MemoryError" in reader.reason
        await reader.stop()
