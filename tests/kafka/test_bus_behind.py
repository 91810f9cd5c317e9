"""A reader that is behind asks the broker without letting it wait; one that is live lets it."""

from collections.abc import Sequence

from bus.kafka_consumer import BEHIND_WAIT_MS, Consumer
from bus.kafka_settings import FETCH_WAIT_MS_MAX
from schemas import topics
from schemas.encoding import Decoded
from tests.contract.bus.tools import Recorder, wanted
from tests.kafka.tools import started, until


class Looking(Recorder):
    """Notes how long a broker may wait with its next answer, whenever facts come."""

    def __init__(self) -> None:
        super().__init__()
        self.consumer: Consumer | None = None
        self.waits: list[int] = []

    def apply(self, facts: Sequence[Decoded]) -> None:
        super().apply(facts)
        if self.consumer is not None:
            self.waits.append(wait_of(self.consumer))


def wait_of(consumer: Consumer) -> int:
    wait: int = consumer._fetcher._fetch_max_wait_ms
    return wait


async def test_nothing_waits_for_partitions_that_are_read_while_others_are_not(kafka: str, topic_prefix: str):
    async with started(kafka, topic_prefix) as made:
        await made.bus.publish([wanted(f"A{number}") for number in range(5_000)])
        follower = Looking()
        reader = made.bus.follow_state([topics.WANTED, topics.BALANCES], follower, name="reader")
        await reader.start()
        await until(lambda: reader._session is not None and reader._session.consumer is not None)
        follower.consumer = reader._session.consumer
        await reader.live()
        await made.bus.publish([wanted("B")])
        await until(lambda: len(follower.facts) == 5_001)
        assert set(follower.waits[:-1]) == {BEHIND_WAIT_MS}
        await until(lambda: follower.consumer is not None and wait_of(follower.consumer) == FETCH_WAIT_MS_MAX)
