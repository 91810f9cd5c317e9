"""What of ``spark.portfolio`` is ours: which record is late or foreign, and what has to be taken away. Pure."""

from collections import Counter
from typing import Final

from aggregator.prices import Outcome
from schemas import topics
from schemas.encoding import Encoded, tombstone
from schemas.topics import join_key
from schemas.versions import OwnLog, Seen, Version

OUTCOMES: Final = {
    Seen.NEWER: Outcome.APPLIED,
    Seen.SAME: Outcome.DUPLICATE,
    Seen.BEHIND: Outcome.OLDER,
    Seen.OTHER: Outcome.APPLIED,
}
"""What is counted of a record on a topic that we write."""


class OwnStates:
    """Sees the records of ``spark.portfolio`` in the order of the log, and retires what has nothing left."""

    def __init__(self) -> None:
        self.log = OwnLog()
        self.replaced_by: int | None = None
        """The epoch of the writer that took our place."""
        self.repairs: Counter[str] = Counter()
        """By topic: how often a record that stood where ours should is written over."""
        self._gone: dict[str, int] = {}
        """Portfolios that have nothing left, and from when on they are to be taken away from the topic."""
        self._retired: set[str] = set()
        """The keys that we took away."""

    def seen(self, key: str, version: Version | None, newest: Version | None, *, held: bool) -> tuple[Outcome, bool]:
        """Take a record in, or a tombstone (no version); what to count, and whether the wrong record stands last now.

        ``newest`` is the version that we gave the key last, None if none; ``held``: whether we hold the portfolio.
        """
        if version is None:
            self.log.taken_away(key)
            return Outcome.DELETED, held and self._mends(key, newest)
        gone = self.log.is_taken(key)
        seen = self.log.seen(key, version, newest)
        if seen is Seen.OTHER:
            self.replaced_by = version[0]
            return OUTCOMES[seen], False
        # Nothing stands right behind the tombstone of a portfolio that is gone, however new its version.
        return OUTCOMES[seen], (seen is Seen.BEHIND or (gone and not held)) and self._mends(key, newest)

    def _mends(self, key: str, newest: Version | None) -> bool:
        """Whether we wrote this key: what we hold and never wrote is on its way, what we never held is not ours."""
        ours = newest is not None or key in self._retired
        self.repairs[topics.PORTFOLIO.name] += ours
        return ours

    def retire(self, name: str, at: int) -> None:
        """Take a portfolio's state away, from this moment on."""
        self._gone[name] = at

    def keep(self, name: str) -> None:
        """The portfolio holds something again."""
        self._gone.pop(name, None)
        self._retired.discard(join_key(name))

    def retired(self, now: int) -> list[Encoded]:
        """The tombstones that are due."""
        gone = [name for name, at in self._gone.items() if at <= now]
        for name in gone:
            del self._gone[name]
        keys = [join_key(name) for name in gone]
        self._retired.update(keys)
        return [tombstone(topics.PORTFOLIO, key) for key in keys]

    def next_at(self) -> int | None:
        """When :meth:`retired` has something to give."""
        return min(self._gone.values(), default=None)
