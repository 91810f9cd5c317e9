"""A process that publishes without end and says on its output what was acknowledged. It is made to be killed.

``python publisher.py local FILE FIRST_SEQ`` (or ``kafka 'BOOTSTRAP PREFIX' FIRST_SEQ``): each line is the seq of an acknowledged batch, which holds every key once.
"""

import asyncio
import os
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from bus.interface import Bus
from bus.kafka import KafkaBus
from bus.kafka_settings import KafkaSettings
from bus.local import LocalBus
from monitoring.clock import SystemClock
from monitoring.metrics import BusMetrics
from tests.contract.bus.tools import wanted

KEYS = 20


def make_bus(kind: str, where: str) -> Bus:
    metrics = BusMetrics(CollectorRegistry())
    if kind == "local":
        return LocalBus(Path(where), metrics, SystemClock())
    if kind == "kafka":
        bootstrap, prefix = where.split(" ")
        return KafkaBus(KafkaSettings(bootstrap, topic_prefix=prefix), metrics, SystemClock(), client_id="publisher")
    raise SystemExit(f"no such bus: {kind}")


async def main(kind: str, where: str, first_seq: str) -> None:
    bus = make_bus(kind, where)
    await bus.start()
    seq = int(first_seq)
    while True:
        await bus.publish([wanted(f"A{n}", seq) for n in range(KEYS)])
        os.write(1, b"%d\n" % seq)
        seq += 1


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
