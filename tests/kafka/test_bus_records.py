"""Records of every kind on a real log: headers, sizes, holes, markers, codecs, damage. None is missed or stepped over."""

import asyncio
import struct
import time
from pathlib import Path

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from confluent_kafka import Producer as LibraryProducer

from bus.interface import PublishError, ReaderState
from bus.kafka_config import topic_config
from localkafka import Broker
from schemas import topics
from schemas.encoding import Encoded, tombstone
from schemas.portfolio import PortfolioState
from schemas.topics import PORTFOLIO
from tests.contract.bus.tools import snapshot, wanted
from tests.kafka.facts import price
from tests.kafka.tools import (
    alter,
    ends_of,
    foreign_producer,
    records_of,
    started,
    topics_of,
    until,
    with_header_key,
)
from tests.kafka_fixtures import MakeBroker

MANY_HEADERS = 10_000
STORED_EVENTS = Path(__file__).parents[1] / "data" / "events" / "v1"


async def write(bootstrap: str, name: str, fact: Encoded, headers=(), *, header_key: bytes | None = None, partition=0):
    """As another program does, with headers of any kind."""
    async with foreign_producer(bootstrap) as producer:
        batch = producer.create_batch()
        written = b"Z" * len(header_key or b"")
        named = [(written.decode(), b"x")] if header_key else []
        batch.append(key=fact.key.encode(), value=fact.value, timestamp=None, headers=[*headers, *named])
        batch.close()
        buffer = batch._build()
        if header_key:
            with_header_key(buffer, written, header_key)
        await (await producer.send_batch(batch, name, partition=partition))


@pytest.mark.parametrize(
    "headers",
    [
        [("reply_to", b"spark.stolen"), ("correlation_id", b"1")],
        [("content-type", b"\xff\xfe"), ("\N{SNOWMAN}", b"")],
        [("nothing", None), ("", None)],
        [(f"h{number}", b"v") for number in range(MANY_HEADERS)],
        [("large", b"v" * 300_000)],
    ],
    ids=["reply_to", "not utf-8", "null", "ten thousand", "large"],
)
async def test_headers_steer_nothing(kafka: str, topic_prefix: str, headers):
    name = f"{topic_prefix}spark.wanted"
    # The topic that a header names is there: nothing may ever come onto it.
    async with started(kafka, topic_prefix) as made:
        follower, reader = await made.follow([topics.WANTED])
        await write(kafka, name, wanted("BTC", 1), headers)
        await made.bus.publish([wanted("BTC", 2)])
        await follower.until(lambda seen: seen.state == {"main/BTC": 2})
        assert follower.seqs("main/BTC") == [1, 2]
        assert reader.state is ReaderState.LIVE
        assert await records_of(kafka, f"{topic_prefix}spark.deadletter") == []
        assert await topics_of(kafka, topic_prefix) == set(topics.TOPICS)


async def test_nothing_is_ever_published_to_the_topic_that_a_header_names(kafka: str, topic_prefix: str):
    target = f"{topic_prefix}spark.prices"
    async with started(kafka, topic_prefix) as made:
        follower, _ = await made.follow([topics.WANTED])
        for seq in (1, 2, 3):
            await write(kafka, f"{topic_prefix}spark.wanted", wanted("BTC", seq), [("reply_to", target.encode())])
        await follower.until(lambda seen: seen.seqs("main/BTC") == [1, 2, 3])
        # A bad record too, whose answer would be an error.
        bad = Encoded(topics.WANTED, "main/ETH", b"no json")
        await write(kafka, f"{topic_prefix}spark.wanted", bad, [("reply_to", target.encode())])
        await until(lambda: made.sample("spark_bus_dead_letters_total", topic="spark.wanted", reason="not_json") == 1)
        assert await ends_of(kafka, target) == {0: 0}


async def test_a_header_whose_name_is_not_utf8_loses_no_record(kafka: str, topic_prefix: str):
    """aiokafka itself cannot read on behind such a name; one record of anybody's would stop a reader for good."""
    name = f"{topic_prefix}spark.wanted"
    async with started(kafka, topic_prefix) as made:
        follower, reader = await made.follow([topics.WANTED, topics.BALANCES])
        await made.bus.publish([wanted("BTC", 1), snapshot(seq=1)])
        await follower.until(lambda seen: len(seen.facts) == 2)
        await write(kafka, name, wanted("BTC", 2), header_key=b"\xff\xfe\xfd\xfc")
        await made.bus.publish([wanted("BTC", 3), snapshot(seq=2)])
        await follower.until(lambda seen: seen.state == {"main/BTC": 3, "main/binance/main/spot": 2})
        assert follower.seqs("main/BTC") == [1, 2, 3]
        assert follower.seqs("main/binance/main/spot") == [1, 2]
        assert made.sample("spark_bus_sessions_lost_total", reader="reader") == 0
        # And one who reads all of it at once, in whatever portions it comes.
        late, _ = await made.follow([topics.WANTED, topics.BALANCES], name="late")
        assert late.seqs("main/BTC") == [1, 2, 3]
        assert late.seqs("main/binance/main/spot") == [1, 2]
        assert reader.state is ReaderState.LIVE


