"""One exchange, its simulator and its collector in one process, with a fast rhythm; no mock anywhere."""

import asyncio
import contextlib
import random
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bus.local import LocalBus
from collectors.exchange import Exchange, RefusalPace
from collectors.http import Timeouts
from collectors.pacing import Pacing
from collectors.registry import EXCHANGES
from collectors.role import CollectorRole
from collectors.settings import AccountSettings, CollectorSettings
from monitoring.clock import SystemClock
from monitoring.metrics import BusMetrics, CollectorMetrics
from schemas.encoding import Decoded, encode
from schemas.events import BalanceSnapshot, CollectorStatus, Event, PriceQuote
from schemas.topics import BALANCES, COLLECTORS, PRICES, Topic, join_key
from simulator import Fault, Simulator, demo_config

DEADLINE_SECONDS = 15.0

FAST = Pacing(
    backoff_first=0.05,
    backoff_shortest=0.02,
    backoff_longest=0.3,
    unreadable_shortest=0.15,
    refused=0.3,
    confirm=0.3,
    heartbeat=0.2,
    refresh_gap=0.05,
    listing_gap=0.2,
    reconcile=0.3,
)
POLL_SECONDS = 0.15

WALLET_PATHS = {
    ("binance", "spot"): "/api/v3/account",
    ("binance", "funding"): "/sapi/v1/asset/get-funding-asset",
    ("binance", "earn-flexible"): "/sapi/v1/simple-earn/flexible/position",
    ("binance", "earn-locked"): "/sapi/v1/simple-earn/locked/position",
    ("btcturk", "spot"): "/api/v1/users/balances",
}
TICKER_PATHS = {"binance": "/api/v3/ticker/24hr", "btcturk": "/api/v2/ticker"}


