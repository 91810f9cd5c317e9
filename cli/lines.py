"""What a command that looks around has found: lines with an outcome, for people as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.table import Table
from rich.text import Text

Outcome = Literal["ok", "warning", "error"]
SIGNS: Final[dict[Outcome, tuple[str, str]]] = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "error": ("✗", "red"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at: how it is, and what to do where it is not well."""

    outcome: Outcome
    subject: str
    what: str
    mend: str = ""


def table_of(lines: Sequence[Line]) -> Table:
    """The lines as people read them."""
    table = Table(show_header=True, expand=False)
    for title in ("", "what", "how it is", "what to do"):
        table.add_column(title, overflow="fold")  # Names of settings are long, and must be read whole.
    for line in lines:
        sign, style = SIGNS[line.outcome]
        table.add_row(Text(sign, style=style), Text(line.subject), Text(line.what), Text(line.mend))
    return table
