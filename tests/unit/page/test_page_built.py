"""The built page of this tree: its own, hashed and typed files alone."""

import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path, PurePosixPath

from api.static_page import TYPES, StaticPage

HASHED = re.compile(r"[A-Za-z0-9_.-]+-[A-Za-z0-9_-]{8}\.[a-z0-9]+")

NAMES_NOT_PLACES = re.compile(
    r"https?://www\.w3\.org/(?:1998/Math/MathML|1999/xhtml|1999/xlink|2000/svg|XML/1998/namespace|2000/xmlns/?)"
)
"""Names of XML vocabularies, which look like addresses and are never asked."""

TEXTS_OF_ERRORS = (
    "https://react.dev/errors/",
    "https://react.dev/link/",
)
"""What a library's error messages tell a developer to read. They are shown at most, never loaded."""


class Index(HTMLParser):
    """What an index loads, and what it says itself that the content policy forbids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: set[str] = set()
        self.inline: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag in {"script", "link", "img"}:
            self.loads.add(named.get("src") or named.get("href") or "")
        self._in_script = tag == "script"
        forbidden = [name for name in named if name == "style" or name.startswith("on")]
        if tag in {"style", "base", "iframe", "object"} or forbidden:
            self.inline.append(f"{tag} {forbidden}")

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.inline.append(data)


def test_the_index_loads_its_own_things_and_holds_nothing_that_the_policy_forbids(built_page: Path) -> None:
    index = Index((built_page / "index.html").read_text(encoding="utf-8"))
    assert index.inline == []
    assert index.loads
    for place in index.loads:
        name = PurePosixPath(place)
        assert name.parent == PurePosixPath("/assets"), place
        assert (built_page / "assets" / name.name).is_file(), place


def test_every_file_has_a_hash_in_its_name_and_a_type(built_page: Path) -> None:
    names = {path.relative_to(built_page).as_posix() for path in built_page.rglob("*") if path.is_file()}
    assets = {name.removeprefix("assets/") for name in names - {"index.html", ".stamp"}}
    assert assets
    for name in assets:
        assert HASHED.fullmatch(name), f"{name} is kept for ever by browsers, so it must have a hash"
        assert PurePosixPath(name).suffix in TYPES, name


def test_nothing_is_loaded_from_elsewhere(built_page: Path) -> None:
    for path in sorted(built_page.rglob("*")):
        if not path.is_file() or path.suffix == ".png":
            continue
        text = NAMES_NOT_PLACES.sub("", path.read_text(encoding="utf-8"))
        for known in TEXTS_OF_ERRORS:
            text = text.replace(known, "")
        found = re.findall(r".{0,40}(?:https?|wss?)://.{0,60}", text)
        assert not found, f"{path.name}: {found[:5]}"
        assert not re.findall(r"""(?:src|href|url\(|import\()\s*=?\s*["'`]?//[a-z]""", text), path.name
        assert "@import" not in text or path.suffix != ".css", path.name


def test_the_manifest_s_icons_are_there(built_page: Path) -> None:
    for path in (built_page / "assets").glob("*.webmanifest"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        for icon in manifest.get("icons", []):
            place = PurePosixPath("/assets") / icon["src"]
            assert place.parent == PurePosixPath("/assets"), icon
            assert (built_page / "assets" / place.name).is_file(), icon


def test_it_is_found_inside_the_package(built_page: Path) -> None:
    page = StaticPage()
    page.load()
    assert page.built
    assert files("api").joinpath("static", "index.html").read_bytes() == (built_page / "index.html").read_bytes()
    assert set(page._assets) == {path.name for path in (built_page / "assets").iterdir()}
