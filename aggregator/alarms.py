"""When to look at something again: a heap of moments that costs nothing while nothing is due."""

import heapq
import itertools
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Alarmed(Protocol):
    """What can be woken. ``alarm`` belongs to :class:`Alarms`: the moment of its entry in the heap, or None."""

    alarm: int | None


ItemT = TypeVar("ItemT", bound=Alarmed)


class Alarms(Generic[ItemT]):
    """At most one live alarm per item, in milliseconds.

    An alarm may ring too early, never too late: when an item's moment moves into the future (a sign of life arrived)
    its entry stays where it is, and who is woken looks at the real moment and sets the next alarm. So the stream of
    events, which moves moments all the time, does not touch the heap.
    """

    __slots__ = ("_heap", "_order")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, ItemT]] = []
        self._order = itertools.count()

    def set(self, item: ItemT, at: int | None) -> None:
        """Wake the item at this moment or before; None takes its alarm away."""
        if at is None:
            item.alarm = None
        elif item.alarm is None or at < item.alarm:
            item.alarm = at
            heapq.heappush(self._heap, (at, next(self._order), item))

    def due(self, now: int) -> Iterator[ItemT]:
        """Each item whose alarm has come, once; its alarm is gone then. May be left early."""
        while self._heap and self._heap[0][0] <= now:
            at, _, item = heapq.heappop(self._heap)
            if item.alarm == at:
                item.alarm = None
                yield item

    def next_at(self) -> int | None:
        """The moment of the next entry, or None. It may be that of an alarm taken away since."""
        return self._heap[0][0] if self._heap else None

    def clear(self) -> None:
        """Forget all entries, after the clock went back; the owner sets every alarm anew."""
        for _, _, item in self._heap:
            item.alarm = None
        self._heap.clear()
