"""The customer's five metrics, fed from what the api follows. They cover one portfolio, ``main``.

Labels are the exchanges of the registry; anything else on the bus counts as ``other``, so the number of series is
bounded. A gauge of an exchange that holds nothing readable is absent, not 0: unknown is not zero.
"""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from monitoring.metrics import PortfolioMetrics
from schemas.amounts import add
from schemas.events import ERROR_KINDS, CollectorStatus, ErrorCounts
from schemas.portfolio import PortfolioState
from schemas.versions import Version

OTHER: Final = "other"

WalletName = tuple[str, str, str]

_NEVER: Final[Version] = (-1, -1)


class Meter:
    """Feeds the customer's five metrics."""

    def __init__(self, metrics: PortfolioMetrics, *, portfolio: str, exchanges: Iterable[str]) -> None:
        self._metrics = metrics
        self._portfolio = portfolio
        self._exchanges = frozenset(exchanges)
        self._shown: set[str] = set()
        self._observed: dict[WalletName, Version] = {}
        self._counts: dict[str, tuple[int, ErrorCounts]] = {}
        for exchange in sorted(self._exchanges):
            # At 0 from the start, else the first error is no growth that a rate could see.
            for kind in ERROR_KINDS:
                metrics.exchange_errors.labels(exchange, kind)
            metrics.refresh_latency.labels(exchange)

    def _label(self, exchange: str) -> str:
        return exchange if exchange in self._exchanges else OTHER

    def state(self, state: PortfolioState, *, live: bool, now: dt.datetime) -> None:
        """Take in a new state. The latency of a wallet's version is observed once, and only while live."""
        if state.portfolio != self._portfolio:
            return
        values: dict[str, Decimal] = {}
        assets: dict[str, set[str]] = {}
        oldest: dict[str, dt.datetime] = {}
        for account in state.accounts:
            label = self._label(account.exchange)
            values[label] = add(values.get(label, Decimal(0)), account.total_usd)
            held = {holding.asset for holding in account.holdings if holding.counted and holding.total}
            assets.setdefault(label, set()).update(held)
            for wallet in account.wallets:
                oldest[label] = min(oldest.get(label, wallet.observed_at), wallet.observed_at)
                name, version = (account.exchange, account.account, wallet.wallet), (wallet.epoch, wallet.seq)
                if version > self._observed.get(name, _NEVER):
                    self._observed[name] = version
                    if live:
                        seconds = max(0.0, (now - wallet.requested_at).total_seconds())
                        self._metrics.refresh_latency.labels(label).observe(seconds * 1000)
        for label, value in values.items():
            self._metrics.total_value.labels(label).set(float(value))
            self._metrics.asset_count.labels(label).set(len(assets[label]))
        for label, when in oldest.items():
            self._metrics.last_update.labels(label).set(when.timestamp())
        self._show_only(set(values))

    def _show_only(self, labels: set[str]) -> None:
        for label in self._shown - labels:
            for gauge in (self._metrics.total_value, self._metrics.asset_count, self._metrics.last_update):
                gauge.remove_by_labels({"exchange": label})
        self._shown = labels

    def state_gone(self, portfolio: str) -> None:
        """The portfolio was taken away."""
        if portfolio == self._portfolio:
            self._show_only(set())

    def status(self, status: CollectorStatus, *, live: bool) -> None:
        """Take in a collector's report: the growth of its error counts, which begin anew with every epoch.

        What was counted before the api was live is where the growth begins: it is not news. Counts of a retired account
        are kept, since its collector may still run and report the same ones again.
        """
        if status.portfolio != self._portfolio:
            return
        epoch, before = self._counts.get(status.key, (-1, ErrorCounts()))
        if status.epoch > epoch:
            before = ErrorCounts()
        self._counts[status.key] = (status.epoch, status.errors)
        if not live:
            return
        label = self._label(status.exchange)
        for kind in ERROR_KINDS:
            growth = getattr(status.errors, kind) - getattr(before, kind)
            if growth > 0:
                self._metrics.exchange_errors.labels(label, kind).inc(growth)