async def test_many_such_records_among_others_are_all_read_in_order(kafka: str, topic_prefix: str):
    name = f"{topic_prefix}spark.wanted"
    async with started(kafka, topic_prefix) as made:
        seq = 0
        for _ in range(5):
            await made.bus.publish([wanted("BTC", seq + 1 + more) for more in range(700)])
            seq += 701
            await write(kafka, name, wanted("BTC", seq), header_key=b"\xc3\x28")
        follower, _ = await made.follow([topics.WANTED])
        assert follower.seqs("main/BTC") == list(range(1, seq + 1))


async def test_a_compacted_log_with_holes_is_read_to_its_end(kafka: str, topic_prefix: str):
    name = f"{topic_prefix}spark.wanted"
    async with started(kafka, topic_prefix) as made:
        old, _ = await made.follow([topics.WANTED], name="old")
        await alter(
            kafka,
            name,
            **topic_config(topics.WANTED)
            | {
                "segment.ms": "100",
                "min.cleanable.dirty.ratio": "0.01",
                "max.compaction.lag.ms": "100",
                "delete.retention.ms": "0",
            },
        )
        await made.bus.publish([wanted("KEPT")])
        count = 0
        async with asyncio.timeout(40):
            while True:
                # The last thing of all is a tombstone, which compaction takes away in the end; the active segment
                # keeps what was written last, so the log always ends with something.
                await made.bus.publish([wanted(f"A{number}", count + 1) for number in range(20)])
                await made.bus.publish([tombstone(topics.WANTED, f"main/A{number}") for number in range(20)])
                count += 1
                kept = await records_of(kafka, name)
                holes = kept[-1].offset - kept[0].offset + 1 - len(kept)
                if holes > 100:
                    break
                await asyncio.sleep(0.2)
        assert (await ends_of(kafka, name))[0] == kept[-1].offset + 1
        late, reader = await made.follow([topics.WANTED], name="late")
        assert late.state == {"main/KEPT": 1}
        assert len(late.facts) < count * 40
        assert reader.state is ReaderState.LIVE
        await until(lambda: made.sample("spark_bus_reader_lag_records", reader="late") == 0)
        await made.bus.publish([wanted("BTC", 1)])
        await late.until(lambda seen: seen.state == {"main/BTC": 1, "main/KEPT": 1})
        await old.until(lambda seen: seen.state == late.state)
        assert made.sample("spark_bus_topic_resets_total", reader="old", topic="spark.wanted") == 0


async def test_the_markers_of_a_transaction_at_the_end_are_no_records(kafka: str, topic_prefix: str):
    """aiokafka #911: a position that stays one below the end when the log ends with a marker."""
    name = f"{topic_prefix}spark.wanted"
    async with started(kafka, topic_prefix) as made:
        old, _ = await made.follow([topics.WANTED], name="old")
        async with foreign_producer(kafka, transactional_id=topic_prefix) as producer:
            for fact in (wanted("BTC"), wanted("ETH")):
                async with producer.transaction():
                    await producer.send(name, fact.value, key=fact.key.encode(), partition=0)
        assert (await ends_of(kafka, name))[0] == 4
        late, reader = await made.follow([topics.WANTED], name="late")
        assert late.state == {"main/BTC": 1, "main/ETH": 1}
        assert reader.state is ReaderState.LIVE
        await old.until(lambda seen: seen.state == late.state)
        for one in ("old", "late"):
            await until(lambda who=one: made.sample("spark_bus_reader_lag_records", reader=who) == 0)
        await asyncio.sleep(1.2)  # Two looks of the watch, which must not take the marker for a record that is stuck.
        assert made.sample("spark_bus_sessions_lost_total", reader="late") == 0


def large_state(size: int) -> Encoded:
    state = (STORED_EVENTS / "spark.portfolio.state.json").read_bytes().strip()
    key = decode_key(state)
    padding = size - len(state) - len(b',"invented":""')
    return Encoded(PORTFOLIO, key, state[:-1] + b',"invented":"' + b"x" * padding + b'"}')


