"""A clock to move by hand, and a bus without a harness."""

import datetime as dt
from pathlib import Path

from prometheus_client import CollectorRegistry

from bus.interface import RawRecord
from bus.local import LocalBus
from bus.statefile import StoredRecord
from monitoring.metrics import BusMetrics

TOPIC = "spark.wanted"


class HandClock:
    def __init__(self) -> None:
        self.moment = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
        self.seconds = 1000.0

    def now(self) -> dt.datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def move(self, **time: float) -> None:
        self.moment += dt.timedelta(**time)
        self.seconds += dt.timedelta(**time).total_seconds()


class Made:
    """A local bus with its clock and its metrics."""

    def __init__(self, state_file: Path | None = None, clock: HandClock | None = None) -> None:
        self.registry = CollectorRegistry()
        self.metrics = BusMetrics(self.registry)
        self.clock = clock or HandClock()
        self.bus = LocalBus(state_file, self.metrics, self.clock)

    def sample(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    def sql(self, *statements: str):
        """Run statements on the thread and the connection that write the state file."""

        def run() -> list[list[tuple]]:
            return [self.bus._storage._file._connection.execute(statement).fetchall() for statement in statements]

        return self.bus._storage._thread.submit(run)


def raw(key: str | bytes | None, value: bytes | None = b"x", offset: int = 0, topic: str = TOPIC) -> RawRecord:
    return RawRecord(topic, 0, offset, key.encode() if isinstance(key, str) else key, value)


def stored(key: str, value: bytes | None = b"x", offset: int = 0, written_at: int = 0, topic: str = TOPIC):
    return StoredRecord(raw(key, value, offset, topic), written_at)
