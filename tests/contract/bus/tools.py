"""Facts to publish, and followers that remember what they were given."""

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal

from schemas.encoding import Decoded, Encoded, encode
from schemas.events import Balance, BalanceSnapshot, Event, RefreshCommand, WantedAsset
from schemas.topics import Topic

NOW = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
TIMEOUT_SECONDS = 10.0


def wanted(asset: str = "BTC", seq: int = 1, *, epoch: int = 1, portfolio: str = "main") -> Encoded:
    return encode(WantedAsset(epoch=epoch, seq=seq, published_at=NOW, portfolio=portfolio, asset=asset))


def snapshot(wallet: str = "spot", seq: int = 1, amount: str = "1", *, portfolio: str = "main") -> Encoded:
    balance = Balance(asset="BTC", free=Decimal(amount), locked=Decimal(0), total=Decimal(amount))
    return encode(
        BalanceSnapshot(
            epoch=1,
            seq=seq,
            published_at=NOW,
            portfolio=portfolio,
            exchange="binance",
            account="main",
            wallet=wallet,
            observed_at=NOW,
            requested_at=NOW,
            cause="poll",
            poll_interval_seconds=10.0,
            balances=(balance,),
        )
    )


def command(name: str, exchange: str = "binance") -> Encoded:
    return encode(
        RefreshCommand(epoch=1, seq=1, published_at=NOW, id=name, portfolio="main", exchange=exchange, expires_at=NOW)
    )


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not condition():  # noqa: ASYNC110 - conditions of all kinds, few of which have an event
            await asyncio.sleep(0.002)


class Recorder:
    """Follows state and commands."""

    def __init__(self) -> None:
        self.facts: list[Decoded] = []
        self.batches: list[int] = []
        self.commands: list[Event] = []
        self.resets: list[Topic] = []
        self.given_at_caught_up: list[int] = []
        self.during: Callable[[], None] = lambda: None

    def apply(self, facts: Sequence[Decoded]) -> None:
        self.during()
        self.batches.append(len(facts))
        self.facts.extend(facts)

    def caught_up(self) -> None:
        self.given_at_caught_up.append(len(self.facts))

    def topic_reset(self, topic: Topic) -> None:
        self.resets.append(topic)

    def command(self, event: Event) -> None:
        self.commands.append(event)

    @property
    def state(self) -> dict[str, int]:
        """The newest seq by key, tombstones left out."""
        newest: dict[str, int] = {}
        for fact in self.facts:
            if fact.event is None:
                newest.pop(fact.key, None)
            else:
                newest[fact.key] = fact.event.seq
        return newest

    def seqs(self, key: str) -> list[int]:
        return [fact.event.seq for fact in self.facts if fact.key == key and fact.event is not None]

    async def until(self, condition: Callable[["Recorder"], object]) -> None:
        await eventually(lambda: condition(self))
