"""The built page, served from memory: read and packed once at the start, never from disk while serving.

The index is asked for anew each time; everything else has a hash of its content in its name and may be kept for ever.
It holds nobody's data, so it needs no token: a browser cannot send one for a page, the page itself asks for it.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Final, Self

from aiohttp import hdrs, web

from api.headers import Headers, accepts_gzip, matches, ready_headers
from monitoring.guards import LOCAL_HOSTS, host_name

PATH: Final = "/portfolio"

GZIP_LEVEL: Final = 9
"""The best there is: it is done once."""

GZIP_WORTH: Final = 0.9
"""What packing makes no smaller than this part of it is sent plain: pictures are packed already."""

TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
"""By the end of the name; a test holds every file of the build to it. Browsers are told not to guess."""

OTHER_TYPE: Final = "application/octet-stream"

KEPT_FOR_EVER: Final = "public, max-age=31536000, immutable"

OPENER_HEADERS: Final[Headers] = {"Cross-Origin-Opener-Policy": "same-origin"}
"""No window that opened the page has a hold on it. Over plain HTTP browsers heed this under this machine's own names
alone, and complain of it under others, so there it is left to who speaks TLS."""

DOCUMENT_HEADERS: Final[Headers] = {
    # What a page of numbers never asks for. Only names that browsers know: an unknown one is a message in the console.
    "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "
    "midi=(), payment=(), usb=()",
}
"""On documents alone: elsewhere they mean nothing."""

NOT_BUILT: Final = (
    "The page is not built yet. In the folder with the sources run: make page "
    "(without make: python hatch_build.py), then start Spark Portfolio again. All else works: /api/portfolio\n"
    "Sayfa henüz derlenmedi. Kaynakların olduğu klasörde şunu çalıştırın: make page "
    "(make yoksa: python hatch_build.py), sonra Spark Portfolio'yu yeniden başlatın. Geri kalan her şey çalışıyor: "
    "/api/portfolio\n"
)


@dataclass(frozen=True, slots=True)
class _Variant:
    """One form of a file, plain or packed, with the headers that it is sent with."""

    body: bytes
    etag: str
    headers: Headers


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file of the page, ready to be sent; packed too, where that makes it smaller."""

    plain: _Variant
    packed: _Variant | None

    @classmethod
    def make(cls, name: str, body: bytes, more: Headers) -> Self:
        """Pack it, and make its headers. The same content always has the same bytes and tags."""
        content_type = TYPES.get(PurePosixPath(name).suffix, OTHER_TYPE)
        digest = hashlib.sha256(body).hexdigest()[:32]
        packed = gzip.compress(body, GZIP_LEVEL, mtime=0)
        helps = len(packed) < GZIP_WORTH * len(body)
        more = {**more, "Vary": "Accept-Encoding"} if helps else more

        def variant(content: bytes, etag: str, encoding: Headers) -> _Variant:
            return _Variant(content, etag, ready_headers(content_type, {**more, **encoding, "ETag": etag}))

        # Two forms are two entities: a strong tag names bytes.
        return cls(
            variant(body, f'"{digest}"', {}),
            variant(packed, f'"{digest}-gzip"', {"Content-Encoding": "gzip"}) if helps else None,
        )

    def answer(self, request: web.Request) -> web.Response:
        """Send it in the form that the client can take; 304 where it has that very form."""
        accepted = self.packed is not None and accepts_gzip(request.headers.getall(hdrs.ACCEPT_ENCODING, ()))
        variant = self.packed if self.packed is not None and accepted else self.plain
        condition = request.headers.get(hdrs.IF_NONE_MATCH)
        if condition is not None and matches(condition, variant.etag):
            return web.Response(status=304, headers=variant.headers)
        return web.Response(body=variant.body, headers=variant.headers)


class StaticPage:
    """The page as it was found at the start; its handlers."""

    def __init__(self, folder: Traversable | None = None) -> None:
        """``folder`` is where the page was built into; by default the one inside this package."""
        self._folder = folder
        self._index: StaticFile | None = None
        self._index_at_home: StaticFile | None = None
        """The same, as it is sent to who asks for it under one of this machine's own names."""
        self._assets: dict[str, StaticFile] = {}
        self._not_built = ready_headers("text/plain; charset=utf-8", {"Cache-Control": "no-store"})
        self._to_page = ready_headers("text/plain; charset=utf-8", {"Cache-Control": "no-cache", hdrs.LOCATION: PATH})

    @property
    def built(self) -> bool:
        """Whether there is a page to show."""
        return self._index is not None

    def load(self) -> None:
        """Read all of it. It takes some tenths of a second, most of it packing, and blocks."""
        folder = self._folder or files("api").joinpath("static")
        index, assets = folder.joinpath("index.html"), folder.joinpath("assets")
        if not index.is_file():
            return
        if assets.is_dir():
            self._assets = {
                file.name: StaticFile.make(file.name, file.read_bytes(), {"Cache-Control": KEPT_FOR_EVER})
                for file in assets.iterdir()
                if file.is_file() and not file.name.startswith(".")
            }
        body, headers = index.read_bytes(), {"Cache-Control": "no-cache", **DOCUMENT_HEADERS}
        self._index_at_home = StaticFile.make("index.html", body, {**headers, **OPENER_HEADERS})
        self._index = StaticFile.make("index.html", body, headers)

    async def index(self, request: web.Request) -> web.StreamResponse:
        """``GET /portfolio``: the page. It reads the parameters itself: none of them changes these bytes."""
        at_home = host_name(request.headers.get(hdrs.HOST, "")) in LOCAL_HOSTS
        file = self._index_at_home if at_home else self._index
        if file is None:
            return web.Response(status=503, body=NOT_BUILT.encode(), headers=self._not_built)
        return file.answer(request)

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """``GET /assets/{name}``: what the page is made of."""
        file = self._assets.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        return file.answer(request)

    async def to_page(self, _request: web.Request) -> web.StreamResponse:
        """``GET /``: to the page."""
        return web.Response(status=302, headers=self._to_page)
