"""What a collector reads of what it wrote itself: its last facts at the start, and whether somebody takes its place."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from schemas.encoding import Decoded, Encoded
from schemas.events import BalanceSnapshot, Event
from schemas.topics import BALANCES, COLLECTORS, Topic, join_key

if TYPE_CHECKING:
    from schemas.versions import Version

TOPICS: Final = (BALANCES, COLLECTORS)


class OwnKeys:
    """Follows the keys that this collector writes (a StateFollower).

    Compaction keeps the newest offset, not the largest version. So where a lower version lies behind ours, we publish
    again; where a larger epoch than ours shows, another process writes these keys now and we must leave.
    """

    def __init__(
        self, accounts: Iterable[tuple[str, str, str]], wallets: Iterable[str], republish: Callable[[Encoded], None]
    ) -> None:
        self._keys: set[str] = set()
        names = tuple(wallets)
        for portfolio, exchange, account in accounts:
            self._keys.add(join_key(portfolio, exchange, account))
            self._keys.update(join_key(portfolio, exchange, account, wallet) for wallet in names)
        self._republish = republish
        self._epoch: int | None = None
        self._published: dict[tuple[str, str], tuple[Version, Encoded]] = {}
        self.largest_epoch = 0
        self.snapshots: dict[str, BalanceSnapshot] = {}
        """The newest snapshot per key, as found before we wrote any."""
        self.replaced: Final = asyncio.Event()

    def begin(self, epoch: int) -> None:
        """From now on we write, with this epoch. An epoch as large or larger that is not ours replaces us."""
        self._epoch = epoch
        self.snapshots.clear()

    def wrote(self, event: Event, fact: Encoded) -> None:
        """Remember the newest fact of a key, to be able to publish it again."""
        self._published[fact.topic.name, fact.key] = (event.version, fact)

    def apply(self, facts: Sequence[Decoded]) -> None:
        """Take records in."""
        for fact in facts:
            if fact.event is None or fact.key not in self._keys:
                continue
            if self._epoch is None:
                self._remember(fact.key, fact.event)
            elif fact.event.epoch > self._epoch:
                self.replaced.set()
            elif fact.event.epoch < self._epoch:
                self._publish_again(fact.topic.name, fact.key)

    def caught_up(self) -> None:
        """Nothing to do: the reader says so itself."""

    def topic_reset(self, topic: Topic) -> None:
        """The topic was emptied: publish everything of it again."""
        for name, key in list(self._published):
            if name == topic.name:
                self._publish_again(name, key)

    def _remember(self, key: str, event: Event) -> None:
        self.largest_epoch = max(self.largest_epoch, event.epoch)
        if isinstance(event, BalanceSnapshot):
            known = self.snapshots.get(key)
            if known is None or event.version > known.version:
                self.snapshots[key] = event

    def _publish_again(self, topic: str, key: str) -> None:
        found = self._published.get((topic, key))
        if found is not None:
            self._republish(found[1])
