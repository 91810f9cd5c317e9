"""How much the outbox hands over at once: no more than a slow line carries within the deadline of the bus."""

import asyncio
import random

from bus.interface import BATCH_RECORDS_MAX, PublishError
from collectors.outbox import BATCH_BYTES_MAX, Outbox
from schemas.encoding import Encoded
from schemas.topics import BALANCES


class SlowBus:
    """Carries so many bytes of a batch until the deadline; a larger batch fails as a whole, whatever arrived of it."""

    def __init__(self, carries: int) -> None:
        self.carries = carries
        self.batches: list[list[str]] = []
        self.arrived: set[str] = set()

    async def publish(self, facts: list[Encoded], *, deadline_seconds: float = 3.0) -> None:
        self.batches.append([fact.key for fact in facts])
        left = self.carries
        for fact in facts:
            left -= len(fact.value or b"")
            if left < 0:
                raise PublishError(f"not acknowledged within {deadline_seconds} s", unsent=len(facts))
            self.arrived.add(fact.key)
        await asyncio.sleep(0)


def filled(bus: SlowBus, *sizes: int) -> Outbox:
    outbox = Outbox(bus, exchange="x", chance=random.Random(1))
    for number, size in enumerate(sizes):
        outbox.put(Encoded(BALANCES, str(number), b"x" * size))
    return outbox


async def test_what_is_too_much_for_one_deadline_arrives_in_several() -> None:
    bus = SlowBus(carries=BATCH_BYTES_MAX)
    outbox = filled(bus, *[25_000] * 600)
    assert await outbox.flush() == 0
    assert len(bus.arrived) == 600


async def test_a_fact_larger_than_a_batch_goes_alone_and_in_its_turn() -> None:
    bus = SlowBus(carries=10 * BATCH_BYTES_MAX)
    outbox = filled(bus, 1, BATCH_BYTES_MAX + 1, 1)
    assert await outbox.flush() == 0
    assert bus.batches == [["0"], ["1"], ["2"]]


async def test_small_facts_go_many_at_once() -> None:
    bus = SlowBus(carries=BATCH_BYTES_MAX)
    outbox = filled(bus, *[10] * (BATCH_RECORDS_MAX + 1))
    assert await outbox.flush() == 0
    assert [len(batch) for batch in bus.batches] == [BATCH_RECORDS_MAX, 1]
