"""The interface that every bus implements, and what it promises.

**Publishing.** A batch of whole facts is handed over with one deadline. When :meth:`Bus.publish` returns, every
fact of the batch is acknowledged: it survives a crash of the bus, and followers get it or something newer of its
key. When it raises :class:`PublishError`, any part of the batch may or may not have arrived; publishing the newest
state again is always right, since facts are whole and versioned.

**Following state.** A state reader is given the newest record of every key from the beginning, then what comes,
in order per key. A slow reader may be spared intermediate records of a key, never the newest. ``caught_up`` is
told exactly once per start, when all that was there at the start was given. A writer never waits for a reader.

**Following commands.** A command reader is given what is published from now on.

**Bad records.** A record that is no event of its topic is counted, sent to the dead letters and stepped over.
Twenty in a row stop the reader: it is ``failed``, and says why.

**The end.** A bus that can never be used again (it is refused, its topics are somebody else's) says so by
:meth:`Bus.wait`, and the process leaves. One that is only away is waited for.
"""

import enum
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from monitoring.health import Check
from schemas.encoding import Decoded, Encoded
from schemas.events import Event
from schemas.topics import Topic

PUBLISH_DEADLINE_SECONDS: Final = 3.0
"""What is not acknowledged within it is published anew, in its newest form; waiting longer only makes it older."""

STOP_DEADLINE_SECONDS: Final = 5.0

POISON_IN_A_ROW_MAX: Final = 20
"""So many bad records in a row are a bad deployment or somebody else's topic, not bad luck: the reader stops."""

BATCH_RECORDS_MAX: Final = 500
"""A follower is given at most so many records at once; other tasks run between two batches."""


class BusError(Exception):
    """Something the bus could not do."""


class PublishError(BusError):
    """A batch was not acknowledged by its deadline, or refused; ``unsent`` says how many of its facts at most.

    ``refused`` are those that the bus will never take as they are; trying them again is of no use.
    """

    def __init__(self, message: str, *, unsent: int, refused: Sequence[Encoded] = ()) -> None:
        super().__init__(message)
        self.unsent = unsent
        self.refused = tuple(refused)

    def left(self, facts: Sequence[Encoded]) -> list[Encoded]:
        """Those of the batch that are worth another try: none where only the refused ones did not arrive."""
        if self.refused and self.unsent == len(self.refused):
            return []
        return [fact for fact in facts if fact not in self.refused]


class BusClosedError(PublishError):
    """Published before the start or after the stop."""


class ReplacedError(BusError):
    """Another process writes our keys with a larger epoch: it has taken over, and this one must leave."""


class NotAuthorisedError(BusError):
    """The bus knows us and refuses what we need, or does not let us in: only a person can mend that."""


class TopicsError(BusError):
    """The topics on the bus are not as the table says; the message names each difference and its mend."""


class ReaderState(enum.StrEnum):
    """Where a reader stands. ``degraded``: it was live or loading, and now the bus does not answer in time."""

    UNSTARTED = "unstarted"
    LOADING = "loading"
    LIVE = "live"
    DEGRADED = "degraded"
    FAILED = "failed"


class StateFollower(Protocol):
    """Who follows state. All calls come from one task, one after the other; they must not block."""

    def apply(self, facts: Sequence[Decoded]) -> None:
        """Take in facts in order: an event, or None as the tombstone of its key. Versions are the follower's."""

    def caught_up(self) -> None:
        """Everything that was there at the start was given."""

    def topic_reset(self, topic: Topic) -> None:
        """The topic was emptied: keep the values, forget the versions; the writers publish anew."""


class CommandFollower(Protocol):
    """Who follows commands. One call per command, in order; it must not block."""

    def command(self, event: Event) -> None:
        """Take one command in."""


class Reader(Protocol):
    """A running follower's handle."""

    @property
    def name(self) -> str:
        """What the reader is called in logs, metrics and readiness."""

    @property
    def state(self) -> ReaderState:
        """Where it stands."""

    @property
    def reason(self) -> str:
        """Why it is degraded or failed, for people; empty otherwise."""

    async def start(self) -> None:
        """Begin to follow; returns at once, whether or not the bus answers."""

    async def live(self) -> None:
        """Wait until the reader is live. BusError if it failed."""

    async def stop(self) -> None:
        """End; bounded, never raises. Nothing is given to the follower afterwards."""


class Bus(Protocol):
    """A bus. ``start`` connects (or begins to try), ``stop`` is bounded and tells how many facts were left unsent."""

    @property
    def name(self) -> str:
        """``local`` or ``kafka``."""

    async def start(self) -> None:
        """Make it usable. BusError where it can never be (a state file that another process holds)."""

    async def stop(self) -> int:
        """End within STOP_DEADLINE_SECONDS; how many facts were handed over and not acknowledged."""

    async def wait(self) -> None:
        """Return when it was stopped. NotAuthorisedError, TopicsError, BusError where it can never be used again."""

    def check(self) -> Check:
        """Whether it takes facts; or, where it does in a poorer way (in memory only), a warning."""

    async def publish(self, facts: Sequence[Encoded], *, deadline_seconds: float = PUBLISH_DEADLINE_SECONDS) -> None:
        """Publish a batch, in order, acknowledged as a whole; PublishError otherwise."""

    def follow_state(
        self, topics: Sequence[Topic], follower: StateFollower, *, name: str, stamps: Sequence[Topic] = ()
    ) -> Reader:
        """A reader of compacted topics from the beginning; not started yet.

        Of ``stamps`` (some of the topics) only key, version and time are read, as a Stamp: their writer has the rest.
        """

    def follow_commands(self, topic: Topic, follower: CommandFollower, *, name: str) -> Reader:
        """A reader of a command topic from its end; not started yet."""


class RawRecord(NamedTuple):
    """A record as the transport has it, before anybody looked into it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
