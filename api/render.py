"""The portfolio state in the api's JSON shape. Nothing is computed here but ages, and what follows from them.

A state's unchanging parts are encoded once; each rendering only writes ages anew. A wallet whose time to count as
stale has passed is shown stale, and a source that says nothing any more is shown silent, even where no aggregator is
left to say so: old is not fresh. Where the bus cannot be read, that is said instead of blaming a collector.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

import orjson

from api.bus_state import LIVE, BusState, excuse
from api.rows import (
    Row,
    account_row,
    age_seconds,
    bus_error_row,
    bus_row,
    fragment,
    price_row,
    rate_row,
    reason_of,
    reason_row,
    source_row,
    starting_source_row,
    totals_row,
    version_text,
)
from schemas.events import CollectorStatus
from schemas.fields import format_utc
from schemas.portfolio import PortfolioState, Totals

AccountName = tuple[str, str]
"""Exchange and account."""


class Rendered:
    """One portfolio state, ready to be written any number of times."""

    def __init__(self, state: PortfolioState, *, demo: bool) -> None:
        self._state = state
        self.grown: tuple[AccountName | tuple[str, str, str], ...] = ()
        """What the last rendering says beyond the state: sources gone silent, wallets grown old."""
        prices = {(price.exchange, price.asset): price for price in state.prices}
        self._accounts = [account_row(account, prices) for account in state.accounts]
        self._totals = totals_row(state.totals, known=bool(state.accounts))
        self._source_rows = [source_row(source) for source in state.sources]
        self._sources = fragment(self._source_rows)
        self._document: Row = {
            "schemaVersion": state.schema_version,
            "portfolio": state.portfolio,
            "version": version_text(state.version),
            "updatedAt": format_utc(state.valued_at),
            "demo": demo,
            "accounts": self._accounts,
            "totals": self._totals,
            "sources": self._sources,
            "bus": bus_row(LIVE),
            "prices": fragment([price_row(price) for price in state.prices]),
            "rates": fragment([rate_row(rate) for rate in state.rates]),
            "pegs": state.pegs,
        }

    def document(self, now: dt.datetime, silent: Collection[AccountName] = (), bus: BusState = LIVE) -> bytes:
        """The whole as JSON, with ages as of now; ``silent`` are accounts whose collectors say nothing any more."""
        grown_old: list[Row] = []
        sources, quiet = self._quiet(silent, bus) if silent or bus is not LIVE else (self._sources, [])
        for account, row in zip(self._state.accounts, self._accounts, strict=True):
            row["ageSeconds"] = age_seconds(account.observed_at, now)
            status: str = account.status
            for wallet, wallet_row in zip(account.wallets, row["wallets"], strict=True):
                wallet_row["ageSeconds"] = age_seconds(wallet.observed_at, now)
                wallet_row["status"] = wallet.status
                old = now >= wallet.stale_at or (account.exchange, account.account) in silent
                if wallet.status == "fresh" and old:
                    wallet_row["status"] = "stale"
                    status = "stale" if status == "fresh" else status
                    grown_old.append(reason_row("wallet_stale", account.exchange, account.account, wallet.wallet))
            row["status"] = status
        reasons = self._state.totals.reasons
        self._totals["partial"] = bool(reasons) or bool(grown_old)
        self._totals["reasons"] = [*map(reason_of, reasons), *grown_old]
        self._document["sources"] = sources
        self._document["bus"] = bus_row(bus)
        self.grown = (*quiet, *((row["exchange"], row["account"], row["wallet"]) for row in grown_old))
        return orjson.dumps(self._document)

    def _quiet(self, silent: Collection[AccountName], bus: BusState) -> tuple[list[Row], list[AccountName]]:
        rows, quiet = [], []
        for row in self._source_rows:
            name = (row["exchange"], row["account"])
            if name in silent and row["state"] not in {"silent", "unconfigured"}:
                quiet.append(name)
                row = {**row, "state": "silent"}  # noqa: PLW2901 - the row as it is now
            rows.append(_excused(row, bus))
        return rows, quiet


def _excused(row: Row, bus: BusState) -> Row:
    """A source's row; where the bus is why it seems silent or starting, with that as its error."""
    if bus.reason is None or excuse(bus.state, bus.reason, row["state"]) is None:
        return row
    return {**row, "error": bus_error_row(bus)}


def render_unread(
    portfolio: str,
    statuses: Iterable[CollectorStatus],
    exchanges: Sequence[str],
    *,
    loading: bool,
    demo: bool,
    silent: Collection[AccountName] = (),
    bus: BusState = LIVE,
) -> bytes:
    """What is said of a portfolio before its first state: no accounts, no total, and the sources as far as known.

    While the bus is still being read every source is ``starting``; an exchange nobody reported on yet is, too.
    """
    sources = [
        source_row(
            status,
            state="starting" if loading else "silent" if (status.exchange, status.account) in silent else None,
        )
        for status in statuses
    ]
    unheard = [name for name in exchanges if all(source["exchange"] != name for source in sources)]
    sources += [starting_source_row(name) for name in unheard]
    sources = [_excused(source, bus) for source in sources]
    sources.sort(key=lambda source: (source["exchange"], source["account"]))
    totals = totals_row(Totals(total_usd=Decimal(0), partial=False), known=False)
    totals["partial"] = True
    totals["reasons"] = [reason_row("loading" if loading else "no_account")]
    document: Row = {
        "schemaVersion": 1,
        "portfolio": portfolio,
        "version": None,
        "updatedAt": None,
        "demo": demo,
        "accounts": [],
        "totals": totals,
        "sources": sources,
        "bus": bus_row(bus),
        "prices": [],
        "rates": [],
        "pegs": [],
    }
    return orjson.dumps(document)
