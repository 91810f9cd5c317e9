"""When the page is built, when not, and what stops it."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.page import page_is_old
from hatch_build import NODE_REQUIREMENT, PageError, build_page, find_node, is_current, stamp_of
from tests.unit.page.project import ROOT, STAND_IN, builds

# When it is built.


def test_it_is_built_once_and_again_when_a_source_changes(root: Path) -> None:
    assert not is_current(root)
    assert build_page(root)
    assert is_current(root)
    assert (root / "api/static/assets/app-00112233.js").read_text() == "one"
    assert not build_page(root)
    assert builds(root) == 1
    (root / "web/src/main.js").write_text("two")
    assert not is_current(root)
    assert build_page(root)
    assert (root / "api/static/assets/app-00112233.js").read_text() == "two"
    assert not build_page(root)
    assert builds(root) == 2


def test_a_page_that_was_taken_away_is_built_again(root: Path) -> None:
    build_page(root)
    (root / "api/static/index.html").unlink()
    assert build_page(root)


def test_a_page_that_somebody_built_by_hand_is_not_taken_for_the_current_one(root: Path) -> None:
    build_page(root)
    (root / "api/static/.stamp").unlink()  # As the bundler does, which empties its folder.
    assert not is_current(root)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a source": lambda web: (web / "src/main.js").write_text("other"),
    "a new source": lambda web: (web / "src/more.js").write_text(""),
    "a name": lambda web: (web / "src/main.js").rename(web / "src/mein.js"),
    "the lock file": lambda web: (web / "package-lock.json").write_text("{}"),
    "the package": lambda web: (web / "package.json").write_text("{}"),
    "a setting": lambda web: (web / "vite.config.ts").write_text(""),
    "the index": lambda web: (web / "index.html").write_text(""),
    "a deep one named as one that does not count": lambda web: (web / "src/biome.json").write_text(""),
}
NO_CHANGES: dict[str, Callable[[Path], object]] = {
    "a test": lambda web: (web / "tests/a.test.ts").write_text(""),
    "a package": lambda web: (web / "node_modules/x.js").write_text(""),
    "how it is linted": lambda web: (web / "biome.jsonc").write_text("{}"),
    "an editor's file": lambda web: (web / "src/.main.js.swp").write_text(""),
    "a hidden folder": lambda web: (web / ".cache/x").write_text(""),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_stamp_tells(root: Path, what: str) -> None:
    before = stamp_of(root / "web")
    CHANGES[what](root / "web")
    assert stamp_of(root / "web") != before


@pytest.mark.parametrize("what", NO_CHANGES)
def test_the_stamp_does_not_tell(root: Path, what: str) -> None:
    before = stamp_of(root / "web")
    for name in ("tests", "node_modules", ".cache"):
        (root / "web" / name).mkdir(exist_ok=True)
    NO_CHANGES[what](root / "web")
    assert stamp_of(root / "web") == before


def test_contents_do_not_run_into_each_other(root: Path) -> None:
    src = root / "web" / "src"
    (src / "a").write_text("1")
    (src / "b").write_text("2")
    before = stamp_of(root / "web")
    (src / "a").write_text("1src/b2")
    (src / "b").unlink()
    assert stamp_of(root / "web") != before


def test_a_source_that_changes_during_the_build_makes_the_page_old(root: Path) -> None:
    (root / "web/src/moving").touch()
    build_page(root)
    assert not is_current(root)


def test_what_the_environment_wishes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_PAGE", "skip")
    with pytest.raises(PageError, match="there is no page"):
        build_page(root)
    monkeypatch.setenv("SPARK_PAGE", "force")
    assert build_page(root)
    assert build_page(root)
    monkeypatch.setenv("SPARK_PAGE", "skip")
    (root / "web/src/main.js").write_text("two")
    assert not build_page(root)
    assert builds(root) == 2
    monkeypatch.setenv("SPARK_PAGE", "yes")
    with pytest.raises(PageError, match="skip or force"):
        build_page(root)


# What stops it.


def test_a_broken_build_says_why_and_leaves_nothing_that_passes_for_a_page(root: Path) -> None:
    build_page(root)
    (root / "web/src/broken").touch()
    with pytest.raises(PageError, match=r"(?s)the source is broken: ünlü.*npm run build failed"):
        build_page(root)
    assert (root / "api/static/assets/app-00112233.js").read_text() == "half"
    assert not is_current(root)
    (root / "web/src/broken").unlink()
    assert not is_current(root), "the sources are those of the stamp before, but the page is not"
    assert build_page(root)


@pytest.mark.parametrize(("mark", "why"), [("headless", "left no"), ("stray", "nobody serves: robots.txt")])
def test_a_build_that_went_wrong_quietly_is_none(root: Path, mark: str, why: str) -> None:
    (root / "web/src" / mark).touch()
    with pytest.raises(PageError, match=why):
        build_page(root)
    assert not is_current(root)


def test_without_sources_the_page_that_is_there_is_the_page(root: Path, without_node: Path) -> None:
    shutil.rmtree(root / "web")
    with pytest.raises(PageError, match="there is no page"):
        build_page(root)
    shutil.copytree(STAND_IN, root / "api/static")
    assert not build_page(root)
    assert is_current(root)


def test_without_a_node_it_names_both_mends(root: Path, without_node: Path) -> None:
    assert find_node() is None
    with pytest.raises(PageError, match=r"20\.19") as failure:
        build_page(root)
    assert f"-m pip install '{NODE_REQUIREMENT}'" in str(failure.value)


def test_what_shows_or_tests_the_page_builds_it_first() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("demo", "demo-kafka", "up", "test", "screenshots"):
        line = re.search(rf"^{target}:(.*?)##", makefile, re.MULTILINE)
        assert line is not None
        assert "page" in line[1].split(), target


# `spark-portfolio up` in a checkout.


def test_up_can_tell_an_old_page(root: Path) -> None:
    assert not page_is_old(root), "no recipe: no checkout"
    shutil.copy(ROOT / "hatch_build.py", root)
    assert not page_is_old(root), "no page at all: the api says so"
    build_page(root)
    assert not page_is_old(root)
    (root / "web/src/main.js").write_text("two")
    assert page_is_old(root)
    shutil.rmtree(root / "web")
    assert not page_is_old(root)
