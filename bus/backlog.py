"""What waits for a follower in the embedded bus. Its size is bounded, so nobody ever waits for a slow follower."""

from collections import OrderedDict, deque
from typing import Final

from bus.interface import RawRecord

COMMANDS_WAITING_MAX: Final = 1_000
"""Commands that wait for one follower. They expire within seconds, so the oldest are the ones to lose."""


class StateBacklog:
    """The newest record of every key that a follower has not seen, in the order in which the keys became dirty.

    It holds each key once, so it is bounded by the keys there are, and a slow follower finds only the newest.
    """

    def __init__(self) -> None:
        self._records: OrderedDict[tuple[str, bytes | None, int], RawRecord] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def push(self, record: RawRecord) -> bool:
        """Add a record; whether it took the place of an older one that will not be given any more."""
        # Records without a key replace nothing: they are bad, and each is told of.
        identity = (record.topic, record.key, 0 if record.key else record.offset)
        known = identity in self._records
        self._records[identity] = record
        return known

    def pop(self, count: int) -> list[RawRecord]:
        """Take at most so many records, the longest dirty first."""
        return [self._records.popitem(last=False)[1] for _ in range(min(count, len(self._records)))]

    def clear(self) -> None:
        """Nobody will read it any more."""
        self._records.clear()


class CommandBacklog:
    """The commands that a follower has not seen, in order."""

    def __init__(self) -> None:
        self._records: deque[RawRecord] = deque()

    def __len__(self) -> int:
        return len(self._records)

    def push(self, record: RawRecord) -> bool:
        """Add a command; whether the oldest was lost for it."""
        self._records.append(record)
        if len(self._records) <= COMMANDS_WAITING_MAX:
            return False
        self._records.popleft()
        return True

    def pop(self, count: int) -> list[RawRecord]:
        """Take at most so many commands, the oldest first."""
        return [self._records.popleft() for _ in range(min(count, len(self._records)))]

    def clear(self) -> None:
        """Nobody will read it any more."""
        self._records.clear()
