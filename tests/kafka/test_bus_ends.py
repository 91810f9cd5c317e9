"""Every publish and every stop ends within its bound, whatever the broker does, and leaves nothing behind."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable

import pytest

from bus.interface import STOP_DEADLINE_SECONDS, BusClosedError, PublishError
from bus.kafka import KafkaBus
from bus.kafka_consumer import Consumer
from bus.kafka_settings import KafkaSettings
from localkafka import Broker, Proxy
from monitoring.clock import SystemClock
from schemas import topics
from tests.contract.bus.tools import Recorder, wanted
from tests.kafka.tools import Made, no_task_is_left, started, until
from tests.kafka_fixtures import ProxiedBroker
from tests.ports import free_port

DEADLINE = 1.0
SLACK = 0.5
WAITING = 6

Fault = Callable[[Broker, Proxy], Awaitable[None]]


async def paused(broker: Broker, proxy: Proxy) -> None:
    broker.pause()


async def killed(broker: Broker, proxy: Proxy) -> None:
    await broker.kill()


async def swallowed(broker: Broker, proxy: Proxy) -> None:
    proxy.blackhole()


async def cut(broker: Broker, proxy: Proxy) -> None:
    await proxy.cut()


@pytest.mark.parametrize("fault", [paused, killed, swallowed, cut])
async def test_publish_and_stop_are_bounded_when_the_broker_is_gone(proxied_broker: ProxiedBroker, fault: Fault):
    broker, proxy = proxied_broker
    with no_task_is_left() as gone:
        async with started(proxy.bootstrap) as made:
            await made.follow([topics.WANTED, topics.BALANCES])
            commands = made.bus.follow_commands(topics.COMMANDS, Recorder(), name="commands")
            await commands.start()
            await made.bus.publish([wanted()])
            await fault(broker, proxy)
            for _ in range(2):
                began = time.monotonic()
                with pytest.raises(PublishError, match="1 facts"):
                    await made.bus.publish([wanted(seq=2)], deadline_seconds=DEADLINE)
                assert time.monotonic() - began < DEADLINE + SLACK
            # A batch is on its way, and more wait behind it, when the end comes.
            late = [
                asyncio.create_task(made.bus.publish([wanted(seq=3), wanted("ETH")], deadline_seconds=60))
                for _ in range(WAITING)
            ]
            await until(lambda: made.bus._producer.under_way == 2 * WAITING or all(task.done() for task in late))
            began = time.monotonic()
            unsent = await made.bus.stop()
            assert time.monotonic() - began < STOP_DEADLINE_SECONDS
            results = await asyncio.gather(*late, return_exceptions=True)
            assert all(isinstance(result, PublishError) for result in results)
            # A batch that failed within the time was told to its writer; who still waited at the end is counted.
            assert unsent in range(0, 2 * WAITING + 1, 2)
        await gone()
    if broker.pid is not None:
        broker.resume()


def retries(consumer: Consumer) -> bool:
    """Whether it lost its connection and waits to fetch again."""
    fetcher = consumer._fetcher
    return bool(fetcher._pending_tasks) and not any(one.connected() for one in consumer._client._conns.values())


async def test_a_stop_during_a_pending_fetch_retry_raises_nothing_and_leaves_nothing(proxied_broker: ProxiedBroker):
    """aiokafka's stop raises CancelledError out of itself then, three times in eight as measured: so again and again."""
    proxy = proxied_broker.proxy
    for _ in range(6):
        with no_task_is_left() as gone:
            async with started(proxy.bootstrap) as made:
                _, reader = await made.follow([topics.WANTED])
                consumer = reader._session.consumer
                await proxy.cut()
                await until(functools.partial(retries, consumer))
                task = asyncio.create_task(made.bus.stop())
                await asyncio.wait({task})
                assert not task.cancelled()
                assert task.result() == 0
            await gone()
        await proxy.restore()


async def test_a_stop_while_nothing_was_ever_reached_is_quick():
    with no_task_is_left() as gone:
        async with started(f"127.0.0.1:{free_port()}", ready=False) as made:
            await made.follow([topics.WANTED], live=False)
            await until(lambda: "refuses connections" in made.bus.check().reason)
            with pytest.raises(PublishError, match="refuses connections"):
                await made.bus.publish([wanted()])
            began = time.monotonic()
            assert await made.bus.stop() == 0
            assert time.monotonic() - began < 1.0
        await gone()


@pytest.mark.parametrize("steps", range(4))
async def test_a_stop_that_is_cancelled_is_cancelled_and_ends_all_the_same(kafka: str, topic_prefix: str, steps: int):
    with no_task_is_left() as gone:
        async with started(kafka, topic_prefix) as made:
            await made.follow([topics.WANTED])
            task = asyncio.create_task(made.bus.stop())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task}, timeout=STOP_DEADLINE_SECONDS)
            assert task.cancelled()
        await gone()


async def test_publishing_before_the_start_and_after_the_stop_is_refused_at_once(kafka: str, topic_prefix: str):
    made = Made(KafkaSettings(kafka, topic_prefix=topic_prefix))
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(BusClosedError):
            await made.bus.publish([wanted()])
        assert time.monotonic() - began < 0.1
        if not made.bus._started:
            await made.bus.start()
            await made.ready()
            await made.bus.stop()


async def test_two_buses_of_one_process_are_strangers(kafka: str, topic_prefix: str):
    async with started(kafka, f"{topic_prefix}1.") as one, started(kafka, f"{topic_prefix}2.") as other:
        mine, _ = await one.follow([topics.WANTED])
        theirs, _ = await other.follow([topics.WANTED])
        await one.bus.publish([wanted("BTC")])
        await other.bus.publish([wanted("ETH")])
        await mine.until(lambda seen: seen.state)
        await theirs.until(lambda seen: seen.state)
        assert (mine.state, theirs.state) == ({"main/BTC": 1}, {"main/ETH": 1})
        await one.bus.stop()
        await other.bus.publish([wanted("ETH", 2)])
        await theirs.until(lambda seen: seen.state == {"main/ETH": 2})
        assert mine.state == {"main/BTC": 1}


async def test_two_buses_on_the_same_topics_see_each_other(kafka: str, topic_prefix: str):
    async with started(kafka, topic_prefix) as one, started(kafka, topic_prefix, client_id="other") as other:
        follower, _ = await other.follow([topics.WANTED])
        await one.bus.publish([wanted("BTC", seq) for seq in range(1, 100)])
        await follower.until(lambda seen: seen.seqs("main/BTC") == list(range(1, 100)))


async def test_the_end_is_said_to_who_waits_for_it(kafka: str, topic_prefix: str):
    async with started(kafka, topic_prefix) as made:
        waiting = asyncio.create_task(made.bus.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        await made.bus.stop()
        await asyncio.wait_for(waiting, 1)
        assert made.bus.check().reason == "the bus has stopped"
    assert isinstance(made.bus, KafkaBus)
    assert SystemClock().monotonic() > 0
