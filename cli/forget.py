"""`spark-portfolio forget`: an account that is gone for good leaves the portfolio by tombstones."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from bus.interface import Bus, BusError
from bus.local import LocalBus
from cli.embedded import state_file
from cli.exits import NO_KAFKA_YET, Exit, ExitError
from cli.settings.load import Settings
from monitoring.clock import SystemClock
from monitoring.metrics import BusMetrics
from schemas import topics
from schemas.encoding import Decoded, Encoded, tombstone
from schemas.topics import Topic, join_key, split_key


class _Keys:
    """Collects the keys of one account."""

    def __init__(self, portfolio: str, exchange: str, label: str) -> None:
        self._account = (portfolio, exchange, label)
        self.found: dict[tuple[str, str], Encoded] = {}

    def apply(self, facts: Sequence[Decoded]) -> None:
        for fact in facts:
            if split_key(fact.key)[:3] == self._account:
                if fact.event is None:
                    self.found.pop((fact.topic.name, fact.key), None)
                else:
                    self.found[fact.topic.name, fact.key] = tombstone(fact.topic, fact.key)

    def caught_up(self) -> None:
        """Wait for it through the reader instead."""

    def topic_reset(self, topic: Topic) -> None:
        """Nothing to forget twice."""


async def run_forget(settings: Settings, account: str, portfolio: str) -> Exit:
    """Publish the tombstones of one account; what is still configured is refused, it would come back."""
    exchange, slash, label = account.partition("/")
    if not slash or not exchange or not label:
        raise ExitError(Exit.WRONG_USE, f"{account!r} names no account: write EXCHANGE/LABEL, such as EXCHANGE/main")
    configured = settings.exchanges.get(exchange)
    if configured and any((one.label, one.portfolio) == (label, portfolio) for one in configured.accounts):
        raise ExitError(
            Exit.WRONG_USE,
            f"{account} is still configured and would come back: first remove its key from the settings",
        )
    if settings.core.bootstrap_servers is not None:
        raise ExitError(Exit.WRONG_USE, NO_KAFKA_YET)
    if not state_file(settings).exists():
        raise ExitError(Exit.WRONG_USE, f"there is no state in {settings.core.state_dir}: nothing to forget")
    bus: Bus = LocalBus(state_file(settings), BusMetrics(CollectorRegistry()), SystemClock())
    try:
        await bus.start()
    except BusError as error:
        raise ExitError(Exit.ERROR, str(error)) from error
    keys = _Keys(portfolio, exchange, label)
    reader = bus.follow_state([topics.BALANCES, topics.COLLECTORS], keys, name="forget")
    try:
        await reader.start()
        await reader.live()
        if not keys.found:
            raise ExitError(Exit.WRONG_USE, f"portfolio {portfolio!r} has no account {account}: nothing to forget")
        # The last state of the portfolio still shows the account, and it is there before the next one is made.
        retired = list(keys.found.values())  # The reader sees our own tombstones, and empties what it found.
        await bus.publish([*retired, tombstone(topics.PORTFOLIO, join_key(portfolio))])
        print(f"{account} is forgotten: {len(retired)} records taken away")
        return Exit.CLEAN
    finally:
        await reader.stop()
        await bus.stop()
