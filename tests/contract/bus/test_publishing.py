"""What it means that a batch was published."""

import asyncio

import pytest

from bus.interface import BATCH_RECORDS_MAX, BusClosedError, PublishError
from schemas import topics
from schemas.encoding import Encoded
from tests.contract.bus.tools import Recorder, command, snapshot, wanted


async def test_records_of_a_key_arrive_in_order_and_the_newest_last(bus):
    follower = Recorder()
    reader = bus.follow_state([topics.WANTED], follower, name="test")
    await reader.start()
    for start in range(1, 200, 20):
        await bus.publish([wanted(asset, seq) for seq in range(start, start + 20) for asset in ("BTC", "ETH")])
    await follower.until(lambda it: it.state == {"main/BTC": 200, "main/ETH": 200})
    for key in ("main/BTC", "main/ETH"):
        assert follower.seqs(key) == sorted(set(follower.seqs(key)))
    await reader.stop()


async def test_a_batch_is_acknowledged_as_a_whole(bus):
    await bus.publish([wanted(f"A{n}") for n in range(1_200)] + [snapshot()])
    follower = Recorder()
    reader = bus.follow_state([topics.WANTED, topics.BALANCES], follower, name="test")
    await reader.start()
    await reader.live()
    assert len(follower.state) == 1_201
    assert max(follower.batches) <= BATCH_RECORDS_MAX
    await reader.stop()


async def test_batches_of_many_writers_all_arrive(bus):
    follower = Recorder()
    reader = bus.follow_state([topics.WANTED], follower, name="test")
    await reader.start()
    await asyncio.gather(*(bus.publish([wanted(f"A{n}", seq) for seq in (1, 2, 3)]) for n in range(100)))
    await follower.until(lambda it: it.state == {f"main/A{n}": 3 for n in range(100)})
    await reader.stop()


async def test_published_facts_are_counted(harness, bus):
    await bus.publish([wanted("BTC"), wanted("ETH"), snapshot()])
    assert harness.sample("spark_bus_published_total", topic="spark.wanted") == 2
    assert harness.sample("spark_bus_published_total", topic="spark.balances") == 1
    assert harness.sample("spark_bus_publish_duration_seconds_count") == 1


async def test_nothing_to_publish_is_published(bus):
    await bus.publish([])


@pytest.mark.needs("stall")
async def test_a_batch_that_is_not_acknowledged_in_time_is_an_error(harness, bus):
    async with harness.stalled():
        with pytest.raises(PublishError) as caught:
            await bus.publish([wanted("BTC"), wanted("ETH")], deadline_seconds=0.1)
        assert caught.value.unsent == 2
    await bus.publish([wanted("BTC", 2), wanted("ETH", 2)])
    follower = Recorder()
    reader = bus.follow_state([topics.WANTED], follower, name="test")
    await reader.start()
    await reader.live()
    assert follower.state == {"main/BTC": 2, "main/ETH": 2}
    await reader.stop()


@pytest.mark.needs("stall")
async def test_nothing_is_acknowledged_before_it_is_durable(harness, bus):
    async with harness.stalled():
        publishing = asyncio.create_task(bus.publish([wanted()]))
        done, _ = await asyncio.wait({publishing}, timeout=0.1)
        assert not done
    await publishing


async def test_a_bus_that_is_not_started_or_has_stopped_refuses(harness):
    bus = harness.make_bus()
    with pytest.raises(BusClosedError) as caught:
        await bus.publish([wanted(), wanted("ETH")])
    assert caught.value.unsent == 2
    await harness.bus.publish([wanted()])
    assert await harness.bus.stop() == 0
    with pytest.raises(BusClosedError):
        await harness.bus.publish([wanted()])
    assert await harness.bus.stop() == 0


@pytest.mark.parametrize(
    "fact",
    [
        Encoded(topics.WANTED, "main/BTC", b"x" * (topics.WANTED.record_bytes_max + 1)),
        Encoded(topics.WANTED, "", b"{}"),
        Encoded(topics.WANTED, "x" * 2_000, b"{}"),
        Encoded(topics.COMMANDS, "binance", None),
    ],
    ids=["too large", "no key", "key too large", "tombstone of a command"],
)
async def test_a_fact_that_cannot_be_is_refused(bus, fact):
    with pytest.raises(PublishError) as caught:
        await bus.publish([wanted("ETH"), fact])
    assert caught.value.unsent == 2
    await bus.publish([wanted("ETH"), command("c1")])
