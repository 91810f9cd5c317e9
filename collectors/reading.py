"""What the loops of one exchange share."""

import datetime as dt
import random
from dataclasses import dataclass, field

from collectors.client import Client
from collectors.exchange import Exchange
from collectors.listing import ListingDesk
from collectors.settings import CollectorSettings
from collectors.writer import Writer
from monitoring.clock import Clock
from monitoring.metrics import CollectorMetrics


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything a loop needs to read and to tell, and the settings that say how."""

    exchange: Exchange
    settings: CollectorSettings
    client: Client
    writer: Writer
    listing: ListingDesk
    clock: Clock
    chance: random.Random
    metrics: CollectorMetrics
    successes: dict[str, dict[tuple[str, str], dt.datetime]] = field(default_factory=dict)
    gaps: dict[tuple[str, str], float] = field(default_factory=dict)

    def succeeded(self, wallet: str, account: tuple[str, str], at: dt.datetime) -> None:
        """A wallet of an account was read whole: show the oldest such moment over the accounts."""
        accounts = self.successes.setdefault(wallet, {})
        accounts[account] = at
        oldest = min(accounts.values()).timestamp()
        self.metrics.last_success.labels(self.exchange.name, wallet).set(oldest)

    def gap(self, account: tuple[str, str], ratio: float) -> None:
        """An account's total was compared with the exchange's own: show the widest gap over the accounts."""
        self.gaps[account] = ratio
        self.metrics.wallet_gap.labels(self.exchange.name).set(max(self.gaps.values()))
