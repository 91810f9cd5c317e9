"""A broker that is not there yet, goes away, hangs or comes back: readers say so, go on, and miss nothing."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic

from bus.interface import PublishError, ReaderState
from bus.kafka_close import close
from bus.kafka_consumer import Consumer
from bus.kafka_settings import KafkaSettings, consumer_options
from localkafka import free_port
from schemas import topics
from tests.contract.bus.tools import Recorder, wanted
from tests.kafka.tools import Made, admin_of, foreign_producer, records_of, started, until
from tests.kafka_fixtures import MakeBroker, ProxiedBroker

READY_AFTER_START_SECONDS = 3.0
CAUGHT_UP_AFTER_RETURN_SECONDS = 2.0
MORE_THAN_A_FETCH = 20_000


async def test_it_starts_without_a_broker_and_is_ready_soon_after_it(broker: MakeBroker):
    one = broker()
    async with started(one.bootstrap, ready=False) as made:
        follower, reader = await made.follow([topics.WANTED], live=False)
        await until(lambda: reader.state is ReaderState.DEGRADED)
        assert "refuses connections: nothing listens there" in made.bus.check().reason
        assert made.bus.check().reason.startswith("loading: ")
        await one.start()
        assert await until(lambda: made.bus.check().ready, 10) < READY_AFTER_START_SECONDS
        await asyncio.wait_for(reader.live(), CAUGHT_UP_AFTER_RETURN_SECONDS)
        await made.bus.publish([wanted()])
        await follower.until(lambda seen: seen.state)
        assert made.sample("spark_bus_topics_made_total") == 7


async def load(made: Made, acknowledged: list[int]) -> None:
    """Publish one after the other, for ever; what fails is published again, as every writer does."""
    seq = 1
    while True:
        try:
            await made.bus.publish([wanted("BTC", seq)])
        except PublishError:
            await asyncio.sleep(0.05)
            continue
        acknowledged.append(seq)
        seq += 1


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["cut", "blackhole"])
async def test_a_reader_goes_on_where_it_was_after_a_cut_and_after_silence(proxied_broker: ProxiedBroker, fault: str):
    proxy = proxied_broker.proxy
    async with started(proxy.bootstrap) as made:
        follower, reader = await made.follow([topics.WANTED, topics.BALANCES])
        acknowledged: list[int] = []
        task = asyncio.create_task(load(made, acknowledged))
        await follower.until(lambda seen: len(seen.facts) > 50)
        if fault == "cut":
            await proxy.cut()
        else:
            proxy.blackhole()
        # Foreign records meanwhile, past the fault.
        async with foreign_producer(proxied_broker.broker.bootstrap) as other:
            for seq in range(1, 30):
                fact = wanted("ETH", seq)
                await other.send_and_wait(fact.topic.name, fact.value, key=fact.key.encode(), partition=0)
        took = await until(lambda: reader.state is ReaderState.DEGRADED, 10)
        assert "Kafka does not answer" in reader.reason
        assert made.bus.check().reason.startswith("degraded: ")
        await asyncio.sleep(max(0.0, 5.0 - took))  # The outage itself: five seconds at least.
        assert "main/ETH" not in follower.state
        told = len(acknowledged)
        await proxy.restore()
        took = await until(lambda: follower.state.get("main/ETH") == 29 and reader.state is ReaderState.LIVE)
        assert took < CAUGHT_UP_AFTER_RETURN_SECONDS
        await until(lambda: made.bus.check().ready and len(acknowledged) > told + 10)
        task.cancel()
        await asyncio.wait({task})
        await follower.until(lambda seen: seen.state["main/BTC"] >= acknowledged[-1])
        await until(lambda: made.sample("spark_bus_reader_lag_records", reader="reader") == 0)
        assert set(acknowledged) <= set(follower.seqs("main/BTC"))
        assert made.states["reader"] == [ReaderState.LOADING, ReaderState.LIVE, ReaderState.DEGRADED, ReaderState.LIVE]
        assert follower.given_at_caught_up == [0]
        assert follower.resets == []


@pytest.mark.slow
async def test_while_loading_it_stays_degraded_until_the_broker_is_back(proxied_broker: ProxiedBroker):
    """The consumer asks every second by itself, and must not take that for an answer."""
    broker, proxy = proxied_broker
    async with started(proxy.bootstrap) as made:
        await made.bus.publish([wanted("BTC", seq) for seq in range(1, MORE_THAN_A_FETCH)])
        follower = Recorder()
        gate = asyncio.Event()
        _, reader = await made.follow([topics.WANTED], follower, live=False)
        take = reader.take

        async def slowly(records):
            await take(records[:10])
            broker.pause()
            await gate.wait()
            await take(records[10:])

        reader.take = slowly
        await until(lambda: follower.facts)
        await until(lambda: reader.state is ReaderState.DEGRADED, 15)
        gate.set()
        reader.take = take
        began = time.monotonic()
        while time.monotonic() - began < 4:  # Several of its own questions, all unanswered.
            assert reader.state is ReaderState.DEGRADED
            await asyncio.sleep(0.05)
        broker.resume()
        await asyncio.wait_for(reader.live(), 10)
        assert follower.state == {"main/BTC": MORE_THAN_A_FETCH - 1}
        assert made.states["reader"].count(ReaderState.DEGRADED) == 1


@pytest.mark.slow
@pytest.mark.parametrize("death", ["cancelled", "failed"])
async def test_a_consumer_that_stands_still_is_replaced(kafka: str, topic_prefix: str, death: str):
    """Its fetching can end without a word (aiokafka #983, #1154): only the watch sees that records are waiting."""
    async with started(kafka, topic_prefix) as made:
        follower, reader = await made.follow([topics.WANTED])
        await made.bus.publish([wanted("BTC", 1)])
        await follower.until(lambda seen: seen.state)
        consumer = reader._session.consumer
        if death == "cancelled":
            consumer._fetcher._fetch_task.cancel()
        else:
            consumer._fetcher._get_actions_per_node = None
        seq = 1
        async with asyncio.timeout(20):
            # A question that was under way may still be answered, with all there is then: so there is always more.
            while reader._session is None or reader._session.consumer is consumer:
                seq += 1
                await made.bus.publish([wanted("BTC", seq)])
                await asyncio.sleep(0.1)  # The pace of publishing.
        assert consumer._fetcher._fetch_task.done()
        await follower.until(lambda seen: seen.state == {"main/BTC": seq})
        assert made.sample("spark_bus_sessions_lost_total", reader="reader") == 1
        assert follower.seqs("main/BTC") == [*range(1, seq + 1)]
        assert follower.given_at_caught_up == [0]
        await asyncio.wait_for(reader.live(), 2)


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """It listens, and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        yield f"127.0.0.1:{listening.getsockname()[1]}"


async def test_one_of_several_servers_that_swallows_everything_hides_none_of_the_others(kafka: str, topic_prefix: str):
    for count in range(3):
        async with silent_server() as silent:
            began = time.monotonic()
            async with started(f"{silent},{kafka}", f"{topic_prefix}{count}.") as made:
                assert time.monotonic() - began < READY_AFTER_START_SECONDS
                follower, _ = await made.follow([topics.WANTED])
                began = time.monotonic()
                await made.bus.publish([wanted()])
                assert time.monotonic() - began < 1.0
                await follower.until(lambda seen: seen.state)


async def test_what_keeps_it_from_the_broker_is_said_in_words(proxied_broker: ProxiedBroker):
    proxy = proxied_broker.proxy
    cases = {
        "nothing.invalid:9092": "is no known host name",
        f"127.0.0.1:{free_port()}": "refuses connections: nothing listens there",
    }
    proxy.blackhole()
    cases[proxy.bootstrap] = "does not answer"
    for server, reason in cases.items():
        async with started(server, ready=False) as made:
            await until(lambda m=made, r=reason: r in m.bus.check().reason, 5)
            assert server in made.bus.check().reason


async def test_one_look_that_fails_is_no_outage(kafka: str, topic_prefix: str):
    async with started(kafka, topic_prefix) as made:
        _, reader = await made.follow([topics.WANTED])
        watch = made.bus._watch
        for connection in tuple(watch._client._client._conns.values()):
            connection.close()
        watch._client._client.cluster._brokers.clear()
        watch.look()
        await until(lambda: watch._failures == 1 or watch.problem, 5)
        assert made.bus.check().ready
        await until(lambda: watch._failures == 0)
        assert reader.state is ReaderState.LIVE
        assert made.states["reader"] == [ReaderState.LOADING, ReaderState.LIVE]


async def test_a_mistake_in_the_watch_is_seen_and_does_not_end_it(kafka: str, topic_prefix: str):
    async with started(kafka, topic_prefix) as made:
        _, reader = await made.follow([topics.WANTED])
        watch = made.bus._watch
        topics_of, watch._topics = watch._topics, None  # Whatever it is, it is no error of Kafka's.
        await until(lambda: not made.bus.check().ready)
        assert "TypeError" in made.bus.check().reason
        assert reader.state is ReaderState.DEGRADED
        watch._topics = topics_of
        await until(lambda: made.bus.check().ready and reader.state is ReaderState.LIVE)


async def test_what_a_handler_could_not_take_in_is_read_again(kafka: str, topic_prefix: str):
    """FastStream swallows what a handler raises and goes on behind those records: nobody would ever see them."""
    async with started(kafka, topic_prefix) as made:
        follower, reader = await made.follow([topics.WANTED])
        take, failures = reader.take, 2

        async def failing(records):
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise KeyError("a mistake of ours")
            await take(records)

        reader.take = failing
        for seq in (1, 2, 3):
            await made.bus.publish([wanted("BTC", seq)])
        await follower.until(lambda seen: seen.seqs("main/BTC") == [1, 2, 3])
        assert made.sample("spark_bus_sessions_lost_total", reader="reader") == 2
        await asyncio.wait_for(reader.live(), 2)


async def test_errors_are_not_slept_over(proxied_broker: ProxiedBroker):
    """FastStream sleeps five seconds after an error of its consumer, and fifteen after some."""
    proxy = proxied_broker.proxy
    async with started(proxy.bootstrap) as made:
        follower, _ = await made.follow([topics.WANTED])
        for seq in (1, 2, 3):
            await proxy.cut()
            await proxy.restore()
            await until(lambda: made.bus.check().ready)
            began = time.monotonic()
            await made.bus.publish([wanted("BTC", seq)])
            await follower.until(lambda seen, s=seq: seen.state == {"main/BTC": s})
            assert time.monotonic() - began < 2.0


async def test_a_partition_without_leader_does_not_make_a_client_ask_without_a_pause(kafka: str, topic_prefix: str):
    name = f"{topic_prefix}gone"

    class Steering:
        def positions(self, begins, ends):
            return begins

        def drained(self, consumer):
            return False

        def broke(self, error):
            raise AssertionError(error)

    async with admin_of(kafka) as admin:
        await admin.create_topics([NewTopic(name, 1, 1)])
        consumer = Consumer(Steering(), **consumer_options(KafkaSettings(kafka), "test"))
        consumer.assign([TopicPartition(name, 0)])
        try:
            async with asyncio.timeout(10):
                await consumer.start()
            asked = 0
            update = consumer._client._metadata_update

            async def counted(*arguments):
                nonlocal asked
                asked += 1
                return await update(*arguments)

            consumer._client._metadata_update = counted
            await admin.delete_topics([name])
            await until(lambda: consumer._client.cluster.partitions_for_topic(name) is None)
            asked = 0
            await asyncio.sleep(1)  # A stretch of time to count in.
            assert 0 < asked <= 25
        finally:
            await close(consumer)


async def test_nothing_is_published_before_it_is_known_that_the_topics_are_right(kafka: str, topic_prefix: str):
    async with started(kafka, topic_prefix, ready=False) as made:
        await made.bus.publish([wanted()], deadline_seconds=10)
        await made.ready()
        assert [record.key for record in await records_of(kafka, f"{topic_prefix}spark.wanted")] == [b"main/BTC"]
