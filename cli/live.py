"""What a person sees on a terminal: where to look, then accounts and total, alive."""

import sys
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bus.interface import Bus, Reader
from monitoring.logs import printable
from schemas import topics
from schemas.encoding import Decoded
from schemas.events import CollectorStatus
from schemas.portfolio import PortfolioState
from schemas.topics import Topic

REFRESHES_PER_SECOND = 2

_STYLES = {"fresh": "green", "stale": "yellow", "suspicious": "red"}


class LiveSummary:
    """Follows the portfolio states and draws them; drawing happens at its own pace, never at the bus's."""

    def __init__(self, bus: Bus, console: Console) -> None:
        self._states: dict[str, PortfolioState] = {}
        self._sources: dict[str, CollectorStatus] = {}
        self._reader: Reader = bus.follow_state([topics.PORTFOLIO, topics.COLLECTORS], self, name="terminal")
        self._live = Live(
            get_renderable=self._render,
            console=console,
            refresh_per_second=REFRESHES_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=True,
            transient=False,
        )

    async def start(self) -> None:
        """Begin to follow and to draw."""
        await self._reader.start()
        self._live.start()

    async def stop(self) -> None:
        """Draw no more."""
        await self._reader.stop()
        self._live.stop()

    def apply(self, facts: Sequence[Decoded]) -> None:
        """Keep the newest of each."""
        for fact in facts:
            if isinstance(fact.event, PortfolioState):
                self._states[fact.key] = fact.event
            elif isinstance(fact.event, CollectorStatus):
                self._sources[fact.key] = fact.event
            else:
                self._states.pop(fact.key, None)
                self._sources.pop(fact.key, None)

    def caught_up(self) -> None:
        """Nothing changes for a drawing."""

    def topic_reset(self, topic: Topic) -> None:
        """Nothing changes for a drawing."""

    def _render(self) -> Group:
        parts: list[Table | Text] = []
        if not self._states:
            parts.append(Text("reading the exchanges …", style="dim"))
        for name in sorted(self._states):
            parts.append(_table(self._states[name]))
            parts.append(_total_line(self._states[name]))
        shown = {(s.exchange, s.account) for state in self._states.values() for s in state.accounts}
        parts.extend(
            Text(printable(f"{status.exchange}/{status.account}: {status.state}: {status.error.message}"), style="red")
            for status in self._sources.values()
            if status.error is not None and (status.exchange, status.account) not in shown
        )
        return Group(*parts)


def _table(state: PortfolioState) -> Table:
    table = Table(title=f"portfolio {escape(state.portfolio)}", title_justify="left", expand=False)
    table.add_column("account")
    table.add_column("state")
    table.add_column("assets", justify="right")
    table.add_column("value, USD", justify="right")
    sources = {(source.exchange, source.account): source for source in state.sources}
    for account in state.accounts:
        source = sources.get((account.exchange, account.account))
        status: str = account.status
        if source is not None and source.state != "live":
            status = f"{status} ({source.state})"
        table.add_row(
            escape(f"{account.exchange}/{account.account}"),
            Text(status, style=_STYLES[account.status]),
            str(len({holding.asset for holding in account.holdings if holding.counted})),
            _cents(account.total_usd),
        )
    return table


def _total_line(state: PortfolioState) -> Text:
    totals = state.totals
    line = Text(f"total {_cents(totals.total_usd)} USD", style="bold")
    for rate in state.rates:
        line.append(f"   {_cents(totals.total_usd * rate.per_usd, rate.currency)} {rate.currency}", style="dim")
    if totals.partial:
        unpriced = f", {len(totals.unpriced)} unpriced" if totals.unpriced else ""
        count = len(totals.reasons)
        line.append(f"   partial ({count} reason{'' if count == 1 else 's'}{unpriced})", style="yellow")
    return line


def _cents(value: Decimal, currency: str = "USD") -> str:
    places = Decimal("0.00000001") if currency == "BTC" else Decimal("0.01")
    return f"{value.quantize(places, ROUND_HALF_EVEN):,f}"


def console(stream: TextIO | None = None) -> Console:
    """The terminal to draw on."""
    return Console(file=stream or sys.stdout, highlight=False)
