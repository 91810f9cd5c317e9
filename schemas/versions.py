"""Versions: which of two records of a key is newer, whatever order they arrive in."""

import datetime as dt
from collections import OrderedDict
from typing import Final

from schemas.fields import milliseconds

Version = tuple[int, int]
"""``(epoch, seq)``: the epoch grows with every start of a writer, seq with every event of a key."""

EPOCH_RANDOM_MAX: Final = 1024
"""Below this lies the random part of an epoch, so that two starts in one millisecond differ."""

DELETED_KEYS_MAX: Final = 100_000
"""So many deleted keys are remembered per topic, that an old record may not bring one back."""


def next_epoch(largest_seen: int, started_at: dt.datetime, random_part: int) -> int:
    """The epoch of a new writer. The clock only seeds it: one that went back cannot make it smaller than seen."""
    if not 0 <= random_part < EPOCH_RANDOM_MAX:
        raise ValueError(f"the random part of an epoch lies below {EPOCH_RANDOM_MAX}, {random_part} does not")
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
