"""What a state is, and what is read of the documents that show it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from simulator import Fault, Simulator
from tests.browser.stage import Running
from tests.flow.test_truth import WALLETS, priced

Document = dict[str, Any]

BTCTURK_PATH: Final = "/api/v1/users/balances"


@dataclass
class Scene:
    """One state, ready to be looked at."""

    url: str
    document: Document
    system: Running | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    after: Callable[[], Awaitable[None]] | None = None
    """Done once the page shows the document: the state is what follows."""
    breaks_network: bool = False
    """Whether failed requests are part of it."""
    statuses: frozenset[int] = frozenset()
    """Refusals that are part of it."""
    token: str | None = None
    """What a person must type in to see anything."""
    says: tuple[str, ...] = ()
    """Texts that stand on the page, by their names in the catalogues."""
    understood: bool = True
    """Whether the page can show what the document holds."""

    @property
    def status(self) -> str:
        """What the page says of the connection: it is no live one where the api itself hears nothing."""
        return "bus_away" if self.document["bus"]["state"] in {"degraded", "failed"} else "live"


async def usual(system: Running) -> Scene:
    """A system as it is most of the time."""
    return Scene(system.url, await system.until(priced), system)


def inject(sim: Simulator, *faults: Fault) -> None:
    for fault in faults:
        sim.inject(fault)


def hanging(sim: Simulator) -> None:
    inject(sim, *(Fault(exchange, "hang") for exchange in WALLETS))


def all_emptied(sim: Simulator) -> None:
    for exchange, wallets in WALLETS.items():
        for wallet in wallets:
            sim.set_balances(exchange, "main", wallet, {})


def source_of(said: Document, exchange: str) -> Document | None:
    return next((one for one in said["sources"] if one["exchange"] == exchange), None)


def state_of(said: Document, exchange: str) -> str | None:
    source = source_of(said, exchange)
    return None if source is None else source["state"]


def states_of(said: Document) -> set[str]:
    return {one["state"] for one in said["sources"]}


def status_of(said: Document, exchange: str) -> str | None:
    return next((one["status"] for one in said["accounts"] if one["exchange"] == exchange), None)


def statuses_of(said: Document) -> set[str]:
    return {one["status"] for one in said["accounts"]}


def kinds_of(said: Document) -> set[str]:
    return {one["kind"] for one in said["totals"]["reasons"]}
