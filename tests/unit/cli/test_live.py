import io

from prometheus_client import CollectorRegistry
from rich.console import Console

from bus.local import LocalBus
from cli.live import LiveSummary, _total_line
from monitoring.clock import SystemClock
from monitoring.metrics import BusMetrics
from schemas.events import SourceError
from schemas.portfolio import PartialReason
from tests.unit.api.states import NOW, account, fact, state, status


def test_no_text_from_outside_moves_the_terminal() -> None:
    out = io.StringIO()
    summary = LiveSummary(
        LocalBus(None, BusMetrics(CollectorRegistry()), SystemClock()), Console(file=out, width=200, color_system=None)
    )
    hostile = "\x1b]0;title\x07\x1b[2J\x9b2J\u202e\ntotal 1,000,000 USD"
    error = SourceError(kind="refused", message=hostile, mend="", at=NOW)
    summary.apply([fact(status().model_copy(update={"error": error}))])
    Console(file=out, width=200, color_system=None).print(summary._render())
    text = out.getvalue()
    assert "\\x1b]0;title" in text
    assert not [character for character in text if not (character.isprintable() or character == "\n")]
    assert not [line for line in text.splitlines() if line.startswith("total")]


def test_one_reason_is_no_several() -> None:
    def line(count: int) -> str:
        reasons = tuple(PartialReason(kind="no_account", exchange="binance", account="main") for _ in range(count))
        made = state([account("binance", [])])
        return _total_line(
            made.model_copy(update={"totals": made.totals.model_copy(update={"partial": True, "reasons": reasons})})
        ).plain

    assert "partial (1 reason)" in line(1)
    assert "partial (2 reasons)" in line(2)
