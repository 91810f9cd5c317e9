"""How far behind the processes of this machine are. Our readers have no group, so no broker knows; they do."""

import asyncio
import http.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from bus.kafka_settings import KafkaSettings
from monitoring.guards import is_loopback

LAG: Final = "spark_bus_reader_lag_records"
ROLE: Final = "spark_process_info"
BUS: Final = "spark_bus_info"
ASK_SECONDS: Final = 1.0
BYTES_MAX: Final = 4 * 1024 * 1024
"""More than any process of ours has to say: something else listens there."""


@dataclass(frozen=True, slots=True)
class Lag:
    """A reader of a process: the records that lie between it and the end."""

    process: str
    reader: str
    records: int


async def lags_of(addresses: Sequence[tuple[str, int]], token: str | None, kafka: KafkaSettings) -> list[Lag]:
    """Ask those of the addresses that answer; a port where nobody, or somebody else, listens is passed over.

    So is a process that works on another Kafka or another prefix: its readers say nothing of these topics.
    """
    found = await asyncio.gather(*(asyncio.to_thread(_ask, host, port, token, kafka) for host, port in addresses))
    return [lag for lags in found for lag in lags]


def _ask(host: str, port: int, token: str | None, kafka: KafkaSettings) -> list[Lag]:
    headers: Mapping[str, str] = {} if token is None else {"Authorization": f"Bearer {token}"}
    connection = http.client.HTTPConnection(host, port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", "/metrics", headers=dict(headers))
        answer = connection.getresponse()
        text = answer.read(BYTES_MAX).decode() if answer.status == 200 else ""
        return read_lags(text, kafka)
    except (OSError, http.client.HTTPException, ValueError):
        return []
    finally:
        connection.close()


def read_lags(text: str, kafka: KafkaSettings) -> list[Lag]:
    """The lags in a page of metrics, if it is of a process on these topics; ValueError where it is no such page."""
    role, here, lags = "", False, {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == ROLE:
                role = sample.labels.get("role", "")
            elif sample.name == BUS:
                here = _is_same(sample.labels.get("servers", ""), sample.labels.get("prefix", ""), kafka)
            elif sample.name == LAG:
                lags[sample.labels.get("reader", "")] = int(sample.value)
    return [Lag(role, reader, records) for reader, records in sorted(lags.items())] if role and here else []


def _is_same(servers: str, prefix: str, kafka: KafkaSettings) -> bool:
    """Whether it is the same prefix on the same Kafka: one server that both name is enough."""
    theirs, ours = (_places(one) for one in (KafkaSettings(servers), kafka))
    return prefix == kafka.topic_prefix and not theirs.isdisjoint(ours)


def _places(kafka: KafkaSettings) -> set[tuple[str, int]]:
    return {("loopback" if is_loopback(host) else host.lower(), port) for host, port in kafka.servers}
