"""What packages carry: always a page, and never the need of a Node.js."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from hatch_build import NODE_REQUIREMENT
from tests.unit.page.project import ROOT, STAND_IN, program


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """This product's files, with a page that is always there, and without its sources."""
    tree = tmp_path / "tree"
    tree.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "static")
    for name in ("aggregator", "api", "bus", "cli", "collectors", "monitoring", "schemas", "simulator"):
        shutil.copytree(ROOT / name, tree / name, ignore=ignore)
    for name in (
        "pyproject.toml",
        "hatch_build.py",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        ".env.template",
        ".gitignore",
    ):
        shutil.copy(ROOT / name, tree / name)
    shutil.copytree(STAND_IN, tree / "api" / "static")
    (tree / "api" / "static" / ".stamp").write_text("of other sources")
    return tree


def pack(tree: Path, target: str, to: Path) -> subprocess.CompletedProcess[str]:
    """Build a package as pip would, on a machine without Node.js."""
    return subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(to)],
        cwd=tree,
        env={"PATH": str(to)},
        capture_output=True,
        text=True,
        check=False,
    )


def page_in(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith("api/static/")]
        return {name.removeprefix("api/static/"): archive.read(name) for name in names if not name.endswith("/.stamp")}


def page_at(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != ".stamp"}


def test_the_sdist_carries_the_page_and_makes_a_wheel_without_node(tree: Path, tmp_path: Path) -> None:
    made = pack(tree, "sdist", tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    assert page_at(source / "api/static") == page_at(STAND_IN)
    assert not (source / "web").exists()
    made = pack(source, "wheel", tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert page_in(wheel) == page_at(STAND_IN)
    with zipfile.ZipFile(wheel) as archive_:
        (metadata,) = [archive_.read(name).decode() for name in archive_.namelist() if name.endswith("/METADATA")]
        assert not [name for name in archive_.namelist() if name.startswith(("web/", "hatch_build"))]
    assert "nodejs" not in metadata.lower(), "who installs the wheel needs no Node.js"


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_no_package_is_made_without_a_page(tree: Path, tmp_path: Path, target: str) -> None:
    (tree / "api/static/index.html").unlink()
    made = pack(tree, target, tmp_path)
    assert made.returncode != 0
    assert "there is no page" in made.stdout + made.stderr
    assert not [*tmp_path.glob("*.whl"), *tmp_path.glob("*.tar.gz")]


def test_the_wheel_of_this_tree_carries_the_page_as_it_is_served(
    tmp_path: Path, built_page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_PAGE", "skip")
    (made,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    assert page_in(Path(made)) == page_at(built_page)


def test_a_node_is_asked_for_only_where_one_is_needed(
    root: Path, without_node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root / name)

    def asked() -> set[bool]:
        return {NODE_REQUIREMENT in builder(str(root)).config.dependencies for builder in (WheelBuilder, SdistBuilder)}

    assert asked() == {True}
    monkeypatch.setenv("SPARK_PAGE", "skip")
    assert asked() == {False}
    monkeypatch.delenv("SPARK_PAGE")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("PATH", str(root / "fit"))
        program(root / "fit" / "node", "#!/bin/sh\necho v24.1.0\n")
        program(root / "fit" / "npm", "#!/bin/sh\n")
        assert asked() == {False}
    assert asked() == {True}
    shutil.rmtree(root / "web")
    assert asked() == {False}
