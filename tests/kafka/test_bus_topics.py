"""Topics are made as the table says, anew while running, by nobody's accident, and a wrong one is refused with its mend."""

import asyncio
import re
import subprocess

import pytest
from aiokafka.admin import NewTopic
from structlog.testing import capture_logs

from bus.interface import PublishError, TopicsError
from bus.kafka_config import topic_config
from bus.kafka_settings import KafkaSettings
from bus.kafka_topics import TopicAdmin
from localkafka.jars import fetch, java
from schemas import topics
from schemas.topics import TOPICS, Topic
from tests.contract.bus.tools import wanted
from tests.kafka.facts import price
from tests.kafka.tools import Made, admin_of, alter, config_of, foreign_producer, started, topics_of, until
from tests.kafka_fixtures import MakeBroker


async def is_configured(bootstrap: str, prefix: str, topic: Topic) -> None:
    is_now = await config_of(bootstrap, f"{prefix}{topic.name}")
    for key, value in topic_config(topic).items():
        assert is_now[key] == value, (topic.name, key)


async def test_topics_are_made_as_the_table_says(kafka: str, topic_prefix: str):
    async with started(kafka, topic_prefix):
        assert await topics_of(kafka, topic_prefix) == set(TOPICS)
        for topic in TOPICS.values():
            await is_configured(kafka, topic_prefix, topic)
        async with TopicAdmin(KafkaSettings(kafka, topic_prefix=topic_prefix), client_id="test") as admin:
            assert await admin.problems() == []
            there = await admin.existing()
            assert {name: topic.partitions for name, topic in there.items()} == {
                name: topic.partitions for name, topic in TOPICS.items()
            }
            reports = {report.topic.name: report for report in await admin.describe()}
    assert all(report.exists and not report.problems for report in reports.values())
    assert reports["spark.balances"].offsets == ((0, 0),) * 12
    assert reports["spark.wanted"].size_bytes is not None


async def test_several_that_start_at_once_make_each_topic_once(kafka: str, topic_prefix: str):
    buses = [Made(KafkaSettings(kafka, topic_prefix=topic_prefix), f"test-{number}") for number in range(4)]
    await asyncio.gather(*(made.bus.start() for made in buses))
    try:
        await asyncio.gather(*(made.ready() for made in buses))
        assert sum(made.sample("spark_bus_topics_made_total") for made in buses) == len(TOPICS)
    finally:
        await asyncio.gather(*(made.bus.stop() for made in buses))


async def test_where_the_broker_makes_topics_by_itself_ours_are_still_made_by_us(broker: MakeBroker):
    """Kafka's own default. A client that names a topic makes it: not compacted, with one partition."""
    one = broker(properties={"auto.create.topics.enable": "true", "num.partitions": "1"})
    await one.start()
    async with started(one.bootstrap) as made:
        follower, _ = await made.follow(
            [topics.WANTED, topics.BALANCES, topics.COLLECTORS, topics.PORTFOLIO, topics.PRICES]
        )
        await made.bus.publish([wanted("BTC", 1)])
        await follower.until(lambda seen: seen.state)
        for seq in (2, 3):
            async with admin_of(one.bootstrap) as admin:
                await admin.delete_topics(["spark.wanted", "spark.balances", "spark.commands"])
            # A producer, two kinds of readers and the watch ask for the metadata of what is not there.
            async with asyncio.timeout(15):
                while True:
                    try:
                        await made.bus.publish([wanted("BTC", seq)], deadline_seconds=0.5)
                        break
                    except PublishError:
                        continue
            await follower.until(lambda seen, s=seq: seen.state == {"main/BTC": s})
            await made.ready()
            for topic in TOPICS.values():
                await is_configured(one.bootstrap, "", topic)
        assert {name for name in await topics_of(one.bootstrap) if not name.startswith("__")} == set(TOPICS)
        assert made.bus._error is None
        made.bus._producer._topics["spark.prices"] = "nobody.declared"
        with pytest.raises(PublishError):
            await made.bus.publish([price("BTC")])
        assert "nobody.declared" not in await topics_of(one.bootstrap)


async def make(bootstrap: str, name: str, partitions: int, config: dict[str, str]) -> None:
    async with admin_of(bootstrap) as admin:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config)])
        async with asyncio.timeout(5):
            while name not in await admin.list_topics():  # noqa: ASYNC110 - as below
                await asyncio.sleep(0.02)


