"""Errors that a broker answers with, one by one: what is tried again, what is given up, and what ends the process."""

import asyncio
import time

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from bus.interface import NotAuthorisedError, PublishError, ReaderState
from bus.kafka import KafkaBus
from bus.kafka_settings import KafkaSettings
from monitoring.clock import SystemClock
from monitoring.metrics import BusMetrics
from schemas import topics
from schemas.topics import TOPICS
from tests.contract.bus.tools import Recorder, eventually, wanted
from tests.kafka.mockcluster import (
    CORRUPT,
    FETCH,
    NOT_AUTHORISED,
    NOT_LEADER,
    OFFSET_OUT_OF_RANGE,
    PRODUCE,
    TIMED_OUT,
    TOO_LARGE,
    UNKNOWN_TOPIC,
    MockCluster,
)


@pytest.fixture
async def cluster():
    made = MockCluster({name: topic.partitions for name, topic in TOPICS.items()})
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
async def bus(cluster, registry):
    made = KafkaBus(KafkaSettings(cluster.bootstrap), BusMetrics(registry), SystemClock(), client_id="errors")
    made._watch._verified = True  # The mock has our topics, and no settings to verify.
    await made.start()
    await eventually(lambda: made.check().ready)
    yield made
    await made.stop()


async def following(bus, follower):
    reader = bus.follow_state([topics.WANTED], follower, name="errors")
    await reader.start()
    await asyncio.wait_for(reader.live(), 10)
    return reader


async def test_a_partition_without_leader_is_tried_again_and_delivered(bus, cluster):
    await bus.publish([wanted("ETH")])
    await cluster.answer_with(PRODUCE, *[NOT_LEADER] * 5)
    await bus.publish([wanted("BTC", 7)])
    follower = Recorder()
    reader = await following(bus, follower)
    assert follower.state == {"main/ETH": 1, "main/BTC": 7}
    await reader.stop()


async def test_a_broker_that_times_out_for_long_meets_the_deadline_and_the_newest_goes_out_later(bus, cluster):
    await bus.publish([wanted("ETH")])
    await cluster.answer_with(PRODUCE, *[TIMED_OUT] * 30)
    began = time.monotonic()
    with pytest.raises(PublishError) as caught:
        await bus.publish([wanted("BTC", 1)])
    assert time.monotonic() - began < 3.5
    assert caught.value.unsent == 1
    assert not caught.value.refused
    async with asyncio.timeout(20):
        while True:
            try:
                await bus.publish([wanted("BTC", 2)])
                break
            except PublishError:
                continue
    follower = Recorder()
    reader = await following(bus, follower)
    assert follower.state["main/BTC"] == 2
    await reader.stop()


async def test_a_record_the_broker_finds_too_large_is_named_and_not_tried_again_and_others_go_on(
    bus, cluster, registry
):
    await bus.publish([wanted("ETH")])
    await cluster.answer_with(PRODUCE, TOO_LARGE, TOO_LARGE)
    with capture_logs() as logs, pytest.raises(PublishError) as caught:
        await bus.publish([wanted("BTC", 1)])
    assert [fact.key for fact in caught.value.refused] == ["main/BTC"]
    (line,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert line["topic"] == "spark.wanted"
    assert line["key"] == "main/BTC"
    assert line["size_bytes"] == len(wanted("BTC", 1).value or b"")
    assert registry.get_sample_value("spark_bus_refused_records_total", {"topic": "spark.wanted"}) == 1
    await bus.publish([wanted("ADA")])


async def test_one_that_is_too_large_does_not_take_the_others_of_its_batch_along(bus, cluster):
    await bus.publish([wanted("ETH")])
    # The batch of both is refused, then the first by itself; the second by itself is taken.
    await cluster.answer_with(PRODUCE, TOO_LARGE, TOO_LARGE, 0)
    with pytest.raises(PublishError) as caught:
        await bus.publish([wanted("BTC", 1), wanted("ADA", 1)])
    assert [fact.key for fact in caught.value.refused] == ["main/BTC"]
    follower = Recorder()
    reader = await following(bus, follower)
    assert follower.state == {"main/ETH": 1, "main/ADA": 1}
    await reader.stop()


async def test_a_broker_that_does_not_let_us_write_ends_the_bus(bus, cluster):
    await bus.publish([wanted("ETH")])
    await cluster.answer_with(PRODUCE, NOT_AUTHORISED)
    with pytest.raises(PublishError, match="permit Write"):
        await bus.publish([wanted("BTC")])
    with pytest.raises(NotAuthorisedError, match=r"spark\.wanted"):
        await asyncio.wait_for(bus.wait(), 5)
    assert "failed" in bus.check().reason


async def test_a_broker_that_does_not_let_us_read_ends_the_bus(bus, cluster):
    reader = await following(bus, Recorder())
    await cluster.answer_with(FETCH, NOT_AUTHORISED)
    with pytest.raises(NotAuthorisedError, match="permit Read"):
        await asyncio.wait_for(bus.wait(), 5)
    assert reader.state is ReaderState.FAILED
    await reader.stop()


async def test_an_offset_out_of_range_is_looked_into_and_nothing_is_missed(bus, cluster, registry):
    await bus.publish([wanted(f"A{n}") for n in range(20)])
    follower = Recorder()
    reader = await following(bus, follower)
    await cluster.answer_with(FETCH, OFFSET_OUT_OF_RANGE)
    await eventually(lambda: registry.get_sample_value("spark_bus_out_of_range_total", {"reader": "errors"}))
    await bus.publish([wanted("later")])
    await follower.until(lambda it: "main/later" in it.state)
    assert len(follower.state) == 21
    assert reader.state is ReaderState.LIVE
    await reader.stop()


async def test_a_topic_that_is_unknown_for_a_while_is_waited_for(bus, cluster):
    follower = Recorder()
    reader = await following(bus, follower)
    await cluster.answer_with(FETCH, *[UNKNOWN_TOPIC] * 5)
    await bus.publish([wanted("BTC")])
    await follower.until(lambda it: "main/BTC" in it.state)
    assert reader.state is ReaderState.LIVE
    await reader.stop()


async def test_what_the_broker_cannot_read_is_never_stepped_over(bus, cluster):
    follower = Recorder()
    reader = await following(bus, follower)
    await cluster.answer_with(FETCH, *[CORRUPT] * 3000)
    await bus.publish([wanted("BTC")])
    async with asyncio.timeout(40):
        while reader.state is not ReaderState.FAILED:  # noqa: ASYNC110 - a state has no event
            await asyncio.sleep(0.05)
    assert not follower.facts
    assert "does not give" in reader.reason or "checksum" in reader.reason
    await reader.stop()
