"""How the page is served: from memory, packed, with the right headers, and never anything but the page."""

import gzip
import shutil
from pathlib import Path

import aiohttp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from api.headers import accepts_gzip
from api.models import ErrorBody
from api.static_page import StaticFile
from tests.http.support import ASSET, PAGE, Api, running_api
from tests.unit.api.states import sample

INDEX = (PAGE / "index.html").read_bytes()
PACKED = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}
ASSETS = sorted(path.name for path in (PAGE / "assets").iterdir())


async def fetch(api: Api, path: str, method: str = "GET", **headers: str) -> tuple[aiohttp.ClientResponse, bytes]:
    """The answer with its body as it came over the wire."""
    async with (
        aiohttp.ClientSession(api.url, auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as client,
        client.request(method, path, headers=headers, allow_redirects=False) as answer,
    ):
        return answer, await answer.read()


async def test_the_index_is_asked_for_anew_each_time(api: Api) -> None:
    answer, body = await fetch(api, "/portfolio")
    assert (answer.status, body) == (200, INDEX)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["ETag"].startswith('"'), "the same bytes, not something like them"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:4001", "[::1]:4001"])
async def test_under_this_machine_s_own_names_no_window_has_a_hold_on_it(api: Api, host: str) -> None:
    answer, body = await fetch(api, "/portfolio", Host=host)
    assert (answer.headers["Cross-Origin-Opener-Policy"], body) == ("same-origin", INDEX)


async def test_under_other_names_browsers_would_only_complain_of_that() -> None:
    async with running_api(allowed_hosts=("nas.local",)) as api:
        answer, body = await fetch(api, "/portfolio", Host="nas.local:4001")
        assert (answer.status, body) == (200, INDEX)
        assert "Cross-Origin-Opener-Policy" not in answer.headers
        assert "camera=()" in answer.headers["Permissions-Policy"]


async def test_the_policy_lets_the_page_load_its_own_things_and_nothing_else(api: Api) -> None:
    policy = (await fetch(api, "/portfolio"))[0].headers["Content-Security-Policy"].split("; ")
    own = [f"{kind}-src 'self'" for kind in ("script", "style", "connect", "img", "manifest")]
    none = ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"]
    assert sorted(policy) == sorted(own + none)


async def test_no_other_site_may_embed_any_of_it(api: Api) -> None:
    for path in ("/portfolio", ASSET, "/api/portfolio", "/nothing"):
        assert (await fetch(api, path))[0].headers["Cross-Origin-Resource-Policy"] == "same-origin", path


@pytest.mark.parametrize("query", ["lang=tr", "lang=de", "portfolio=desk", "portfolio=%00%3Cb%3E&lang=en", "lang="])
async def test_what_the_parameters_say_is_for_the_page_to_read(api: Api, query: str) -> None:
    answer, body = await fetch(api, f"/portfolio?{query}")
    assert (answer.status, body) == (200, INDEX)


@pytest.mark.parametrize("name", ASSETS)
async def test_assets_may_be_kept_for_ever(api: Api, name: str) -> None:
    answer, body = await fetch(api, f"/assets/{name}")
    assert (answer.status, body) == (200, (PAGE / "assets" / name).read_bytes())
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    types = {
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".webmanifest": "application/manifest+json",
    }
    assert answer.headers["Content-Type"] == types[Path(name).suffix]
    assert "Cross-Origin-Opener-Policy" not in answer.headers, "of documents alone"


@pytest.mark.parametrize("path", ["/portfolio", ASSET])
async def test_who_can_unpack_gets_it_packed(api: Api, path: str) -> None:
    plain_answer, plain = await fetch(api, path, **PLAIN)
    answer, body = await fetch(api, path, **PACKED)
    assert "Content-Encoding" not in plain_answer.headers
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(body) < 0.9 * len(plain)
    assert gzip.decompress(body) == plain
    assert body[4:8] == bytes(4), "no time in it: the same page is the same bytes"
    assert answer.headers["Vary"] == plain_answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["ETag"] != plain_answer.headers["ETag"], "a strong tag names bytes"
    assert int(answer.headers["Content-Length"]) == len(body)
    assert answer.headers["Content-Type"] == plain_answer.headers["Content-Type"]


async def test_what_packing_makes_no_smaller_is_sent_plain(api: Api) -> None:
    answer, body = await fetch(api, "/assets/app-Zz-90aBc.css", **PACKED)
    assert "Content-Encoding" not in answer.headers
    assert "Vary" not in answer.headers
    assert body == b"body { margin: 0 }\n"


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("GZip", True),
        ("x-gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("*", True),
        ("gzip;q=0.001", True),
        (" gzip ; q=1.000 ", True),
        ("identity, gzip", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip; Q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity;q=1, gzip;q=0.5", False),
        ("gzip;q=nan", False),
        ("gzip;q=-1", False),
        ("gzip;q=1.5", False),
        ("gzip;q=", False),
        ("gzip;q=x", False),
        ("notgzip", False),
    ],
)
async def test_accept_encoding_is_honoured(api: Api, accepted: str, packed: bool) -> None:
    answer, body = await fetch(api, ASSET, **{"Accept-Encoding": accepted})
    assert (answer.headers.get("Content-Encoding") == "gzip") is packed
    assert (body[:2] == b"\x1f\x8b") is packed


async def test_without_a_word_about_encodings_it_is_plain(api: Api) -> None:
    assert "Content-Encoding" not in (await fetch(api, ASSET))[0].headers


@given(st.lists(st.text(st.sampled_from("gzipx*,;=q01. \tidentity"), max_size=40), max_size=3))
@example(["gzip;q=1e309"])
@example([";;,,=;q"])
def test_no_accept_encoding_breaks_anything(headers: list[str]) -> None:
    assert accepts_gzip(headers) in {True, False}
    assert not accepts_gzip([*headers, "gzip;q=0"]), "a refusal is heard wherever it stands last"


@pytest.mark.parametrize("path", ["/portfolio", ASSET])
@pytest.mark.parametrize("accepted", [PACKED, PLAIN])
async def test_who_has_these_bytes_is_told_so(api: Api, path: str, accepted: dict[str, str]) -> None:
    first, _ = await fetch(api, path, **accepted)
    tag = first.headers["ETag"]
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer, body = await fetch(api, path, **accepted, **{"If-None-Match": condition})
        assert (answer.status, body) == (304, b""), condition
        for name in ("ETag", "Cache-Control", "Vary", "Content-Security-Policy"):
            assert answer.headers[name] == first.headers[name]
    for condition in ('"other"', tag[:-2] + '"', ""):
        assert (await fetch(api, path, **accepted, **{"If-None-Match": condition}))[0].status == 200, condition


async def test_the_tag_of_one_form_is_not_the_tag_of_the_other(api: Api) -> None:
    tag = (await fetch(api, ASSET, **PACKED))[0].headers["ETag"]
    assert (await fetch(api, ASSET, **PLAIN, **{"If-None-Match": tag}))[0].status == 200


def test_the_same_content_has_the_same_bytes_and_tags_in_every_process() -> None:
    one, two = (StaticFile.make("a.js", b"x" * 1000, {}) for _ in range(2))
    assert one.packed is not None
    assert two.packed is not None
    assert (one.packed.body, one.packed.etag, one.plain.etag) == (two.packed.body, two.packed.etag, two.plain.etag)
    assert StaticFile.make("a.js", b"y" * 1000, {}).plain.etag != one.plain.etag


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "index.html",
        "..%2Findex.html",
        "%2e%2e%2findex.html",
        "..%5Cindex.html",
        ".stamp",
        "..",
        "%00",
        "",
        "app-1a2B3c_D.js%20",
        "app-1a2B3c_D.JS",
        "app-1a2B3c_D.js/",
        "assets/app-1a2B3c_D.js",
    ],
)
async def test_any_other_name_is_nothing(api: Api, name: str) -> None:
    status, answer = await api.raw(f"GET /assets/{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status == 404
    assert ErrorBody.model_validate_json(answer.partition("\r\n\r\n")[2]).error == "not_found"
    assert "Cache-Control: no-store" in answer


async def test_the_stamp_of_the_build_is_not_served(tmp_path: Path) -> None:
    folder = shutil.copytree(PAGE, tmp_path / "page")
    for stamp in (folder / ".stamp", folder / "assets" / ".stamp"):
        stamp.write_text("0")
    async with running_api(page=folder) as api:
        for path in ("/.stamp", "/assets/.stamp"):
            assert (await fetch(api, path))[0].status == 404


@pytest.mark.parametrize("path", ["/", "/portfolio/"])
async def test_the_ways_to_the_page(api: Api, path: str) -> None:
    answer, body = await fetch(api, path)
    assert (answer.status, answer.headers["Location"], body) == (302, "/portfolio", b"")
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/portfolio", ASSET, "/", "/portfolio/"])
async def test_head_says_what_get_would_and_nothing_else_is_asked(api: Api, path: str) -> None:
    told, body = await fetch(api, path, "HEAD", **PACKED)
    asked, _ = await fetch(api, path, **PACKED)
    assert body == b""
    assert told.status == asked.status
    # aiohttp leaves a length of 0 out of an answer to HEAD, which may be left out.
    assert {"Content-Length": "0", **told.headers, "Date": ""} == {**asked.headers, "Date": ""}
    assert (await fetch(api, path, "POST"))[0].headers["Allow"] == "GET, HEAD"


async def test_it_is_served_from_memory(tmp_path: Path) -> None:
    folder = shutil.copytree(PAGE, tmp_path / "page")
    async with running_api(page=folder) as api:
        shutil.rmtree(folder)
        assert (await fetch(api, "/portfolio"))[1] == INDEX
        assert (await fetch(api, ASSET))[0].status == 200


async def test_without_a_page_it_says_how_to_build_one_and_all_else_works(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with running_api(page=tmp_path) as api:
            await api.publish(sample())
            answer, body = await fetch(api, "/portfolio")
            assert answer.status == 503
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert answer.headers["Cache-Control"] == "no-store"
            english, turkish = body.decode().splitlines()
            assert "The page is not built yet" in english
            assert "Sayfa henüz derlenmedi" in turkish
            assert english.count("make page") == turkish.count("make page") == 1
            assert (await fetch(api, ASSET))[0].status == 404
            for path in ("/api/portfolio", "/api/portfolios", "/health", "/ready", "/metrics"):
                assert (await fetch(api, path))[0].status == 200, path
    (line,) = [line for line in logs if "the page is not built" in line["event"]]
    assert (line["log_level"], line["mend"].partition(" (")[0]) == ("warning", "make page")


async def test_with_a_page_nothing_is_said_of_it() -> None:
    with capture_logs() as logs:
        async with running_api():
            pass
    assert not [line for line in logs if "not built" in line["event"]]
