"""Coins may be called anything: a name is text, everywhere it stands, and does nothing."""

import re

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.stage import Stage
from tests.browser.states import HOSTILE, Scene, hostile_names

TURNING = next(one for one in HOSTILE if "\u202e" in one)
UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069]")
OWN_SCRIPTS = "() => [...document.scripts].every((one) => new URL(one.src).origin === location.origin)"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await hostile_names(shared_stage)


def spelt_out(name: str) -> str:
    """What cannot be seen is written out."""
    return UNSEEN.sub(lambda mark: f"⟨U+{ord(mark[0]):04X}⟩", name)


async def nothing_came_alive(page: Page) -> None:
    assert await page.evaluate(OWN_SCRIPTS)
    assert await page.locator("img[src=x], [onerror], a[href^='javascript:']").count() == 0


async def test_each_name_stands_there_as_it_is(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    await expect(page.get_by_test_id("total")).to_be_visible()
    for name in HOSTILE:
        await expect(page.get_by_test_id(f"row-{name}").locator(".column-asset")).to_contain_text(spelt_out(name))
    await nothing_came_alive(page)


async def test_each_can_be_searched_for(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    for name in ("<img", "__proto__", "{0}", "=cmd"):
        await page.get_by_test_id("search").fill(name)
        await expect(page.locator("tbody[data-testid^='row-']")).to_have_count(1)
    await nothing_came_alive(page)


async def test_each_stands_in_the_reasons_as_text(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    await page.get_by_test_id("total-partial").click()
    await expect(page.get_by_test_id("reasons")).to_be_visible()
    await nothing_came_alive(page)


async def test_a_name_that_turns_the_reading_direction_does_not_pass_for_another(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    cell = page.get_by_test_id(f"row-{TURNING}").locator(".asset-code")
    await expect(cell).to_have_text("⟨U+202E⟩CTB⟨U+202C⟩")
    await page.get_by_test_id("total-partial").click()
    await expect(page.get_by_test_id("reasons")).to_contain_text("⟨U+202E⟩CTB⟨U+202C⟩")
    assert not UNSEEN.search(await page.locator("body").inner_text())
    assert await cell.evaluate("(cell) => getComputedStyle(cell).unicodeBidi") == "isolate"


async def test_a_very_long_name_breaks_no_phone(scene: Scene, open_page) -> None:
    page = await open_page(scene.url, width=360, height=740)
    await expect(page.get_by_test_id("total")).to_be_visible()
    assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
