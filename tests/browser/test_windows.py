"""Several windows of one browser: what is chosen in one is chosen in all, without loading anything again."""

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.stage import Stage
from tests.browser.states import Scene, demo
from tests.browser.texts import said

MASK = "••••••"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await demo(shared_stage)


async def two(scene: Scene, open_window) -> tuple[Page, Page]:
    """Two windows on the same portfolio; each of them is marked, so that a reload would be noticed."""
    window = await open_window(scene.url, language=None)
    other = await window.context.new_page()
    await other.goto(f"{scene.url}/portfolio")
    for page in (window.page, other):
        await expect(page.get_by_test_id("asset-table")).to_be_visible()
        await page.evaluate("() => { globalThis.sparkMark = true; }")
    return window.page, other


async def test_hidden_amounts_are_hidden_in_every_window(scene: Scene, open_window) -> None:
    here, there = await two(scene, open_window)
    await here.get_by_test_id("privacy").click()
    await expect(there.get_by_test_id("total")).to_have_text(MASK)
    await expect(there.get_by_test_id("row-BTC").locator(".column-value")).to_have_text(MASK)
    await there.get_by_test_id("privacy").click()
    for page in (here, there):
        await expect(page.get_by_test_id("total")).to_contain_text("$")
        assert await page.evaluate("() => globalThis.sparkMark === true"), "the page was loaded again"


async def test_a_currency_an_order_and_a_theme_are_followed(scene: Scene, open_window) -> None:
    here, there = await two(scene, open_window)
    await here.get_by_test_id("currency-TRY").click()
    await expect(there.get_by_test_id("total")).to_contain_text("₺")
    await expect(there.get_by_test_id("currency-TRY")).to_have_attribute("aria-checked", "true")
    await here.get_by_test_id("hide-small").click()
    await expect(there.get_by_test_id("row-DOGE")).to_have_count(0)
    asset = "thead .column-asset"
    await here.locator(asset).get_by_role("button").click()
    await expect(there.locator(asset)).to_have_attribute("aria-sort", "ascending")
    await here.get_by_test_id("settings").click()
    await here.get_by_text(said("en", "app.themeDark")).click()
    await expect(there.locator("html")).to_have_attribute("data-theme", "dark")


async def test_a_language_stays_in_its_window(scene: Scene, open_window) -> None:
    """Somebody may be reading there; and an address that names one must not be belied."""
    here, there = await two(scene, open_window)
    await here.get_by_test_id("settings").click()
    await here.get_by_text("Türkçe").click()
    await here.keyboard.press("Escape")
    await here.get_by_test_id("currency-EUR").click()
    await expect(there.get_by_test_id("total")).to_contain_text("€")
    await expect(there.locator("html")).to_have_attribute("lang", "en")
    await expect(here.locator("html")).to_have_attribute("lang", "tr")