class Followed:
    """Everything that was published, in order, and the newest of each key (a StateFollower)."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.newest: dict[str, Event] = {}

    def apply(self, facts: Sequence[Decoded]) -> None:
        for fact in facts:
            if fact.event is not None:
                self.events.append(fact.event)
                self.newest[fact.key] = fact.event

    def caught_up(self) -> None:
        pass

    def topic_reset(self, topic: Topic) -> None:
        pass


class Harness:
    """The simulator of both exchanges, a bus, and collectors as a test starts them."""

    def __init__(self, name: str, sim: Simulator, bus: LocalBus, followed: Followed) -> None:
        self.name = name
        self.sim = sim
        self.bus = bus
        self.followed = followed
        self.registry = CollectorRegistry()
        self.metrics = CollectorMetrics(self.registry)
        self.roles: list[CollectorRole] = []

    @property
    def wallets(self) -> list[str]:
        return [wallet for exchange, wallet in WALLET_PATHS if exchange == self.name]

    def path(self, wallet: str = "spot") -> str:
        return WALLET_PATHS[self.name, wallet]

    def exchange(self, name: str = "") -> type[Exchange]:
        base = EXCHANGES[name or self.name]
        pace = RefusalPace(first_seconds=0.25, factor=1.0, longest_seconds=0.25)
        return type(base.__name__, (base,), {"refusal": pace})

    def account(self, label: str = "main", name: str = "", **changes: object) -> AccountSettings:
        name = name or self.name
        found = next(one for one in self.sim.config.accounts[name] if one.label == label)
        suffixes = [one.suffix for one in EXCHANGES[name].spec.credentials]
        credentials = dict(zip(suffixes, (SecretStr(found.api_key), SecretStr(found.api_secret)), strict=False))
        return replace(AccountSettings("main", label, credentials), **changes)

    def settings(self, *accounts: AccountSettings, name: str = "", **changes: object) -> CollectorSettings:
        name = name or self.name
        made = CollectorSettings(
            exchange=name,
            rest_url=self.sim.url(name),
            accounts=accounts,
            poll_seconds=dict.fromkeys(EXCHANGES[name]().wallets, POLL_SECONDS),
            price_poll_seconds=0.2,
            timeouts=Timeouts(total=0.5, connect=0.5),
            pacing=FAST,
        )
        return replace(made, **changes)

    async def start(self, *accounts: AccountSettings, keyless: bool = False, name: str = "", **changes: object):
        if not accounts and not keyless:
            accounts = (self.account(name=name),)
        role = CollectorRole(
            self.exchange(name),
            bus=self.bus,
            settings=self.settings(*accounts, name=name, **changes),
            metrics=self.metrics,
            random=random.Random(7),
        )
        self.roles.append(role)
        await role.start()
        return role

    def fault(self, kind: str, wallet: str = "spot", **changes: object) -> None:
        self.sim.inject(Fault(exchange=self.name, kind=kind, path=self.path(wallet), **changes))

    def snapshots(self, wallet: str = "spot", account: str = "main", name: str = "") -> list[BalanceSnapshot]:
        key = join_key("main", name or self.name, account, wallet)
        return [one for one in self.followed.events if isinstance(one, BalanceSnapshot) and one.key == key]

    def snapshot(self, wallet: str = "spot", account: str = "main", name: str = "") -> BalanceSnapshot | None:
        found = self.snapshots(wallet, account, name)
        return found[-1] if found else None

    def status(self, account: str = "main", name: str = "") -> CollectorStatus | None:
        found = self.followed.newest.get(join_key("main", name or self.name, account))
        return found if isinstance(found, CollectorStatus) else None

    def statuses(self, account: str = "main", name: str = "") -> list[CollectorStatus]:
        key = join_key("main", name or self.name, account)
        return [one for one in self.followed.events if isinstance(one, CollectorStatus) and one.key == key]

    def wallet_status(self, wallet: str = "spot"):
        status = self.status()
        return next(one for one in status.wallets if one.wallet == wallet) if status else None

    def quotes(self) -> list[PriceQuote]:
        return [one for one in self.followed.events if isinstance(one, PriceQuote) and one.exchange == self.name]

    def amounts(self, wallet: str = "spot", account: str = "main") -> dict[str, tuple[Decimal, Decimal]] | None:
        """What was published, without rows that only mirror another wallet."""
        found = self.snapshot(wallet, account)
        if found is None:
            return None
        return {one.asset: (one.free, one.locked) for one in found.balances if one.mirror_of is None}

    def truth(self, wallet: str = "spot", account: str = "main") -> dict[str, tuple[Decimal, Decimal]]:
        held = self.sim.balances(self.name, account, wallet)
        if wallet == "earn-flexible":  # Redeemable at any time.
            return {asset: (free + locked, Decimal(0)) for asset, (free, locked) in held.items()}
        if wallet == "earn-locked":
            return {asset: (Decimal(0), free + locked) for asset, (free, locked) in held.items()}
        return held

    def calls(self, path: str, account: str | None = None):
        return [one for one in self.sim.requests(self.name) if one.path == path and account in {None, one.account}]

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not condition():  # noqa: ASYNC110 - what is waited for happens behind sockets
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"never came: {what or condition}; status {self.status()}") from None

    async def all_read(self) -> None:
        for wallet in self.wallets:
            await self.until(lambda wallet=wallet: self.snapshot(wallet), f"a snapshot of {wallet}")

    async def more(self, count: int = 2, wallet: str = "spot", account: str = "main", name: str = "") -> None:
        """Wait for so many further snapshots."""
        wanted = len(self.snapshots(wallet, account, name)) + count
        await self.until(lambda: len(self.snapshots(wallet, account, name)) >= wanted, f"more of {wallet}")

    async def publish(self, *events: Event) -> None:
        await self.bus.publish([encode(event) for event in events])

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"exchange": self.name, **labels}) or 0.0

    def price_polls(self) -> float:
        return self.metric("spark_collector_polls_total", wallet="prices", outcome="ok")

    def wallet_reads(self, wallet: str = "spot") -> float:
        return self.metric("spark_collector_polls_total", wallet=wallet, outcome="ok")

    def secrets(self) -> set[str]:
        return {
            text for accounts in self.sim.config.accounts.values() for one in accounts
            for text in (one.api_key, one.api_secret)
        }  # fmt: skip

    def everything_said(self, logs: Sequence[object]) -> str:
        events = " ".join(event.model_dump_json() for event in self.followed.events)
        return f"{events} {logs} {generate_latest(self.registry).decode()}"


@contextlib.asynccontextmanager
async def harness_of(name: str) -> AsyncIterator[Harness]:
    """A whole harness; afterwards nothing of it runs, and no secret was said."""
    async with Simulator(demo_config(seed=7)) as sim:
        bus = LocalBus(None, BusMetrics(CollectorRegistry()), SystemClock())
        await bus.start()
        followed = Followed()
        reader = bus.follow_state((BALANCES, PRICES, COLLECTORS), followed, name="test")
        await reader.start()
        made = Harness(name, sim, bus, followed)
        with capture_logs() as logs:
            try:
                yield made
            finally:
                for role in made.roles:
                    await role.stop()
                await reader.stop()
                await bus.stop()
        said = made.everything_said(logs)
        assert not any(secret in said for secret in made.secrets())
        assert not re.search(r"signature=|X-MBX-APIKEY|X-PCK|X-Signature", said)


@pytest.fixture(params=list(EXCHANGES))
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    async with harness_of(request.param) as made:
        yield made


@pytest.fixture
async def binance() -> AsyncIterator[Harness]:
    async with harness_of("binance") as made:
        yield made


@pytest.fixture
async def btcturk() -> AsyncIterator[Harness]:
    async with harness_of("btcturk") as made:
        yield made


def by_account(requests) -> dict[str | None, list[float]]:
    """When each account asked."""
    found: dict[str | None, list[float]] = defaultdict(list)
    for one in requests:
        found[one.account].append(one.at)
    return found
