"""The page's document names a test for each expectation: each of them exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "page.md").read_text(encoding="utf-8")
ROWS = [line for line in DOC.splitlines() if re.match(r"\| \d+ \|", line)]
LATER = {"10", "21"}


def test_there_are_twenty_two_rows() -> None:
    assert [row.split("|")[1].strip() for row in ROWS] == [str(number) for number in range(1, 23)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_every_test_that_a_row_names_is_there(row: str) -> None:
    number, named = row.split("|")[1].strip(), re.findall(r"`([a-z_0-9/]+\.(?:py|test\.tsx?))(?:::(\w+))?`", row)
    assert bool(named) is (number not in LATER)
    for file, test in named:
        place = ROOT / ("tests/browser" if file.endswith(".py") else "web/tests") / file
        assert place.is_file(), file
        assert not test or f"def {test}(" in place.read_text(encoding="utf-8"), f"{file}::{test}"