async def refusal(made: Made) -> str:
    with pytest.raises(TopicsError) as caught:
        await asyncio.wait_for(made.bus.wait(), 10)
    return str(caught.value)


@pytest.mark.parametrize(
    ("topic", "partitions", "changed", "said"),
    [
        (topics.BALANCES, 12, {"cleanup.policy": "delete"}, "cleanup.policy is delete and must be compact"),
        (topics.PRICES, 1, {"cleanup.policy": "compact"}, "cleanup.policy is compact and must be compact,delete"),
        (topics.BALANCES, 12, {"max.message.bytes": "1000"}, "max.message.bytes is 1000 and must be 589824"),
        (topics.COMMANDS, 1, {"retention.ms": "604800000"}, "retention.ms is 604800000 and must be 3600000"),
        (topics.BALANCES, 3, {}, "it has 3 partitions, 12 are needed"),
        (topics.WANTED, 12, {}, "it has 12 partitions, 1 are needed"),
    ],
)
async def test_a_wrong_topic_is_refused_with_the_exact_mend(
    kafka: str, topic_prefix: str, topic: Topic, partitions: int, changed: dict[str, str], said: str
):
    name = f"{topic_prefix}{topic.name}"
    await make(kafka, name, partitions, topic_config(topic) | changed)
    async with started(kafka, topic_prefix, ready=False) as made:
        _, reader = await made.follow([topics.WANTED], live=False)
        told = await refusal(made)
        assert f"{name}: {said}" in told
        assert not made.bus.check().ready
        assert said in made.bus.check().reason
        with pytest.raises(PublishError):
            await made.bus.publish([wanted()])
        await until(lambda: reader.state == "failed")
        for key, value in changed.items():
            wanted_value = topic_config(topic)[key]
            assert f"{key} is {value} and must be {wanted_value}" in told
            sets = f"{key}=[{wanted_value}]" if "," in wanted_value else f"{key}={wanted_value}"
            assert f"kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config '{sets}'" in told
        if not changed:
            assert f"kafka-topics.sh --delete --topic {name}" in told
    # The others were made all the same, and a broker that is mended is fine.
    async with asyncio.timeout(5):  # A broker takes a moment to show what it was told.
        while await topics_of(kafka, topic_prefix) != set(TOPICS):  # noqa: ASYNC110 - it tells only who asks
            await asyncio.sleep(0.05)
    settings = KafkaSettings(kafka, topic_prefix=topic_prefix)
    async with TopicAdmin(settings, client_id="test") as admin:
        left = await admin.reconcile()
    if changed:
        assert left == []
        async with started(kafka, topic_prefix) as made:
            await made.bus.publish([wanted()])
    else:
        assert [problem.what for problem in left] == [said]


async def test_setting_right_keeps_what_the_operator_has_set(kafka: str, topic_prefix: str):
    name = f"{topic_prefix}spark.balances"
    own = {"min.insync.replicas": "1", "unclean.leader.election.enable": "false", "flush.ms": "12345"}
    await make(kafka, name, 12, topic_config(topics.BALANCES) | own | {"cleanup.policy": "delete"})
    async with TopicAdmin(KafkaSettings(kafka, topic_prefix=topic_prefix), client_id="test") as admin:
        (problem,) = await admin.problems()
        assert problem.what == "cleanup.policy is delete and must be compact"
        assert await admin.reconcile() == []
    is_now = await config_of(kafka, name)
    assert {key: is_now[key] for key in own} == own
    await is_configured(kafka, topic_prefix, topics.BALANCES)


async def test_a_topic_that_somebody_makes_anew_otherwise_is_refused_while_running(kafka: str, topic_prefix: str):
    name = f"{topic_prefix}spark.balances"
    async with started(kafka, topic_prefix) as made:
        await made.follow([topics.BALANCES])
        # The bus looks every half second, and would make it first: it is held for the moment.
        look, made.bus._watch._topics = made.bus._watch._topics, None
        async with admin_of(kafka) as admin:
            await admin.delete_topics([name])
            await make(kafka, name, 3, {})
        made.bus._watch._topics = look
        told = await refusal(made)
        assert "it has 3 partitions, 12 are needed" in told
        with pytest.raises(PublishError):
            await made.bus.publish([wanted()])


