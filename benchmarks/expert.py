"""The bare side: the loops that an expert would write by hand for one purpose, with nothing between him and aiokafka.

He trusts every record (no checks of keys, names, sums or schema versions, no dead letters) and knows all writers; what
he keeps is the same as ours: the newest version of each key, exact amounts, and what they are worth.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from bus.kafka_settings import KafkaSettings, client_options
from schemas.topics import Topic

FETCH_BYTES: Final = 8 * 1024 * 1024
NOTHING: Final = (-1, -1)


async def follow(settings: KafkaSettings, read: Sequence[Topic], take: Callable[[str, Iterable[Any]], None]) -> int:
    """Read topics from their beginning to their end, in batches as large as they come; how many records it were."""
    consumer = AIOKafkaConsumer(
        **client_options(settings, "bench-expert"),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_bytes=FETCH_BYTES,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    names = {settings.topic(topic.name): topic.name for topic in read}
    places = [TopicPartition(settings.topic(topic.name), part) for topic in read for part in range(topic.partitions)]
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        left = {place for place, end in ends.items() if end}
        count = 0
        while left:
            for place, records in (await consumer.getmany(timeout_ms=1000)).items():
                take(names[place.topic], records)
                count += len(records)
                if records[-1].offset + 1 >= ends[place]:
                    left.discard(place)
        return count
    finally:
        await consumer.stop()


class Totals:
    """Balances by wallet with their versions, prices, statuses; and from them the values and totals."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[bytes, tuple[int, int]]] = {}
        self.prices: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
        self.wallets: dict[bytes, dict[str, tuple[str, str, Decimal, Decimal]]] = {}
        self.owners: dict[bytes, tuple[str, str]] = {}
        self.states: dict[bytes, str] = {}
        self.values: dict[tuple[bytes, str], tuple[Decimal, Decimal]] = {}

    def take(self, topic: str, records: Iterable[Any]) -> None:
        """Take a batch of one partition in."""
        loads = orjson.loads
        versions = self.versions.setdefault(topic, {})
        for record in records:
            event = loads(record.value)
            key = record.key
            version = event["epoch"], event["seq"]
            if version <= versions.get(key, NOTHING):
                continue
            versions[key] = version
            if topic == "spark.balances":
                self._wallet(key, event)
            elif topic == "spark.prices":
                self.prices[event["exchange"], event["base"]] = Decimal(event["price"]), Decimal(event["price_24h_ago"])
            else:
                self.states[key] = event["state"]

    def _wallet(self, key: bytes, event: dict[str, Any]) -> None:
        # Most rows are as they were: comparing two texts costs less than making two numbers.
        old = self.wallets.get(key)
        if old is None:
            old = {}
            self.owners[key] = event["portfolio"], event["exchange"]
        new = self.wallets[key] = {}
        for balance in event["balances"]:
            asset, total, locked = balance["asset"], balance["total"], balance["locked"]
            row = old.get(asset)
            if row is None or row[0] != total or row[1] != locked:
                row = total, locked, Decimal(total), Decimal(locked)
            new[asset] = row

    def value(self) -> dict[str, Decimal]:
        """Value every holding, now and a day before; the total of each portfolio."""
        totals: dict[str, Decimal] = {}
        for key, rows in self.wallets.items():
            portfolio, exchange = self.owners[key]
            total = totals.get(portfolio, Decimal(0))
            for asset, (_, _, amount, _) in rows.items():
                price, ago = self.prices[exchange, asset]
                value = amount * price
                self.values[key, asset] = value, amount * ago
                total += value
            totals[portfolio] = total
        return totals


class Plain:
    """The least that a replay can be: parsed, newer than what was before, amounts as numbers."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[bytes, tuple[int, int]]] = {}
        self.amounts = 0

    def take(self, topic: str, records: Iterable[Any]) -> None:
        """Take a batch of one partition in."""
        loads = orjson.loads
        versions = self.versions.setdefault(topic, {})
        for record in records:
            event = loads(record.value)
            key = record.key
            version = event["epoch"], event["seq"]
            if version <= versions.get(key, NOTHING):
                continue
            versions[key] = version
            if topic == "spark.balances":
                rows = {
                    balance["asset"]: (Decimal(balance["free"]), Decimal(balance["locked"]), Decimal(balance["total"]))
                    for balance in event["balances"]
                }
                self.amounts += len(rows)
            elif topic == "spark.prices":
                price, ago = Decimal(event["price"]), Decimal(event["price_24h_ago"])
                self.amounts += bool(price) + bool(ago)
