"""Thousands of coins: few rows at a time, all of them reachable, and the page stays quick."""

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.stage import Stage
from tests.browser.states import MANY, Scene, many_assets

ROWS = "tbody[data-testid^='row-']"
AT_A_TIME = 120
FARTHEST = """
() => Math.max(...[...document.querySelectorAll("[data-asset]")].map((one) => Number(one.dataset.index)))
"""
FRAME_MS = 100
"""A frame that takes longer is a stumble one sees."""

SCROLL = """
async () => {
  const late = [];
  let last = performance.now();
  const end = document.documentElement.scrollHeight;
  for (let at = 0; at < end; at += Math.max(400, end / 60)) {
    scrollTo(0, at);
    await new Promise(requestAnimationFrame);
    late.push(performance.now() - last);
    last = performance.now();
  }
  return late.sort((a, b) => a - b);
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await many_assets(shared_stage)


async def opened(open_page, scene: Scene) -> Page:
    page = await open_page(scene.url)
    await expect(page.locator(ROWS).first).to_be_visible()
    return page


async def test_only_rows_near_the_window_are_there(scene: Scene, open_page) -> None:
    page = await opened(open_page, scene)
    assert 0 < await page.locator(ROWS).count() <= AT_A_TIME
    rows = int(await page.get_by_test_id("asset-table").get_attribute("aria-rowcount") or "0")
    assert rows > MANY


async def test_the_last_row_can_be_reached(scene: Scene, open_page) -> None:
    page = await opened(open_page, scene)
    total = len(scene.document["totals"]["byAsset"])
    last = page.locator(f"{ROWS} tr[aria-rowindex='{total + 1}']")
    for _ in range(20):  # Rows are measured as they come, so the end moves a little at first.
        await page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
        if await last.count():
            break
        await page.evaluate("() => new Promise(requestAnimationFrame)")
    await expect(last).to_be_attached()


async def test_a_search_finds_one_of_them(scene: Scene, open_page) -> None:
    page = await opened(open_page, scene)
    await page.get_by_test_id("search").fill("COIN4711")
    await expect(page.locator(ROWS)).to_have_count(1)
    await expect(page.get_by_test_id("row-COIN4711")).to_be_visible()


async def test_scrolling_does_not_stumble(scene: Scene, open_page) -> None:
    page = await opened(open_page, scene)
    late = await page.evaluate(SCROLL)
    assert late[len(late) // 2] <= FRAME_MS, late


async def test_the_row_with_the_focus_keeps_it_however_far_it_is_scrolled_away(scene: Scene, open_page) -> None:
    page = await opened(open_page, scene)
    asset = await page.locator(ROWS).first.get_attribute("data-asset")
    row = page.get_by_test_id(f"row-{asset}")
    await row.locator(".expander").focus()
    await page.mouse.move(400, 600)
    await page.mouse.wheel(0, 60_000)
    await expect(row).not_to_be_in_viewport()
    assert await page.evaluate(FARTHEST) > AT_A_TIME
    assert await page.locator(ROWS).count() <= AT_A_TIME, "it, and those near the window"
    await expect(row.locator(".expander")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(row.locator(".expander")).to_have_attribute("aria-expanded", "true")
