"""Publishing: many at once, keys without exception, what is too large, and order after a batch that was given up."""

import asyncio
import time

import pytest
from aiokafka import AIOKafkaProducer

from bus.interface import PublishError
from bus.kafka_config import topic_config
from bus.kafka_producer import Producer
from bus.kafka_settings import KafkaSettings, producer_options
from schemas import topics
from schemas.encoding import Encoded
from tests.contract.bus.tools import snapshot, wanted
from tests.kafka.tools import Made, admin_of, alter, records_of, started, until
from tests.kafka_fixtures import ProxiedBroker

PARALLEL = 500


async def test_five_hundred_publish_at_once(kafka: str, topic_prefix: str):
    """aiokafka wakes all who wait for room each time there is some: their number squared (#528)."""
    filler = b" " * 400_000
    async with started(kafka, topic_prefix) as made:
        follower, _ = await made.follow([topics.WANTED, topics.BALANCES])
        await made.bus.publish([wanted("FIRST")])
        facts = []
        for number in range(PARALLEL):
            fact = snapshot(portfolio=f"p{number}", seq=1)
            # Some of them fill the producer's buffer, so that others wait for room.
            facts.append(Encoded(fact.topic, fact.key, (fact.value or b"") + (filler if number % 10 == 0 else b"")))
        began = time.monotonic()
        await asyncio.gather(*(made.bus.publish([fact]) for fact in facts))
        assert time.monotonic() - began < 3.0
        await follower.until(lambda seen: len(seen.state) == PARALLEL + 1)


async def test_only_one_sends_at_a_time_and_all_wait_together(kafka: str, topic_prefix: str):
    async with started(kafka, topic_prefix) as made:
        await made.bus.publish([wanted()])
        producer = made.bus._producer._producer
        send, sending, most = producer.send, 0, 0

        async def counted(*arguments, **named):
            nonlocal sending, most
            sending += 1
            most = max(most, sending)
            await asyncio.sleep(0)
            try:
                return await send(*arguments, **named)
            finally:
                sending -= 1

        producer.send = counted
        await asyncio.gather(*(made.bus.publish([wanted("BTC", seq)]) for seq in range(50)))
        assert most == 1


async def test_the_librarys_producer_is_never_asked_before_its_start_or_after_its_end(kafka: str, topic_prefix: str):
    """Its ``send`` waits for ever then (#759)."""
    async with started(kafka, topic_prefix) as made:
        start = AIOKafkaProducer.start
        failures = 2

        async def failing(self):
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise ConnectionError
            await start(self)

        AIOKafkaProducer.start = failing
        try:
            for _ in range(2):
                began = time.monotonic()
                with pytest.raises(PublishError, match="cannot be reached"):
                    await made.bus.publish([wanted()])
                assert time.monotonic() - began < 0.5
                assert made.bus._producer._producer is None
            await made.bus.publish([wanted()])
        finally:
            AIOKafkaProducer.start = start


@pytest.mark.parametrize("key", ["", "k" * 1025])
async def test_a_fact_without_a_key_or_with_a_huge_one_is_refused_here(kafka: str, topic_prefix: str, key: str):
    """Kafka refuses a compacted record without a key as INVALID_RECORD, of which aiokafka makes "unknown error"."""
    async with started(kafka, topic_prefix) as made:
        with pytest.raises(PublishError, match="has 1 to 1024 bytes"):
            await made.bus.publish([wanted(), Encoded(topics.WANTED, key, b"{}")])
        assert await records_of(kafka, f"{topic_prefix}spark.wanted") == []


async def publish_for_ever(made: Made) -> None:
    while True:
        await made.bus.publish([wanted()])


async def test_a_topic_that_is_away_is_told_by_its_name_and_soon_there_again(kafka: str, topic_prefix: str):
    async with started(kafka, topic_prefix) as made:
        await made.bus.publish([wanted()])
        look = made.bus._watch._topics
        made.bus._watch._topics = None
        async with admin_of(kafka) as admin:
            await admin.delete_topics([f"{topic_prefix}spark.wanted"])
        with pytest.raises(PublishError, match="the topic is not there, or"):
            await asyncio.wait_for(publish_for_ever(made), 10)  # The broker takes a moment to delete it.
        made.bus._watch._topics = look
        made.bus._watch.look()
        await made.ready()
        await made.bus.publish([wanted()])


