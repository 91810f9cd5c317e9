"""What `topics` says of the settings on the broker is what is there, whatever it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.kafka_config import topic_config, wrong_config, wrong_partitions
from bus.kafka_topics import TopicReport
from cli.policies import Difference, policy, wanted_policy, wrong_settings
from cli.topics import Done, _document, _show
from schemas.topics import TOPICS, Topic

VALUES = st.sampled_from(["", "-1", "0", "604800000", "compact", "delete", "compact,delete", "CreateTime", "gzip"])


@st.composite
def brokers(draw: st.DrawFn) -> tuple[Topic, dict[str, str]]:
    topic = draw(st.sampled_from(list(TOPICS.values())))
    wanted = topic_config(topic)
    return topic, wanted | {name: draw(VALUES) for name in draw(st.sets(st.sampled_from(sorted(wanted))))}


def report(topic: Topic, **is_now: str) -> TopicReport:
    wanted = topic_config(topic)
    config = wanted | {name.replace("_", "."): text for name, text in is_now.items()}
    problems = tuple(wrong_config(f"x.{topic.name}", wanted, config))
    return TopicReport(topic, f"x.{topic.name}", exists=True, partitions=topic.partitions, problems=problems)


@given(brokers())
def test_every_difference_is_read_as_it_was_found(broker: tuple[Topic, dict[str, str]]) -> None:
    topic, is_now = broker
    wanted = topic_config(topic)
    different = {
        name: Difference(name, is_now[name], value)
        for name, value in wanted.items()
        if sorted(is_now[name].split(",")) != sorted(value.split(","))
    }
    found = wrong_settings(wrong_config("x", wanted, is_now))
    assert {one.setting: one for _, one in found} == different
    assert len(found) == len(different)


def test_a_wrong_number_of_partitions_is_no_setting() -> None:
    assert wrong_settings([wrong_partitions("x", TOPICS["spark.balances"], 3)]) == []


@pytest.mark.parametrize(
    ("name", "is_now", "shown", "wanted"),
    [
        ("spark.balances", {}, "compacted", "compacted"),
        ("spark.balances", {"cleanup_policy": "delete"}, "deletes what is old", "compacted"),
        ("spark.prices", {"cleanup_policy": "delete"}, "1 d", "compacted, 1 d"),
        ("spark.prices", {"retention_ms": "-1"}, "compacted, for ever", "compacted, 1 d"),
        ("spark.prices", {"retention_ms": "5400000"}, "compacted, 1.5 h", "compacted, 1 d"),
    ],
)
def test_the_policy_is_that_of_the_broker_beside_the_wanted_one(
    name: str, is_now: dict[str, str], shown: str, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one = report(TOPICS[name], **is_now)
    assert (policy(one), wanted_policy(one)) == (shown, wanted)
    (topic,) = _document(Done([]), [one], [])["topics"]
    assert (topic["policy"], topic["policy_wanted"]) == (shown, wanted)
    _show(Done([]), [one], [])
    out = capsys.readouterr().out
    assert shown in out
    assert (f"must be: {wanted}" in out) == (shown != wanted)


def test_what_was_set_right_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    done = Done([], [("x.spark.prices", Difference("cleanup.policy", "delete", "compact,delete"))])
    _show(done, [report(TOPICS["spark.prices"])], [])
    assert "x.spark.prices: set right: cleanup.policy was delete and is compact,delete" in capsys.readouterr().out
    assert _document(done, [], [])["set_right"] == [
        {"topic": "x.spark.prices", "setting": "cleanup.policy", "was": "delete", "is": "compact,delete"}
    ]
