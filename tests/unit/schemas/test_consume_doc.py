"""docs/consume.md says of the topics what the code says."""

import re
from pathlib import Path

import pytest
from aiokafka.partitioner import murmur2

from bus.kafka_config import topic_config
from schemas.asyncapi import KEYS
from schemas.encoding import EVENTS
from schemas.events import SCHEMA_MINOR, SCHEMA_VERSION
from schemas.topics import COMMANDS, DAY, DEADLETTER, HOUR, KILOBYTE, PORTFOLIO_PARTITIONS, TOPICS, Topic

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "consume.md").read_text(encoding="utf-8")
ROWS = {
    cells[0].strip("`"): cells
    for cells in (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.splitlines()
        if line.startswith("| `spark.")
    )
}


def kept(topic: Topic) -> str:
    parts = ["compacted"] if topic.compacted else []
    if topic.retention_seconds is not None:
        unit, name = (DAY, "day") if topic.retention_seconds % DAY == 0 else (HOUR, "hour")
        count = topic.retention_seconds // unit
        parts.append(f"deleted after {count} {name}{'s' if count > 1 else ''}")
    return ", ".join(parts)


def size(count: int) -> str:
    kilobytes = count // KILOBYTE
    return f"{kilobytes // KILOBYTE} MB" if kilobytes % KILOBYTE == 0 else f"{kilobytes} KB"


def test_every_topic_is_in_the_table() -> None:
    assert set(ROWS) == set(TOPICS)


@pytest.mark.parametrize("name", TOPICS)
def test_a_row_says_what_the_table_of_topics_says(name: str) -> None:
    topic = TOPICS[name]
    _, key, value, how_kept, partitions, record_max = ROWS[name]
    assert key == f"`{'/'.join(KEYS[name])}`"
    assert value.startswith(f"`{EVENTS[name].__name__}`: ")
    assert (how_kept, partitions, record_max) == (kept(topic), str(topic.partitions), size(topic.record_bytes_max))


def test_the_example_of_a_partition_is_right() -> None:
    found = re.search(r"modulo (\d+)\..*`(\w+)` lies in partition (\d+)", PAGE, re.DOTALL)
    assert found is not None
    modulo, portfolio, partition = found.groups()
    assert int(modulo) == PORTFOLIO_PARTITIONS
    assert int(partition) == (murmur2(portfolio.encode()) & 0x7FFFFFFF) % PORTFOLIO_PARTITIONS


def test_what_the_page_says_of_the_configuration_is_what_topics_are_made_with() -> None:
    assert "forgets tombstones after 7 days (`delete.retention.ms`)" in PAGE
    for topic in TOPICS.values():
        config = topic_config(topic)
        assert config["cleanup.policy"] == ",".join(
            ["compact"] * topic.compacted + ["delete"] * (topic.retention_seconds is not None)
        )
        if topic.compacted:
            assert config["delete.retention.ms"] == str(7 * DAY * 1000)
    assert "`spark.commands` and `spark.deadletter` are bounded in size too, 64 MB each" in PAGE
    bounded = [topic for topic in TOPICS.values() if topic_config(topic).get("retention.bytes", "-1") != "-1"]
    assert bounded == [COMMANDS, DEADLETTER]
    assert all(topic_config(topic)["retention.bytes"] == str(64 * KILOBYTE * KILOBYTE) for topic in bounded)


def test_the_major_version_is_the_present_one() -> None:
    assert f"`schema_version`, its major version. It is {SCHEMA_VERSION}." in PAGE


def test_the_minor_version_is_the_present_one_and_says_what_it_added() -> None:
    assert f"that is the minor version; it is {SCHEMA_MINOR}," in PAGE
    assert [f"{SCHEMA_VERSION}.{minor} added" in PAGE for minor in range(1, SCHEMA_MINOR + 1)] == [True] * SCHEMA_MINOR


def test_the_paths_and_links_on_the_page_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", PAGE):
        assert target.startswith("https://") or (ROOT / "docs" / target).exists(), target
    for path in re.findall(r"`((?:tests|schemas)/[^`]+)`", PAGE):
        assert (ROOT / path).exists(), path