async def test_what_is_published_after_a_batch_that_was_given_up_is_the_last_word(proxied_broker: ProxiedBroker):
    """The old batch may arrive late, but not by our doing: its connection is dropped with it."""
    broker, proxy = proxied_broker
    async with started(proxy.bootstrap) as made:
        follower, _ = await made.follow([topics.WANTED])
        await made.bus.publish([wanted("BTC", 1)])
        for seq in (2, 4):
            old = made.bus._producer._producer
            broker.pause()
            with pytest.raises(PublishError, match="not acknowledged within"):
                await made.bus.publish([wanted("BTC", seq)], deadline_seconds=0.5)
            assert made.bus._producer._producer is None
            await until(lambda gone=old: gone._sender.sender_task.done() and not gone.client._conns, 2)
            broker.resume()
            await made.bus.publish([wanted("BTC", seq + 1)])
        await follower.until(lambda seen: seen.seqs("main/BTC")[-1:] == [5])
        written = [record.value for record in await records_of(broker.bootstrap, "spark.wanted")]
        assert written[-1] == wanted("BTC", 5).value
        assert sorted(follower.seqs("main/BTC")) == follower.seqs("main/BTC")


async def test_a_batch_that_waits_with_one_that_was_given_up_is_told_soon_and_not_as_the_end(
    proxied_broker: ProxiedBroker,
):
    broker, proxy = proxied_broker
    async with started(proxy.bootstrap) as made:
        await made.bus.publish([wanted("BTC", 1)])
        broker.pause()
        patient = asyncio.create_task(made.bus.publish([wanted("ETH", 1)], deadline_seconds=30))
        with pytest.raises(PublishError):
            await made.bus.publish([wanted("BTC", 2)], deadline_seconds=0.5)
        with pytest.raises(PublishError, match="not acknowledged") as caught:
            await asyncio.wait_for(patient, 10)
        assert type(caught.value) is PublishError
        broker.resume()
        await made.bus.publish([wanted("ETH", 2)])


async def test_a_record_over_the_brokers_limit_is_named_and_the_others_go_on(kafka: str, topic_prefix: str):
    """The topic was altered behind our back: what can never be delivered is told, and holds nothing else up."""
    name = f"{topic_prefix}spark.balances"
    async with started(kafka, topic_prefix) as made:
        follower, _ = await made.follow([topics.BALANCES])
        await made.bus.publish([snapshot(seq=1)])
        await alter(kafka, name, **topic_config(topics.BALANCES) | {"max.message.bytes": "20000"})
        plain = [snapshot(wallet, 2) for wallet in ("spot", "funding", "earn-flexible")]
        large = [
            Encoded(fact.topic, fact.key, (fact.value or b"") + b" " * 30_000)
            for fact in (snapshot("earn-locked", 1), snapshot("spot", 1))
        ]
        facts = [plain[0], large[0], plain[1], large[1], plain[2]]
        with pytest.raises(PublishError, match="larger than the broker takes") as caught:
            await made.bus.publish(facts)
        # The second large one is followed by nothing of its key: it is refused too. All others are there.
        assert set(caught.value.refused) == set(large)
        assert caught.value.unsent == 2
        await follower.until(lambda seen: len(seen.state) == 3)
        assert follower.state["main/binance/main/funding"] == 2
        assert made.sample("spark_bus_refused_records_total", topic="spark.balances") == 2


async def test_a_large_record_with_a_newer_one_behind_it_is_not_sent_again(kafka: str, topic_prefix: str):
    name = f"{topic_prefix}spark.balances"
    async with started(kafka, topic_prefix) as made:
        follower, _ = await made.follow([topics.BALANCES])
        await made.bus.publish([snapshot(seq=1)])
        await alter(kafka, name, **topic_config(topics.BALANCES) | {"max.message.bytes": "20000"})
        old, new = snapshot("spot", 2), snapshot("spot", 3)
        await made.bus.publish([Encoded(old.topic, old.key, (old.value or b"") + b" " * 30_000), new])
        await follower.until(lambda seen: seen.state == {"main/binance/main/spot": 3})
        assert made.sample("spark_bus_refused_records_total", topic="spark.balances") == 0


async def test_a_producer_of_its_own_needs_no_bus(kafka: str):
    made = Made(KafkaSettings(kafka))
    producer = Producer(
        made.settings,
        lambda: producer_options(made.settings, "test"),
        made.metrics,
        refused=lambda error: None,
        missing=lambda: None,
    )
    await producer.close()
    assert producer.under_way == 0
