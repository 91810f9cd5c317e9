"""Topics that are emptied, made anew, cut short or lost behind the bus's back: values are kept, nothing new is missed."""

import asyncio
import time
from contextlib import suppress

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from bus.interface import PublishError, ReaderState
from bus.kafka_metadata import topics_on_broker
from schemas import topics
from tests.contract.bus.tools import Recorder, command, snapshot, wanted
from tests.kafka.facts import price
from tests.kafka.tools import admin_of, alter, delete_records, ends_of, started, topics_of, until
from tests.kafka_fixtures import MakeBroker

PUBLISHED_AGAIN_SECONDS = 5.0


async def delete(bootstrap: str, *names: str) -> None:
    async with admin_of(bootstrap) as admin:
        await admin.delete_topics(list(names))


async def test_a_broker_that_lost_everything_is_filled_again(broker: MakeBroker):
    one = broker()
    await one.start()
    async with started(one.bootstrap) as made:
        follower, reader = await made.follow([topics.WANTED, topics.BALANCES], name="one")
        other, _ = await made.follow([topics.WANTED], name="other")
        await made.bus.publish([wanted("BTC", seq) for seq in range(1, 20)] + [snapshot()])
        await follower.until(lambda seen: len(seen.state) == 2)
        await other.until(lambda seen: seen.state == {"main/BTC": 19})
        await one.kill()
        await one.wipe()
        await until(lambda: reader.state is ReaderState.DEGRADED)
        await one.start()
        began = time.monotonic()
        while True:
            try:
                await made.bus.publish([wanted("BTC", 20)], deadline_seconds=1.0)
                break
            except PublishError:
                assert time.monotonic() - began < PUBLISHED_AGAIN_SECONDS
        assert time.monotonic() - began < PUBLISHED_AGAIN_SECONDS
        await follower.until(lambda seen: seen.seqs("main/BTC")[-1] == 20)
        await until(lambda: reader.state is ReaderState.LIVE and made.bus.check().ready)
        assert set(await topics_of(one.bootstrap)) >= set(topics.TOPICS)
        assert made.sample("spark_bus_topics_made_total") == 14
        # One telling per topic and reader, though offsets and identity both show it.
        await until(lambda: len(follower.resets) == 2 and len(other.resets) == 1)
        await asyncio.sleep(1.5)  # Three looks of the watch: it does not say it again.
        assert sorted(topic.name for topic in follower.resets) == ["spark.balances", "spark.wanted"]
        assert other.resets == [topics.WANTED]
        for name, topic in (("one", "spark.wanted"), ("one", "spark.balances"), ("other", "spark.wanted")):
            assert made.sample("spark_bus_topic_resets_total", reader=name, topic=topic) == 1
        assert follower.given_at_caught_up == [0]
        assert follower.state == {"main/BTC": 20, "main/binance/main/spot": 1}


async def refill(bootstrap: str, prefix: str, count: int) -> None:
    """Make the topic anew, with more in it than the reader had taken in, before the bus looks the next time."""
    await delete(bootstrap, f"{prefix}spark.wanted")
    async with started(bootstrap, prefix, client_id="other") as other:
        while True:
            with suppress(PublishError, KafkaError):
                await other.bus.publish([wanted("ETH", seq) for seq in range(1, count)], deadline_seconds=5)
                return


async def test_a_topic_made_anew_and_filled_past_the_old_position_is_read_from_its_beginning(
    kafka: str, topic_prefix: str
):
    """By offsets alone nobody could tell; the identity of the topic does."""
    async with started(kafka, topic_prefix) as made:
        follower, reader = await made.follow([topics.WANTED])
        await made.bus.publish([wanted("BTC", seq) for seq in range(1, 6)])
        await follower.until(lambda seen: seen.state == {"main/BTC": 5})
        for again in (1, 2):  # Twice within ten seconds: the second time is not taken for an echo of the first.
            seen_before, ids = len(follower.facts), dict(made.bus._watch._ids)
            await refill(kafka, topic_prefix, 200)
            await until(lambda before=ids: made.bus._watch._ids["spark.wanted"] != before["spark.wanted"])
            await until(lambda c=again: len(follower.resets) == c)
            await follower.until(
                lambda seen, b=seen_before: (
                    [fact.event.seq for fact in seen.facts[b:] if fact.key == "main/ETH"][-199:] == list(range(1, 200))
                )
            )
        assert reader.state is ReaderState.LIVE
        assert made.sample("spark_bus_topic_resets_total", reader="reader", topic="spark.wanted") == 2
        assert follower.given_at_caught_up == [0]


async def test_a_reader_whose_topic_is_made_anew_while_it_takes_records_in_skips_none(kafka: str, topic_prefix: str):
    """What it still has in its hands of the former topic must not move it on in the new one."""
    place = (f"{topic_prefix}spark.wanted", 0)
    async with started(kafka, topic_prefix) as made:
        await made.bus.publish([wanted("BTC", seq) for seq in range(1, 2000)])
        follower = Recorder()
        positions = []

        def during() -> None:
            if len(follower.batches) == 1:
                reader.emptied("spark.wanted")
            if len(follower.batches) in {1, 2, 3}:
                positions.append(reader._progress.position[place])

        follower.during = during
        _, reader = await made.follow([topics.WANTED], follower, live=False)
        await asyncio.wait_for(reader.live(), 10)
        assert positions == [0, 0, 0]
        await follower.until(lambda seen: seen.seqs("main/BTC")[-1999:] == list(range(1, 2000)))
        assert follower.resets == [topics.WANTED]


