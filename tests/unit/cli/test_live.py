import io

from prometheus_client import CollectorRegistry
from rich.console import Console

from bus.local import LocalBus
from cli.live import LiveSummary
from monitoring.clock import SystemClock
from monitoring.metrics import BusMetrics
from schemas.events import SourceError
from tests.unit.api.states import NOW, fact, status


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
