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

OURS = {"/portfolio", "/api/portfolio", "/api/portfolio/stream", "/api/portfolios"}
TRANSFERRED = """
() => performance.getEntriesByType("resource")
  .filter((one) => /\\/assets\\/index-.*\\.(js|css)$/.test(one.name))
  .map((one) => one.transferSize)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await demo(shared_stage)


async def test_a_first_visit_says_nothing_in_the_console_and_asks_nobody_else(scene: Scene, open_window) -> None:
    window = await open_window(scene.url)
    await expect(window.page.get_by_test_id("total")).to_be_visible()
    await expect(window.page.get_by_test_id("connection")).to_have_attribute("data-status", "live")
    asked = {urlsplit(url).path for url in window.requests}
    assert {path for path in asked if not path.startswith("/assets/")} <= OURS


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


async def test_a_second_visit_takes_from_its_cache_what_has_a_hash(scene: Scene, open_window) -> None:
    window = await open_window(scene.url)
    for transferred in (True, False):
        await expect(window.page.get_by_test_id("total")).to_be_visible()
        sizes = await window.page.evaluate(TRANSFERRED)
        assert sizes
        assert all((size > 0) == transferred for size in sizes), sizes
        await window.page.goto(f"{scene.url}/portfolio?lang=tr")


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
