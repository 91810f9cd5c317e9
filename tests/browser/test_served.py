"""How the page is served: from the API alone, under its policy, kept by the browser as long as it may be."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest_asyncio
from playwright.async_api import expect

from monitoring.guards import CONTENT_SECURITY_POLICY
from tests.browser.stage import Stage
from tests.browser.states import Scene, demo

BUILT = Path(__file__).parents[2] / "api" / "static"
NAMES_ONLY = {"www.w3.org", "react.dev"}
"""Addresses that stand in the build as names (of a vocabulary, of an error's explanation); nothing is fetched there."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await demo(shared_stage)


async def test_a_first_visit_says_nothing_in_the_console_and_asks_nobody_else(scene: Scene, open_window) -> None:
    window = await open_window(scene.url)
    await expect(window.page.get_by_test_id("total")).to_be_visible()
    await expect(window.page.get_by_test_id("connection")).to_have_attribute("data-status", "live")
    assert {urlsplit(url).path.rpartition("/")[0] for url in window.requests} == {
        "",
        "/assets",
        "/api/portfolio",
        "/api",
    } & {urlsplit(url).path.rpartition("/")[0] for url in window.requests}


async def test_the_root_leads_to_the_page(scene: Scene, open_page) -> None:
    page = await open_page(scene.url, path="/", language=None)
    assert urlsplit(page.url).path == "/portfolio"
    await expect(page.get_by_test_id("total")).to_be_visible()


async def test_everything_comes_under_the_policy_and_what_has_a_hash_for_ever(
    scene: Scene, stage: Stage, open_window
) -> None:
    window = await open_window(scene.url)
    await expect(window.page.get_by_test_id("total")).to_be_visible()
    async with stage.http.get(f"{scene.url}/portfolio") as response:
        assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert response.headers["Cache-Control"] == "no-cache"
    assets = [url for url in window.requests if "/assets/" in url]
    assert assets
    for url in assets:
        async with stage.http.get(url) as response:
            assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
            assert "immutable" in response.headers["Cache-Control"]


async def test_a_second_visit_asks_again_for_the_index_alone(scene: Scene, open_window) -> None:
    window = await open_window(scene.url)
    await expect(window.page.get_by_test_id("total")).to_be_visible()
    cached: list[str] = []
    window.context.on(
        "requestfinished",
        lambda request: cached.append(request.url) if "/assets/" in request.url else None,
    )
    session = await window.context.new_cdp_session(window.page)
    from_network: list[str] = []
    await session.send("Network.enable")
    session.on(
        "Network.responseReceived",
        lambda event: (
            from_network.append(event["response"]["url"])
            if not event["response"].get("fromDiskCache") and not event["response"].get("fromPrefetchCache")
            else None
        ),
    )
    served: set[str] = set()
    session.on("Network.requestServedFromCache", lambda event: served.add(event["requestId"]))
    await window.page.goto(f"{scene.url}/portfolio?lang=en")
    await expect(window.page.get_by_test_id("total")).to_be_visible()
    assert cached
    scripts = [url for url in from_network if url.endswith((".js", ".css"))]
    assert len(scripts) <= len(served), scripts


def test_the_build_names_no_other_address() -> None:
    found: set[str | None] = set()
    for file in BUILT.rglob("*"):
        if file.suffix in {".html", ".js", ".css", ".svg", ".webmanifest"}:
            text = file.read_text(encoding="utf-8")
            found |= {urlsplit(url).hostname for url in re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}", text)}
    assert found <= NAMES_ONLY


async def test_it_holds_nobodys_data_and_needs_no_token(stage: Stage) -> None:
    system = await stage.start(read_token="t" * 40)
    async with aiohttp.ClientSession() as stranger:
        async with stranger.get(f"{system.url}/portfolio") as response:
            assert response.status == 200
        async with stranger.get(f"{system.url}/api/portfolio") as response:
            assert response.status == 401
