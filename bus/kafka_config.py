"""How our topics are configured on a broker and why, and what of it is different on this one.

Compacted topics are read from the beginning at every start, so what lies uncompacted decides how long a start takes.
Kafka never compacts the segment that is being written, and compacts the others when enough of them is dirty; hence
small segments and an eager cleaner. What that comes to for many accounts stands in docs/operations.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bus.kafka_settings import PRODUCE_BATCH_BYTES
from schemas.topics import DAY, HOUR, KILOBYTE, Topic

ENVELOPE_BYTES: Final = 64 * KILOBYTE
"""What a batch adds to its records: keys, headers of the format."""

SEGMENT_BYTES: Final = 4 * KILOBYTE * KILOBYTE
"""Of a partition, so much is uncompacted at most, beside what the cleaner is about to take (12 partitions: 48 MB)."""

SEGMENT_SECONDS: Final = HOUR
"""A quiet partition's segment is closed after it, so that it can be compacted at all."""

DIRTY_RATIO: Final = "0.1"
COMPACTION_LAG_SECONDS_MAX: Final = HOUR
"""However little is dirty: what is older than this is compacted."""

TOMBSTONE_SECONDS: Final = 7 * DAY
"""Deletions stay readable so long. A reader that was away for longer begins anew from an empty state."""

LETTERS_BYTES_MAX: Final = 64 * KILOBYTE * KILOBYTE
"""Of a topic that is not compacted: whatever floods it, the disk stays bounded."""


@dataclass(frozen=True, slots=True)
class TopicProblem:
    """What is wrong with a topic, and what to do about it."""

    topic: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.what}. {self.mend}"


def topic_config(topic: Topic) -> dict[str, str]:
    """The settings that a topic must have on the broker; all others are the operator's."""
    largest = max(topic.record_bytes_max, PRODUCE_BATCH_BYTES) + ENVELOPE_BYTES
    config = {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "max.message.bytes": str(largest),
        # A segment must hold the largest record.
        "segment.bytes": str(max(SEGMENT_BYTES, largest)),
        "segment.ms": str(_ms(min(SEGMENT_SECONDS, topic.retention_seconds or SEGMENT_SECONDS))),
        # By the writers' clocks a record could be too old to be kept, or too far ahead to be taken.
        "message.timestamp.type": "LogAppendTime",
        # Whatever other programs write with: our readers need no library for it.
        "compression.type": "uncompressed",
    }
    if topic.compacted:
        config |= {
            "min.cleanable.dirty.ratio": DIRTY_RATIO,
            "min.compaction.lag.ms": "0",
            "max.compaction.lag.ms": str(_ms(COMPACTION_LAG_SECONDS_MAX)),
            "delete.retention.ms": str(_ms(TOMBSTONE_SECONDS)),
        }
    if topic.retention_seconds is not None:
        config["cleanup.policy"] = "compact,delete" if topic.compacted else "delete"
        config["retention.ms"] = str(_ms(topic.retention_seconds))
        config["retention.bytes"] = "-1" if topic.compacted else str(LETTERS_BYTES_MAX)
    return config


def _ms(seconds: int) -> int:
    return seconds * 1000


def wrong_partitions(name: str, topic: Topic, partitions: int) -> TopicProblem:
    """A topic with another number of partitions: records of one portfolio would lie in several."""
    return TopicProblem(
        name,
        f"it has {partitions} partitions, {topic.partitions} are needed",
        "Partitions cannot be taken away, and adding some would scatter the keys: stop all processes, delete the topic "
        f"(kafka-topics.sh --delete --topic {name}), then run spark-portfolio topics; or set TOPIC_PREFIX to others",
    )


def wrong_config(name: str, wanted: Mapping[str, str], is_now: Mapping[str, str]) -> list[TopicProblem]:
    """The settings of a topic that differ from the wanted ones."""
    wrong = {key: value for key, value in wanted.items() if _plain(is_now.get(key, "")) != _plain(value)}
    if not wrong:
        return []
    what = ", ".join(f"{key} is {is_now.get(key) or 'not set'} and must be {value}" for key, value in wrong.items())
    sets = ",".join(f"{key}=[{value}]" if "," in value else f"{key}={value}" for key, value in wrong.items())
    return [
        TopicProblem(
            name,
            what,
            "Mend: spark-portfolio topics --reconcile, or "
            f"kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config '{sets}'",
        )
    ]


def _plain(value: str) -> str:
    """Lists of a policy have no order."""
    return ",".join(sorted(part.strip() for part in value.split(",")))
