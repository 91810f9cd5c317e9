"""The newest record of every key, in memory and bounded: what a late follower of the embedded bus is given."""

from collections.abc import Iterator, Sequence
from typing import Final

from bus.statefile import StoredRecord
from schemas.encoding import Encoded
from schemas.topics import TOPICS

KEYS_PER_TOPIC_MAX: Final = 200_000
"""Ten thousand accounts of twenty wallets. More belongs on Kafka; here it is refused, not let grow."""

BYTES_MAX: Final = 512 * 1024 * 1024
"""All values together."""


class NewestRecords:
    """For each compacted topic its newest record by key."""

    def __init__(self) -> None:
        self._topics: dict[str, dict[bytes, StoredRecord]] = {
            name: {} for name, topic in TOPICS.items() if topic.compacted
        }
        self._bytes = 0

    def __iter__(self) -> Iterator[StoredRecord]:
        for records in self._topics.values():
            yield from records.values()

    def put(self, record: StoredRecord) -> None:
        """Take a record in; a value of None takes its key away. Records without a key are no state."""
        raw = record.raw
        records = self._topics.get(raw.topic)
        if records is None or not raw.key:
            return
        old = records.pop(raw.key, None)
        if old is not None and old.raw.value is not None:
            self._bytes -= len(old.raw.value)
        if raw.value is not None:
            records[raw.key] = record
            self._bytes += len(raw.value)

    def of(self, topics: Sequence[str]) -> list[StoredRecord]:
        """The records of some topics, oldest first."""
        found = [record for name in topics for record in self._topics[name].values()]
        return sorted(found, key=lambda record: record.raw.offset)

    def written_before(self, topic: str, moment: int) -> list[StoredRecord]:
        """The records of a topic that were written before a moment (milliseconds since 1970)."""
        return [record for record in self._topics[topic].values() if record.written_at < moment]

    def refusal(self, facts: Sequence[Encoded], waiting_facts: int, waiting_bytes: int) -> str:
        """Why there is no room for a batch behind what waits already; empty if there is."""
        fresh: dict[str, set[bytes]] = {}
        growth = 0
        for fact in facts:
            records = self._topics.get(fact.topic.name)
            if records is None or fact.value is None:
                continue
            key = fact.key.encode()
            old = records.get(key)
            growth += len(fact.value) - (len(old.raw.value) if old is not None and old.raw.value else 0)
            if old is None:
                fresh.setdefault(fact.topic.name, set()).add(key)
        for name, keys in fresh.items():
            if len(self._topics[name]) + waiting_facts + len(keys) > KEYS_PER_TOPIC_MAX:
                return f"{name} would hold more than {KEYS_PER_TOPIC_MAX} keys; so many accounts need Kafka as the bus"
        if growth > 0 and self._bytes + waiting_bytes + growth > BYTES_MAX:
            return f"the records would take more than {BYTES_MAX >> 20} MB; so much needs Kafka as the bus"
        return ""