async def test_records_that_expired_before_they_were_read_are_stepped_over_and_counted(kafka: str, topic_prefix: str):
    name = f"{topic_prefix}spark.commands"
    async with started(kafka, topic_prefix) as made:
        follower = Recorder()
        reader = made.bus.follow_commands(topics.COMMANDS, follower, name="commands")
        await reader.start()
        await asyncio.wait_for(reader.live(), 5)
        await made.bus.publish([command("first")])
        await follower.until(lambda seen: len(seen.commands) == 1)
        place = (name, 0)
        # Behind the reader: nothing happens.
        await delete_records(kafka, name, 1)
        await made.bus.publish([command("second")])
        await follower.until(lambda seen: len(seen.commands) == 2)
        assert made.sample("spark_bus_out_of_range_total", reader="commands") == 0
        # Before the reader: it stands where nothing lies any more.
        consumer = reader._session.consumer
        consumer.seek(place, 0)
        reader._progress.position[place] = 0
        await until(lambda: made.sample("spark_bus_out_of_range_total", reader="commands") == 1)
        await made.bus.publish([command("third")])
        await follower.until(lambda seen: seen.commands[-1].id == "third")
        assert made.sample("spark_bus_topic_resets_total", reader="commands", topic="spark.commands") == 0
        assert made.sample("spark_bus_sessions_lost_total", reader="commands") == 0


async def test_a_reader_beyond_the_end_begins_anew_and_tells_it(kafka: str, topic_prefix: str):
    """As after a broker came back without its last records, or an old broker with other topics."""
    async with started(kafka, topic_prefix) as made:
        follower, reader = await made.follow([topics.WANTED])
        await made.bus.publish([wanted("BTC", seq) for seq in (1, 2, 3)])
        await follower.until(lambda seen: seen.state == {"main/BTC": 3})
        place = (f"{topic_prefix}spark.wanted", 0)
        reader._progress.position[place] = 50
        reader._session.consumer.seek(place, 50)
        await until(lambda: follower.seqs("main/BTC") == [1, 2, 3, 1, 2, 3])
        assert follower.resets == [topics.WANTED]
        assert made.sample("spark_bus_out_of_range_total", reader="reader") == 1
        await made.bus.publish([wanted("BTC", 4)])
        await follower.until(lambda seen: seen.state == {"main/BTC": 4})


async def test_records_that_expire_are_gone_for_a_new_reader_and_stay_with_an_old_one(kafka: str, topic_prefix: str):
    name = f"{topic_prefix}spark.prices"
    async with started(kafka, topic_prefix) as made:
        follower, _ = await made.follow([topics.PRICES])
        await made.bus.publish([price("BTC")])
        await follower.until(lambda seen: seen.state)
        await alter(kafka, name, cleanup_policy="delete", retention_ms="100", segment_ms="100")
        places = [TopicPartition(name, 0)]
        async with asyncio.timeout(30):
            while (await made.bus._watch._client.beginning_offsets(places))[places[0]] < 1:  # noqa: ASYNC110 - the broker has no event for it
                await asyncio.sleep(0.2)
        late, reader = await made.follow([topics.PRICES], name="late")
        assert reader.state is ReaderState.LIVE
        assert late.state == {}
        assert set(follower.state) == {"binance/BTC/USDT"}
        await made.bus.publish([price("BTC", 2)])
        await late.until(lambda seen: seen.state)
        await follower.until(lambda seen: seen.state == late.state)


async def test_a_topic_has_another_identity_when_it_is_made_anew(kafka: str, topic_prefix: str):
    async with started(kafka, topic_prefix) as made:
        names = [f"{topic_prefix}spark.wanted", f"{topic_prefix}nobody.declared"]
        client = made.bus._watch._client._client
        before = await topics_on_broker(client, names)
        assert set(before) == {names[0]}
        assert before[names[0]].id is not None
        assert (before[names[0]].partitions, before[names[0]].ready) == (1, True)
        again = await topics_on_broker(client, names)
        assert again == before
        await delete(kafka, names[0])
        await until(lambda: made.sample("spark_bus_topics_made_total") == 8)
        await made.ready()
        after = await topics_on_broker(client, names)
        assert after[names[0]].id not in {None, before[names[0]].id}
        assert await ends_of(kafka, names[0]) == {0: 0}


@pytest.mark.parametrize("away_seconds", [1, 8 * 24 * 3600])
async def test_who_was_away_for_longer_than_deletions_are_kept_begins_anew(
    kafka: str, topic_prefix: str, away_seconds: int
):
    async with started(kafka, topic_prefix) as made:
        _, reader = await made.follow([topics.WANTED])
        reader._in_touch_at = time.monotonic() - away_seconds
        seen, reader.seen = reader.seen, lambda ends: None
        reader._end_session("the test ends it")
        if away_seconds > topics.DAY:
            await until(lambda: reader.state is ReaderState.FAILED)
            assert "longer than deletions are kept" in reader.reason
        else:
            await until(lambda: made.sample("spark_bus_sessions_lost_total", reader="reader") == 1)
            reader.seen = seen
            await until(lambda: reader.state is ReaderState.LIVE)
