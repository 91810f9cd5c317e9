"""Versions: which of two records of a key is newer, whatever order they arrive in."""

import datetime as dt
import enum
from collections import OrderedDict
from typing import Final

from schemas.fields import milliseconds

Version = tuple[int, int]
"""``(epoch, seq)``: the epoch grows with every start of a writer, seq with every event of a key."""

EPOCH_RANDOM_MAX: Final = 1024
"""Below this lies the random part of an epoch, so that two starts in one millisecond differ."""

EPOCH_MAX: Final = 2**53
"""The largest that an event can carry. Clocks reach it in 2248; before that only a foreign hand does."""

DELETED_KEYS_MAX: Final = 100_000
"""So many deleted keys are remembered per topic, that an old record may not bring one back."""


def next_epoch(largest_seen: int, started_at: dt.datetime, random_part: int) -> int:
    """The epoch of a new writer. The clock only seeds it: one that went back cannot make it smaller than seen."""
    if not 0 <= random_part < EPOCH_RANDOM_MAX:
        raise ValueError(f"the random part of an epoch lies below {EPOCH_RANDOM_MAX}, {random_part} does not")
    if largest_seen >= EPOCH_MAX:
        raise ValueError(
            f"a record with the epoch {largest_seen} stands on a topic that this process writes, and no larger one can "
            "follow it: no writer of ours made it. Take its key away by a tombstone, or delete the topic: it is made "
            "and filled anew"
        )
    return max(largest_seen + 1, milliseconds(started_at) * EPOCH_RANDOM_MAX + random_part)


class Sequence:
    """The versions that one writer gives to the events of its keys."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self._last: dict[str, int] = {}

    def next(self, key: str) -> Version:
        """The version of the next event of this key."""
        seq = self._last.get(key, 0) + 1
        self._last[key] = seq
        return self.epoch, seq

    def last(self, key: str) -> Version | None:
        """The version last given for this key, or None."""
        seq = self._last.get(key)
        return None if seq is None else (self.epoch, seq)


class VersionGate:
    """Lets the records of one topic through once each and never backwards.

    A deleted key's version is kept, so that an older record that arrives late does not bring it back.
    """

    def __init__(self) -> None:
        self._versions: dict[str, Version] = {}
        self._deleted: OrderedDict[str, Version] = OrderedDict()

    def __len__(self) -> int:
        return len(self._versions)

    def admits(self, key: str, version: Version) -> bool:
        """Whether this version is newer than all seen of the key; if so it is the newest from now on."""
        known = self._versions.get(key)
        if known is None:
            known = self._deleted.get(key)
            if known is not None and version > known:
                del self._deleted[key]
        if known is not None and version <= known:
            return False
        self._versions[key] = version
        return True

    def delete(self, key: str) -> bool:
        """Take a tombstone in; whether the key was there."""
        version = self._versions.pop(key, None)
        if version is None:
            return False
        self._deleted[key] = version
        if len(self._deleted) > DELETED_KEYS_MAX:
            self._deleted.popitem(last=False)
        return True

    def version(self, key: str) -> Version | None:
        """The newest version of a key that is there, or None."""
        return self._versions.get(key)

    def forget(self) -> None:
        """Forget all versions, after the topic itself was emptied: its writers publish anew."""
        self._versions.clear()
        self._deleted.clear()


class Seen(enum.Enum):
    """What a record on a key of ours means to us, who write it."""

    NEWER = enum.auto()
    """The newest of the log so far, as it should be."""
    SAME = enum.auto()
    """The newest of the log once more."""
    BEHIND = enum.auto()
    """An older one stands behind a newer one, and compaction would keep it: the newest must be written again."""
    OTHER = enum.auto()
    """Somebody else writes our keys, with a larger epoch or with ours: we have been replaced."""


class OwnLog:
    """A writer's view of its own keys on one topic, in the order of the log.

    Compaction keeps the newest offset, not the largest version. A batch that was given up may still arrive after the
    next one, and so may the last words of a writer that was replaced. What is on its way in order (seq 5 is read while
    seq 7 is acknowledged already) is no reason to write anything: only a version below one that stands before it is.
    """

    def __init__(self) -> None:
        self.epoch: int | None = None
        self.largest_epoch = 0
        self._top: dict[str, Version] = {}
        self._taken: set[str] = set()
        self._left_behind: set[str] = set()

    def begin(self, epoch: int) -> set[str]:
        """From now on we write, with this epoch. The keys whose last record in the log is not their newest."""
        self.epoch = epoch
        behind, self._left_behind = self._left_behind, set()
        return behind

    def seen(self, key: str, version: Version, newest: Version | None) -> Seen:
        """Take a record in. ``newest`` is the newest version we hold of the key: handed out, or found at the start."""
        self.largest_epoch = max(self.largest_epoch, version[0])
        if self._is_foreign(version, newest):
            return Seen.OTHER
        top = self._top.get(key)
        if top is not None and version < top:
            if self.epoch is None:
                self._left_behind.add(key)
            return Seen.BEHIND
        self._top[key] = version
        self._taken.discard(key)
        self._left_behind.discard(key)
        if self.epoch is not None and newest is not None and version[0] < newest[0]:
            # Nothing of ours was read yet: it may be on its way behind this one, or the log may have lost it to
            # compaction before we came to it. Written once more, it is right in both cases.
            return Seen.BEHIND
        return Seen.SAME if version == top else Seen.NEWER

    def _is_foreign(self, version: Version, newest: Version | None) -> bool:
        if self.epoch is None or version[0] < self.epoch:
            return False
        return version[0] > self.epoch or newest is None or version > newest

    def taken_away(self, key: str) -> None:
        """Take a tombstone in."""
        self._taken.add(key)
        self._left_behind.discard(key)

    def is_taken(self, key: str) -> bool:
        """Whether a tombstone stands behind everything of the key that is not late."""
        return key in self._taken

    def reset(self) -> None:
        """The topic was emptied: nothing stands in it."""
        self._top.clear()
        self._taken.clear()
        self._left_behind.clear()
