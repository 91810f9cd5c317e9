"""Every state, in both languages and both themes: what it says, what it must not hide, and what axe finds."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from tests.browser.axe import told, violations
from tests.browser.chromium import Language, Theme, address
from tests.browser.stage import Stage
from tests.browser.states import STATES, Scene
from tests.browser.texts import LANGUAGES, said

THEMES: tuple[Theme, ...] = ("light", "dark")

TOO_WIDE = """
() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 5)
  .map((one) => `${one.tagName}.${one.className} ${one.textContent.slice(0, 40)}`)
"""
NARROW = {"width": 360, "height": 740}
WIDE = {"width": 1280, "height": 900}


@pytest_asyncio.fixture(params=STATES, loop_scope="session")
async def scene(request: pytest.FixtureRequest, stage: Stage) -> AsyncIterator[Scene]:
    yield await STATES[request.param](stage)


async def test_a_state_says_what_it_is_and_axe_finds_nothing(scene: Scene, open_window) -> None:
    window = await open_window(scene.url, visit=False, network_may_fail=scene.breaks_network, statuses=scene.statuses)
    page = window.page
    found: list[str] = []
    for language in LANGUAGES:
        await page.goto(address(scene.url, "/portfolio", dict(scene.query), language))
        await shown(page, scene, language)
        if scene.after is not None and language == LANGUAGES[-1]:
            await scene.after()
            await expect(page.get_by_test_id("banner-lost")).to_be_visible()
        for theme in THEMES:
            await page.emulate_media(color_scheme=theme)
            if wrong := await violations(page):
                found.append(f"{language}, {theme}:\n{told(wrong)}")
        await page.set_viewport_size(NARROW)
        try:  # Charts draw themselves anew a moment after the window has changed.
            await page.wait_for_function("() => document.documentElement.scrollWidth <= innerWidth")
        except PlaywrightTimeoutError:
            found.append(f"{language}: wider than a phone: {await page.evaluate(TOO_WIDE)}")
        await page.set_viewport_size(WIDE)
    assert not found, "\n\n".join(found)


async def shown(page: Page, scene: Scene, language: Language) -> None:
    """What the document says stands on the page, in this language."""
    await expect(page.locator("html")).to_have_attribute("lang", language)
    for name in scene.says:
        await expect(page.get_by_text(said(language, name), exact=False).first).to_be_visible()
    if not scene.understood:
        await expect(page.get_by_test_id("total")).to_have_count(0)
        return
    await expect(page.get_by_test_id("connection")).to_have_attribute("data-status", scene.status)
    await expect(page.get_by_test_id("demo-badge")).to_have_count(1 if scene.document["demo"] else 0)
    for source in scene.document["sources"]:
        await shows_source(page, source, language)
    totals = scene.document["totals"]
    if scene.document["accounts"]:
        await expect(page.get_by_test_id("total")).to_be_visible()
        await expect(page.get_by_test_id("total-partial")).to_have_count(1 if totals["partial"] else 0)


async def shows_source(page: Page, source: dict[str, Any], language: Language) -> None:
    shown = page.get_by_test_id(f"source-{source['exchange']}-{source['account']}")
    await expect(shown).to_be_visible()
    await expect(shown).to_contain_text(said(language, f"sources.state_{source['state']}"))
