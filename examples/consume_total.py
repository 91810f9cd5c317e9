"""Keep a portfolio's total by following the topic ``spark.portfolio``: one line when loaded, one for every change.

A sample consumer, written from docs/consume.md without any of Spark Portfolio's code: it needs aiokafka and nothing
else, and is meant to be copied. Run it as

    python consume_total.py --bootstrap 127.0.0.1:9092 --portfolio main
"""

import argparse
import asyncio
import contextlib
import json
import logging
import sys
from decimal import Decimal
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

PARTITIONS = 12  # Of spark.portfolio, for ever: the partition of a portfolio follows from their number.
SCHEMA_VERSION = 1  # The major version this program was written for.

Version = tuple[int, int]


class Portfolio:
    """The newest state of one portfolio, whatever order, and however often, its records arrive in."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state: dict[str, Any] | None = None
        self.version: Version | None = None  # Outlives the state: see the tombstone below.
        self._next_offset = 0  # A portfolio lies in one partition, so one offset is enough.

    def apply(self, record: ConsumerRecord) -> bool:
        """Take one record in; whether anything changed."""
        # The key is the portfolio's name (its letters never need the escaping that other keys may need).
        if record.key != self.name.encode():
            return False
        if record.offset < self._next_offset:
            # The log ended before the place we had reached, and began anew: somebody emptied the topic. What we know
            # is still the best there is, but versions are compared within one log only; the writers publish again.
            self.version = None
        self._next_offset = record.offset + 1
        if record.value is None:
            # A tombstone: the portfolio is gone. Its version stays, or an old record that comes late would revive it.
            changed, self.state = self.state is not None, None
            return changed
        state = json.loads(record.value)  # Amounts are strings, so nothing is lost to binary fractions here.
        if state["schema_version"] != SCHEMA_VERSION:
            # Fields that we do not know are ignored. Another major version means that we would misunderstand.
            sys.exit(
                f"offset {record.offset} of partition {record.partition} has schema_version {state['schema_version']} "
                f"and this program reads {SCHEMA_VERSION}: get a newer one"
            )
        version = (state["epoch"], state["seq"])
        if self.version is not None and version <= self.version:
            return False  # A duplicate, or an older state that came late.
        self.state, self.version = state, version
        return True

    def __str__(self) -> str:
        if self.state is None:
            return f"{self.name} is not there"
        totals = self.state["totals"]
        total = Decimal(totals["total_usd"])  # Exact, of any length. Never float().
        notes = []
        if totals["partial"]:  # Something in it is old, doubtful, unpriced or missing; "reasons" lists what.
            notes.append("partial")
        if unpriced := totals.get("unpriced"):  # In no total: unknown is not zero.
            notes.append(f"{len(unpriced)} unpriced")
        return ", ".join([f"{self.name} {total:f} USD", *notes])


def take(portfolio: Portfolio, record: ConsumerRecord) -> bool:
    """Take one record in; nobody's bad record may end us: it is named and stepped over."""
    try:
        return portfolio.apply(record)
    except (ValueError, KeyError, TypeError) as error:
        print(f"offset {record.offset} is no state: {error!r}", file=sys.stderr, flush=True)
        return False


async def follow(bootstrap: str, topic: str, portfolio: Portfolio, *, once: bool) -> None:
    """Read the topic from the beginning, say when that is done, then go on until somebody ends it."""
    # State is read whole at every start: no group, no commits. A group would give us a share, and from the last commit.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    try:
        # Until there is a connection, all that the library has to say comes as the exception too.
        library = logging.getLogger("aiokafka")
        library.setLevel(logging.CRITICAL)
        await consumer.start()
        library.setLevel(logging.NOTSET)
        if topic not in await consumer.topics():
            sys.exit(f"there is no topic {topic} that we may read: look at --prefix, and at our rights")
        consumer.assign(partitions)
        # What lies before these ends was there when we began; until it is read, we know too little to say anything.
        missing = {place: end for place, end in (await consumer.end_offsets(partitions)).items() if end > 0}
        loaded = False
        while True:
            if not loaded:
                missing = {place: end for place, end in missing.items() if await consumer.position(place) < end}
                loaded = not missing
                if loaded:
                    print(f"loaded: {portfolio}", flush=True)
                    if once:
                        return
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    if take(portfolio, record) and loaded:
                        print(portfolio, flush=True)
    finally:
        with contextlib.suppress(asyncio.CancelledError):  # aiokafka's own, where a fetch was being tried again.
            await consumer.stop()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Follow a portfolio's total on Kafka.")
    parser.add_argument("--bootstrap", default="127.0.0.1:9092", help="a broker, host:port")
    parser.add_argument("--prefix", default="", help="what stands before the topics' names (TOPIC_PREFIX)")
    parser.add_argument("--portfolio", default="main")
    parser.add_argument("--once", action="store_true", help="end when loaded")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        topic = f"{options.prefix}spark.portfolio"
        try:
            asyncio.run(follow(options.bootstrap, topic, Portfolio(options.portfolio), once=options.once))
        except (KafkaConnectionError, OSError, ValueError):
            sys.exit(f"no Kafka answers at {options.bootstrap}: start it, or correct --bootstrap (host:port)")
        except KafkaError as error:
            sys.exit(f"Kafka at {options.bootstrap} cannot be read: {error}")


if __name__ == "__main__":
    main()
