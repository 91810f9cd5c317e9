"""Every test that docs/reliability.md names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(?P<file>[\w/]+\.py|…)(?:::(?P<test>\w+))?")


def test_every_test_that_is_named_is_there():
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    found = 0
    for line in page.splitlines():
        for match in NAMED.finditer(line):
            name = match["file"]
            if name != "…":
                file = ROOT / "tests" / re.sub("^faults/", "process/faults/", name)
                assert file.is_file(), line
            if match["test"]:
                # "…" is the file named before, in this row or the one above.
                assert f"def {match['test']}(" in file.read_text(encoding="utf-8"), line
                found += 1
    assert found > 30
