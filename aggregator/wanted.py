"""Which assets somebody holds, so that whoever lists them quotes them. Pure."""

from typing import Final

from schemas import topics
from schemas.assets import ALWAYS_WANTED, BRIDGES, USD
from schemas.encoding import Encoded, encode, tombstone
from schemas.events import WantedAsset
from schemas.fields import from_milliseconds
from schemas.topics import join_key, split_key
from schemas.versions import OwnLog, Seen, Sequence, Version

RETIRE_MS: Final = 600_000
"""An asset sold and bought again within ten minutes keeps its quotes, and its price."""

DEFAULT_PORTFOLIO: Final = "main"
"""The bridges and display currencies are wanted in its name, whether or not anybody holds them."""


class Wanted:
    """What is wanted per portfolio, what of it was published, and what has to be said."""

    def __init__(self, pegs: tuple[str, ...]) -> None:
        self._bridges = frozenset((*BRIDGES, *pegs)) - {USD}
        self._holders: dict[str, int] = {}
        self._published: set[str] = set()
        self._unsent: dict[str, None] = {}
        self._idle: dict[str, int | None] = {}
        """Published and held by nobody: when to retire it; None until somebody looks at a clock."""
        self._idle_at: int | None = None
        """When the first of those has to be looked at; None if there is none."""
        self._not_before = 0
        self._own = OwnLog()
        self._always = sorted({*ALWAYS_WANTED, *self._bridges})
        for asset in self._always:
            self.hold(DEFAULT_PORTFOLIO, asset)

    def hold(self, portfolio: str, asset: str) -> None:
        """One more holder of an asset in a portfolio. The dollar needs no quote."""
        if asset == USD:
            return
        key = join_key(portfolio, asset)
        holders = self._holders.get(key, 0)
        self._holders[key] = holders + 1
        if not holders:
            self._idle.pop(key, None)
            if key not in self._published:
                self._unsent[key] = None

    def release(self, portfolio: str, asset: str) -> None:
        """One holder less."""
        if asset == USD:
            return
        key = join_key(portfolio, asset)
        self._holders[key] -= 1
        if self._holders[key]:
            return
        del self._holders[key]
        self._unsent.pop(key, None)
        if key in self._published:
            self._leave_idle(key)

    @property
    def largest_epoch(self) -> int:
        """The largest epoch seen on the topic."""
        return self._own.largest_epoch

    def claim(self, epoch: int) -> None:
        """From now on we write, with this epoch, and show it on the keys that every aggregator has.

        So of two that started at once, each before the other had written anything, the lower epoch learns of the
        larger one even where there is no portfolio yet.
        """
        self._own.begin(epoch)
        self._unsent.update(dict.fromkeys(join_key(DEFAULT_PORTFOLIO, asset) for asset in self._always))

    def seen(self, key: str, event: WantedAsset | None, newest: Version | None) -> Seen:
        """Take in what stands on the topic: of a former run, of a writer that should be gone, or our own.

        ``newest`` is the version that we gave the key last, None if none. BEHIND: it will be written over.
        """
        if event is None:
            self._own.taken_away(key)
            self._published.discard(key)
            self._idle.pop(key, None)
            if key not in self._holders:
                return Seen.NEWER
            self._unsent[key] = None  # Somebody else took away what is wanted, or we did before it was wanted again.
            return Seen.NEWER if newest is None else Seen.BEHIND
        seen = self._own.seen(key, event.version, newest)
        # All that a record says of its key is whether it is a bridge: an older one that says the same is as good,
        # but for its version.
        right = seen is not Seen.BEHIND and event.bridge == self._is_bridge(key)
        if key not in self._holders:
            if key not in self._published or seen is Seen.BEHIND:
                self._leave_idle(key)
            self._published.add(key)
        elif right:
            self._published.add(key)
            self._unsent.pop(key, None)
        else:
            self._unsent[key] = None
        return seen

    def reset(self) -> None:
        """The topic was emptied: say everything again."""
        self._own.reset()
        self._published.clear()
        self._idle.clear()
        self._unsent.update(dict.fromkeys(self._holders))

    def due(self, now: int, sequence: Sequence) -> list[Encoded]:
        """What to publish now. It counts as published until :meth:`unsent` says otherwise."""
        if now < self._not_before:
            return []
        facts = [self._fact(key, now, sequence) for key in self._unsent]
        self._published.update(self._unsent)
        self._unsent.clear()
        if self._idle_at is not None and self._idle_at <= now:
            facts += self._retire(now)
        return facts

    def _retire(self, now: int) -> list[Encoded]:
        gone = []
        for key, at in self._idle.items():
            if at is None:
                self._idle[key] = now + RETIRE_MS
            elif at <= now:
                gone.append(key)
        for key in gone:
            del self._idle[key]
            self._published.discard(key)
        self._idle_at = min((at for at in self._idle.values() if at is not None), default=None)
        return [tombstone(topics.WANTED, key) for key in gone]

    def unsent(self, key: str, retry_at: int) -> None:
        """What was handed out was not acknowledged; it is said again, in its newest form, at that moment."""
        self._not_before = retry_at
        if key in self._holders:
            self._unsent[key] = None
        else:
            self._published.add(key)
            self._idle[key] = retry_at
            self._idle_at = 0

    def next_at(self) -> int | None:
        """When :meth:`due` has something to do."""
        if self._unsent:
            return self._not_before
        return None if self._idle_at is None else max(self._idle_at, self._not_before)

    def rewind(self, now: int) -> None:
        """Keep the waiting times short, after the clock went back."""
        self._not_before = min(self._not_before, now)
        self._idle = dict.fromkeys(self._idle)
        self._idle_at = 0 if self._idle else None

    def _leave_idle(self, key: str) -> None:
        self._idle[key] = None
        self._idle_at = 0

    def _fact(self, key: str, now: int, sequence: Sequence) -> Encoded:
        portfolio, asset = split_key(key)
        epoch, seq = sequence.next(key)
        return encode(
            WantedAsset(
                epoch=epoch,
                seq=seq,
                published_at=from_milliseconds(now),
                portfolio=portfolio,
                asset=asset,
                bridge=self._is_bridge(key),
            )
        )

    def _is_bridge(self, key: str) -> bool:
        return split_key(key)[1] in self._bridges
