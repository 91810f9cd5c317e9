"""How far behind readers are is read from the metrics of the processes that answer, and of nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from bus.kafka_settings import KafkaSettings
from cli.lags import Lag, lags_of, read_lags
from monitoring.clock import SystemClock
from monitoring.guards import BearerToken
from monitoring.health import Readiness
from monitoring.metrics import BusMetrics, ProcessMetrics
from monitoring.server import MonitoringServer
from tests.ports import free_port

KAFKA = KafkaSettings("127.0.0.1:9092,broker-2:9092", "desk.")
TOKEN = "read-token-" + "0" * 32


def registry(
    role: str, lags: dict[str, int], servers: str = "localhost:9092", prefix: str = "desk."
) -> tuple[CollectorRegistry, ProcessMetrics]:
    made = CollectorRegistry()
    process = ProcessMetrics(made)
    process.info.labels(version="1", role=role).set(1)
    bus = BusMetrics(made)
    bus.info.labels(servers=servers, prefix=prefix).set(1)
    for reader, records in lags.items():
        bus.reader_lag.labels(reader).set(records)
    return made, process


@given(st.dictionaries(st.from_regex(r"[a-z-]{1,12}", fullmatch=True), st.integers(0, 10**9), max_size=4))
def test_what_a_process_says_is_what_is_read(lags: dict[str, int]) -> None:
    text = generate_latest(registry("aggregator", lags)[0]).decode()
    assert read_lags(text, KAFKA) == [Lag("aggregator", reader, lags[reader]) for reader in sorted(lags)]


def test_metrics_of_another_program_say_nothing() -> None:
    assert read_lags('spark_bus_reader_lag_records{reader="x"} 3\n', KAFKA) == []
    assert read_lags("", KAFKA) == []


@pytest.mark.parametrize(
    ("servers", "prefix", "shown"),
    [
        ("127.0.0.1:9092", "desk.", True),
        ("BROKER-2:9092,broker-3:9092", "desk.", True),
        ("127.0.0.1:9092", "", False),
        ("127.0.0.1:9092", "demo.desk.", False),
        ("127.0.0.1:9093", "desk.", False),
        ("other:9092", "desk.", False),
    ],
)
def test_a_process_on_other_topics_is_not_shown(servers: str, prefix: str, *, shown: bool) -> None:
    text = generate_latest(registry("aggregator", {"aggregator": 1}, servers, prefix)[0]).decode()
    assert bool(read_lags(text, KAFKA)) == shown


def test_a_process_without_kafka_is_not_shown() -> None:
    made = CollectorRegistry()
    ProcessMetrics(made).info.labels(version="1", role="all").set(1)
    BusMetrics(made).reader_lag.labels("api").set(0)
    assert read_lags(generate_latest(made).decode(), KAFKA) == []


async def test_ports_are_asked_with_the_token_and_silence_is_passed_over() -> None:
    made, process = registry("aggregator", {"aggregator": 7})
    server = MonitoringServer(
        host="127.0.0.1",
        port=free_port(),
        registry=made,
        readiness=Readiness(),
        metrics=process,
        clock=SystemClock(),
        read_token=BearerToken(TOKEN, setting="READ_TOKEN"),
    )
    await server.start()
    try:
        here = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        nobody = ("127.0.0.1", free_port())
        assert await lags_of([nobody, here], TOKEN, KAFKA) == [Lag("aggregator", "aggregator", 7)]
        assert await lags_of([here], None, KAFKA) == []
    finally:
        await server.stop()