def decode_key(state: bytes) -> str:
    return PortfolioState.model_validate_json(state).key


async def test_a_record_of_eight_megabytes_gets_through(kafka: str, topic_prefix: str):
    async with started(kafka, topic_prefix) as made:
        follower, _ = await made.follow([PORTFOLIO])
        fact = large_state(PORTFOLIO.record_bytes_max)
        assert len(fact.value or b"") == 8 * 1024 * 1024
        await made.bus.publish([fact, wanted()])
        await follower.until(lambda seen: set(seen.state) == {fact.key})
        late, _ = await made.follow([PORTFOLIO], name="late")
        assert late.state == follower.state
        with pytest.raises(PublishError, match=r"has 8388609 bytes, the limit is 8388608"):
            await made.bus.publish([Encoded(PORTFOLIO, fact.key, (fact.value or b"") + b" ")])


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4", "snappy"])
async def test_what_another_program_packed_is_unpacked_by_the_broker(kafka: str, topic_prefix: str, codec: str):
    """Our readers have no library for most of these: without the topic's own setting one such record would stop them."""
    name = f"{topic_prefix}spark.wanted"
    async with started(kafka, topic_prefix) as made:
        follower, reader = await made.follow([topics.WANTED])
        await asyncio.to_thread(produce_packed, kafka, name, codec)
        await follower.until(lambda seen: len(seen.state) == 50)
        assert reader.state is ReaderState.LIVE


async def test_records_packed_in_an_unknown_way_are_never_stepped_over(kafka: str, topic_prefix: str):
    """Where the topic's setting was altered behind our back."""
    name = f"{topic_prefix}spark.wanted"
    async with started(kafka, topic_prefix) as made:
        follower, reader = await made.follow([topics.WANTED])
        await alter(kafka, name, **topic_config(topics.WANTED) | {"compression.type": "producer"})
        await asyncio.to_thread(produce_packed, kafka, name, "zstd")
        await until(lambda: reader.state is ReaderState.FAILED)
        assert "packed in a way that this process cannot read" in reader.reason
        assert "spark-portfolio topics --reconcile" in reader.reason
        assert follower.facts == []


def produce_packed(bootstrap: str, name: str, codec: str) -> None:
    producer = LibraryProducer({"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 50})
    for number in range(50):
        fact = wanted(f"A{number}")
        producer.produce(name, fact.value, fact.key, partition=0)
    assert producer.flush(10) == 0


async def test_damage_on_the_brokers_disk_is_never_stepped_over(broker: MakeBroker):
    one = broker()
    await one.start()
    async with started(one.bootstrap) as made:
        await made.bus.publish([wanted("BTC", seq) for seq in range(1, 4)])
    await one.stop()
    damage(one)
    await one.start()
    async with started(one.bootstrap) as made:
        follower, reader = await made.follow([topics.WANTED], live=False)
        await until(lambda: reader.state is ReaderState.FAILED, 15)
        assert "checksum is wrong" in reader.reason
        assert follower.facts == []
        assert not made.bus._stopping


def damage(broker: Broker) -> None:
    (log,) = Path(broker.log).parent.glob("**/spark.wanted-0/00000000000000000000.log")
    content = bytearray(log.read_bytes())
    length = struct.unpack_from(">i", content, 8)[0]
    content[12 + length - 10] ^= 0xFF
    log.write_bytes(content)


@pytest.mark.parametrize("days", [3, -3])
async def test_a_clock_that_is_wrong_by_days_loses_nothing(kafka: str, topic_prefix: str, monkeypatch, days: int):
    """Brokers refuse records from the future, and let old ones expire at once: time is the broker's own."""
    name = f"{topic_prefix}spark.prices"
    append = BatchBuilder.append

    def by_a_wrong_clock(self, *, timestamp, **record):
        return append(self, timestamp=int((time.time() + days * 86_400) * 1000), **record)

    async with started(kafka, topic_prefix) as made:
        follower, _ = await made.follow([topics.PRICES])
        monkeypatch.setattr(BatchBuilder, "append", by_a_wrong_clock)
        await made.bus.publish([price("BTC")])
        await follower.until(lambda seen: len(seen.state) == 1)
        # A second segment: the one that is written is not deleted.
        await alter(kafka, name, **topic_config(topics.PRICES) | {"segment.ms": "10"})
        await made.bus.publish([price("ETH")])
        await asyncio.sleep(2.5)  # The broker looks for what has expired once a second.
        assert len(await records_of(kafka, name)) == 2
