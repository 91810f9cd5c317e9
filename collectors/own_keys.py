"""What a collector reads of what it wrote itself: its last facts at the start, and whether somebody takes its place."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from monitoring.metrics import CollectorMetrics
from schemas.encoding import Decoded, Encoded, encode
from schemas.events import BalanceSnapshot, CollectorStatus, Event
from schemas.topics import BALANCES, COLLECTORS, Topic, join_key
from schemas.versions import OwnLog, Seen, Version

TOPICS: Final = (BALANCES, COLLECTORS)

Name = tuple[str, str]
"""A topic and a key."""

Held = tuple[Version, Event | Encoded]
"""The newest fact of a key: as it was found at the start, or as it was handed over."""


class OwnKeys:
    """Follows the keys that this collector writes (a StateFollower).

    Compaction keeps the newest offset, not the largest version. So where an older record lies behind the newest, that
    is published again, whether this process wrote it or a former one did; where a larger epoch than ours shows, another
    process writes these keys now and we must leave. Only a process without keys is no such other: it reports the
    exchange as unconfigured because it has not heard of us, and is outbid.
    """

    def __init__(
        self,
        exchange: str,
        accounts: Iterable[tuple[str, str]],
        wallets: Iterable[str],
        *,
        republish: Callable[[Encoded], None],
        emptied: Callable[[Topic], None],
        metrics: CollectorMetrics,
    ) -> None:
        """``accounts`` are portfolio and label; ``emptied`` is told of each topic that was emptied."""
        self._keys: set[str] = set()
        names = tuple(wallets)
        for portfolio, account in accounts:
            self._keys.add(join_key(portfolio, exchange, account))
            self._keys.update(join_key(portfolio, exchange, account, wallet) for wallet in names)
        self._republish = republish
        self._tell_emptied = emptied
        self._repairs = metrics.repairs.labels(exchange)
        self._logs = {topic.name: OwnLog() for topic in TOPICS}
        self._held: dict[Name, Held] = {}
        self._emptied: set[str] = set()
        self._outbid: Callable[[], None] | None = None
        self.replaced: Final = asyncio.Event()

    @property
    def largest_epoch(self) -> int:
        """The largest epoch seen on our keys."""
        return max(log.largest_epoch for log in self._logs.values())

    def snapshots(self) -> dict[str, BalanceSnapshot]:
        """The newest snapshot per key, as found before we wrote any."""
        return {key: event for (_, key), (_, event) in self._held.items() if isinstance(event, BalanceSnapshot)}

    def begin(self, epoch: int, outbid: Callable[[], None]) -> None:
        """From now on we write, with this epoch. ``outbid`` is called where it must be a larger one."""
        self._outbid = outbid
        wrong = {(name, key) for name, log in self._logs.items() for key in log.begin(epoch)}
        for place, (version, event) in self._held.items():
            if isinstance(event, Event):
                self._held[place] = (version, encode(event))
            if place[0] in self._emptied:
                wrong.add(place)
        self._emptied.clear()
        for place in wrong:
            self._publish_again(place)

    def wrote(self, event: Event, fact: Encoded) -> None:
        """Remember the newest fact of a key, to be able to publish it again."""
        self._held[fact.topic.name, fact.key] = (event.version, fact)

    def apply(self, facts: Sequence[Decoded]) -> None:
        """Take records in."""
        for fact in facts:
            if fact.key not in self._keys:
                continue
            place = (fact.topic.name, fact.key)
            if fact.event is None:
                self._take_away(place)
            else:
                self._see(place, fact.event)

    def caught_up(self) -> None:
        """Nothing to do: the reader says so itself."""

    def topic_reset(self, topic: Topic) -> None:
        """The topic was emptied: publish everything of it again, also what only a former process read."""
        self._logs[topic.name].reset()
        if self._outbid is None:
            self._emptied.add(topic.name)
        else:
            for place in list(self._held):
                if place[0] == topic.name:
                    self._publish_again(place)
        self._tell_emptied(topic)

    def _see(self, place: Name, event: Event) -> None:
        held = self._held.get(place)
        seen = self._logs[place[0]].seen(place[1], event.version, None if held is None else held[0])
        if seen is Seen.OTHER:
            if self._outbid is not None and isinstance(event, CollectorStatus) and event.state == "unconfigured":
                self._outbid()
            else:
                self.replaced.set()
        elif self._outbid is None:
            if seen is not Seen.BEHIND:
                self._held[place] = (event.version, event)
        elif seen is Seen.BEHIND:
            self._repair(place)

    def _take_away(self, place: Name) -> None:
        self._logs[place[0]].taken_away(place[1])
        if self._outbid is None:
            self._held.pop(place, None)
        else:
            self._repair(place)  # Somebody forgot an account that we go on reading.

    def _repair(self, place: Name) -> None:
        if place in self._held:
            self._repairs.inc()
            self._publish_again(place)

    def _publish_again(self, place: Name) -> None:
        held = self._held.get(place)
        if held is not None and isinstance(held[1], Encoded):
            self._republish(held[1])
