"""The rows of a benchmark run: a table for people, JSON for programs."""

import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

ROUNDS: Final = 7
RESULTS: Final = Path(__file__).with_name("results.json")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what, how much, in what unit, the goal in words, and whether it was met (None: no goal).

    A value of None was not measured.
    """

    name: str
    value: float | None
    unit: str
    goal: str = ""
    met: bool | None = None


def at_least(name: str, value: float, goal: float, unit: str = "ratio") -> Row:
    """A row whose value must not be below its goal."""
    return Row(name, value, unit, f">= {goal:g}", value >= goal)


def at_most(name: str, value: float, goal: float, unit: str) -> Row:
    """A row whose value must not be above its goal."""
    return Row(name, value, unit, f"<= {goal:g}", value <= goal)


def not_run(goals: Mapping[str, str], why: str) -> list[Row]:
    """Rows that could not be measured here, by name with their goals; says so in one line."""
    print(f"not run {why}", file=sys.stderr)
    return [Row(name, None, "not run", goal) for name, goal in goals.items()]


def show(rows: list[Row]) -> None:
    """Print the table and write the JSON."""
    width = max(len(row.name) for row in rows)
    for row in rows:
        met = {True: "met", False: "MISSED", None: ""}[row.met]
        value = "-" if row.value is None else f"{row.value:,.4g}"
        print(f"{row.name:<{width}}  {value:>12} {row.unit:<12} {row.goal:<10} {met}")
    document = {"python": platform.python_version(), "machine": platform.machine(), "rows": [asdict(r) for r in rows]}
    RESULTS.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")
