"""The settings of the topics hold what we write, and what is wrong with a topic is said with its exact mend."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.kafka_config import ENVELOPE_BYTES, topic_config, wrong_config, wrong_partitions
from bus.kafka_settings import PRODUCE_BATCH_BYTES, PRODUCE_REQUEST_BYTES_MAX
from schemas.encoding import KEY_BYTES_MAX
from schemas.topics import BALANCES, COMMANDS, DAY, DEADLETTER, HOUR, PORTFOLIO, PRICES, TOPICS, Topic

BATCH_HEAD_BYTES = 61
RECORD_HEAD_BYTES = 36
"""The format's own bytes (v2): of a batch, and at most of a record (lengths, offset, time, no headers)."""

topics = st.builds(
    Topic,
    name=st.just("spark.any"),
    compacted=st.booleans(),
    retention_seconds=st.none() | st.integers(60, 30 * DAY),
    partitions=st.sampled_from([1, 12]),
    record_bytes_max=st.integers(1, 9 * 1024 * 1024),
).filter(lambda topic: topic.compacted or topic.retention_seconds is not None)


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS.keys())
def test_a_topic_admits_its_largest_record_and_a_whole_batch(topic: Topic):
    config = topic_config(topic)
    largest = BATCH_HEAD_BYTES + RECORD_HEAD_BYTES + KEY_BYTES_MAX + topic.record_bytes_max
    assert int(config["max.message.bytes"]) >= max(largest, PRODUCE_BATCH_BYTES)
    assert int(config["segment.bytes"]) >= int(config["max.message.bytes"])
    assert largest <= PRODUCE_REQUEST_BYTES_MAX


@given(topic=topics)
@settings(max_examples=200, deadline=None)
def test_the_same_for_any_topic(topic: Topic):
    config = topic_config(topic)
    admitted = int(config["max.message.bytes"])
    assert admitted >= max(topic.record_bytes_max, PRODUCE_BATCH_BYTES) + ENVELOPE_BYTES
    assert int(config["segment.bytes"]) >= admitted
    assert int(config["segment.ms"]) <= HOUR * 1000
    policies = set(config["cleanup.policy"].split(","))
    assert ("compact" in policies) == topic.compacted
    assert ("delete" in policies) == (topic.retention_seconds is not None)
    if topic.retention_seconds is not None:
        assert int(config["retention.ms"]) == topic.retention_seconds * 1000
        # A segment that is written for longer than the retention would keep its first records beyond it.
        assert int(config["segment.ms"]) <= topic.retention_seconds * 1000
    # A topic that nothing compacts away has a bound in bytes.
    assert topic.compacted or int(config["retention.bytes"]) > 0


def test_the_five_ways_in_which_topics_are_kept():
    assert topic_config(BALANCES)["cleanup.policy"] == "compact"
    assert "retention.ms" not in topic_config(BALANCES)
    assert topic_config(PRICES)["cleanup.policy"] == "compact,delete"
    assert topic_config(PRICES)["retention.ms"] == "86400000"
    assert topic_config(PRICES)["retention.bytes"] == "-1"  # Bytes would take away prices that are still the newest.
    assert topic_config(COMMANDS)["cleanup.policy"] == topic_config(DEADLETTER)["cleanup.policy"] == "delete"
    assert int(topic_config(BALANCES)["delete.retention.ms"]) == 7 * DAY * 1000
    for topic in TOPICS.values():
        # Time is the broker's: a machine whose clock is wrong neither loses its records at once nor is refused.
        assert topic_config(topic)["message.timestamp.type"] == "LogAppendTime"
        # What another program compressed by a way that we cannot read is unpacked by the broker.
        assert topic_config(topic)["compression.type"] == "uncompressed"
    assert int(topic_config(PORTFOLIO)["segment.bytes"]) < 10 * 1024 * 1024


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS.keys())
def test_every_setting_that_differs_is_named_with_key_value_and_mend(topic: Topic):
    wanted = topic_config(topic)
    assert wrong_config("x.t", wanted, wanted) == []
    for key, value in wanted.items():
        (problem,) = wrong_config("x.t", wanted, wanted | {key: "7"})
        assert problem.what == f"{key} is 7 and must be {value}"
        assert "spark-portfolio topics --reconcile" in problem.mend
        set_to = f"{key}=[{value}]" if "," in value else f"{key}={value}"
        assert f"--entity-name x.t --add-config '{set_to}'" in problem.mend
        (problem,) = wrong_config("x.t", wanted, {name: text for name, text in wanted.items() if name != key})
        assert problem.what == f"{key} is not set and must be {value}"


def test_all_differences_of_a_topic_are_one_problem_with_one_mend():
    wanted = topic_config(PRICES)
    (problem,) = wrong_config("t", wanted, wanted | {"cleanup.policy": "delete", "retention.ms": "1"})
    assert problem.mend.endswith("--add-config 'cleanup.policy=[compact,delete],retention.ms=86400000'")
    assert str(problem).startswith("t: cleanup.policy is delete and must be compact,delete, retention.ms is 1 and")


def test_the_order_of_a_list_is_no_difference_and_the_operators_own_settings_are_none():
    wanted = topic_config(PRICES)
    shuffled = list((wanted | {"min.insync.replicas": "2", "cleanup.policy": "delete, compact"}).items())
    random.Random(1).shuffle(shuffled)
    assert wrong_config("t", wanted, dict(shuffled)) == []


def test_another_number_of_partitions_has_a_mend_too():
    problem = wrong_partitions("x.spark.balances", BALANCES, 3)
    assert problem.what == "it has 3 partitions, 12 are needed"
    assert "kafka-topics.sh --delete --topic x.spark.balances" in problem.mend
    assert "TOPIC_PREFIX" in problem.mend