async def test_a_fact_for_a_partition_that_is_not_there_is_an_error_like_others(kafka: str, topic_prefix: str):
    name = f"{topic_prefix}spark.wanted"
    async with started(kafka, topic_prefix) as made:
        await made.bus.publish([wanted()])
        producer = made.bus._producer._producer
        producer.client.cluster._partitions[name] = {}
        with pytest.raises(PublishError, match="a topic has too few partitions"):
            await made.bus.publish([wanted()])


async def test_what_is_not_seen_yet_is_not_held_for_right(kafka: str, topic_prefix: str, monkeypatch):
    """Brokers learn of topics a moment after they were made: what somebody else made meanwhile is verified all the same."""
    name = f"{topic_prefix}spark.balances"
    await make(kafka, name, 3, topic_config(topics.BALANCES))
    existing, unseen = TopicAdmin.existing, 3

    async def late(self):
        nonlocal unseen
        unseen -= 1
        return {one: topic for one, topic in (await existing(self)).items() if unseen < 0 or one != "spark.balances"}

    monkeypatch.setattr(TopicAdmin, "existing", late)
    async with started(kafka, topic_prefix, ready=False) as made:
        assert "it has 3 partitions, 12 are needed" in await refusal(made)


async def test_names_of_others_are_left_alone(kafka: str, topic_prefix: str):
    await make(kafka, f"{topic_prefix}spark.other", 1, {})
    async with foreign_producer(kafka) as other:
        await other.send_and_wait(f"{topic_prefix}spark.other", b"theirs", partition=0)
    async with started(kafka, topic_prefix) as made:
        follower, _ = await made.follow([topics.WANTED])
        await made.bus.publish([wanted()])
        await follower.until(lambda seen: seen.state)
    assert await topics_of(kafka, topic_prefix) == {*TOPICS, "spark.other"}


async def test_the_mend_that_is_said_is_one_that_kafkas_own_tool_takes(broker: MakeBroker):
    """The command line is run as it is written, by the tool's own class."""
    one = broker()
    await one.start()
    config = topic_config(topics.PRICES)
    await make(one.bootstrap, "spark.prices", 1, config | {"cleanup.policy": "delete", "retention.ms": "1000"})
    async with started(one.bootstrap, ready=False) as made:
        told = await refusal(made)
    words = re.search(r"kafka-configs.sh (--alter .*?) --add-config '([^']*)'", told)
    assert words is not None
    command = [java(), "-cp", f"{fetch()}/*", "kafka.admin.ConfigCommand", "--bootstrap-server", one.bootstrap]
    command += [*words[1].split(), "--add-config", words[2]]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    await is_configured(one.bootstrap, "", topics.PRICES)
    async with started(one.bootstrap) as made:
        await made.bus.publish([wanted()])


async def test_a_setting_that_is_altered_while_running_is_found_at_the_next_start(kafka: str, topic_prefix: str):
    async with started(kafka, topic_prefix):
        pass
    await alter(kafka, f"{topic_prefix}spark.balances", **topic_config(topics.BALANCES) | {"cleanup.policy": "delete"})
    async with started(kafka, topic_prefix, ready=False) as made:
        assert "cleanup.policy is delete and must be compact" in await refusal(made)


async def test_a_setting_that_is_altered_while_running_is_told_and_what_runs_goes_on(
    kafka: str, topic_prefix: str, monkeypatch
):
    monkeypatch.setattr("bus.kafka_watch.VERIFY_SECONDS", 0.2)
    name, right = f"{topic_prefix}spark.balances", topic_config(topics.BALANCES)
    with capture_logs() as logs:
        async with started(kafka, topic_prefix) as made:
            await alter(kafka, name, **right | {"cleanup.policy": "delete"})
            await until(lambda: "cleanup.policy is delete and must be compact" in made.bus.check().warning)
            assert made.bus.check().ready
            assert made.sample("spark_bus_topics_wrong") == 1
            await made.bus.publish([wanted()])
            await alter(kafka, name, **right)
            await until(lambda: not made.bus.check().warning)
            assert made.sample("spark_bus_topics_wrong") == 0
    (told,) = [entry for entry in logs if entry["log_level"] == "warning"]
    assert name in told["reason"]
