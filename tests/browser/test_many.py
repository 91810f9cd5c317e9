"""Thousands of coins: few rows at a time, all of them reachable, and the page stays quick."""

import asyncio

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.stage import Stage
from tests.browser.states import MANY, Scene, many_assets

ROWS = "tbody[data-testid^='row-']"
AT_A_TIME = 120
PRICED = "COIN0007"
FARTHEST = """
() => Math.max(...[...document.querySelectorAll("[data-asset]")].map((one) => Number(one.dataset.index)))
"""
FRAME_MS = 100
"""A frame that takes longer is a stumble one sees, on a machine that draws a resting page as often as a screen does."""
SCREEN_MS = 1000 / 60

REST = """
async () => {
  const late = [];
  let last = performance.now();
  for (let turn = 0; turn < 30; turn += 1) {
    await new Promise(requestAnimationFrame);
    late.push(performance.now() - last);
    last = performance.now();
  }
  return late.sort((a, b) => a - b)[15];
}
"""
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

TICKS = 4
LATE_A_TICK = 3
"""Frames that may be late for each state of some megabytes: to read it, to draw it, and to tidy up."""
FREEZE_MS = 1_000
"""A page that shows nothing new for so long seems to hang."""

TICK_COUNT = """
() => {
  globalThis.sparkTicks = 0;
  new MutationObserver(() => { sparkTicks += 1; })
    .observe(document.querySelector("[data-testid=total]"), {childList: true, characterData: true, subtree: true});
}
"""
SCROLL_ON = """
async (ticks) => {
  const late = [];
  let last = performance.now();
  for (let turn = 1; sparkTicks < ticks; turn += 1) {
    // Down by less than a window at a time, and from the end back to below the rows of the beginning.
    scrollTo(0, 20_000 + (turn * 400) % (document.documentElement.scrollHeight - 25_000));
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


async def slowness(page: Page) -> float:
    """How many times longer than on a free machine this page's frames take right now, while it rests."""
    return max(1.0, await page.evaluate(REST) / SCREEN_MS)


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
    before = await slowness(page)
    late = await page.evaluate(SCROLL)
    slow = max(before, await slowness(page))
    assert late[len(late) // 2] <= FRAME_MS * slow, (late, slow)


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


async def test_scrolling_does_not_stumble_while_states_arrive_and_the_focus_stays(scene: Scene, open_page) -> None:
    assert scene.system is not None
    page = await opened(open_page, scene)
    first = page.locator(ROWS).first
    row = page.get_by_test_id(f"row-{await first.get_attribute('data-asset')}")
    await row.locator(".expander").focus()
    await page.evaluate(TICK_COUNT)
    before = await slowness(page)
    scrolling = asyncio.create_task(page.evaluate(SCROLL_ON, TICKS))
    try:
        for tick in range(TICKS):
            scene.system.sim.set_balance("binance", "main", "spot", PRICED, free=f"{tick + 100}.25")
            status, answer = await scene.system.post("/api/portfolio/refresh", {"exchange": "binance"})
            assert status == 200, answer
            await page.wait_for_function("(tick) => sparkTicks > tick", arg=tick)
        frames = await scrolling
    finally:
        scrolling.cancel()
    slow = max(before, await slowness(page))
    assert frames[len(frames) // 2] <= FRAME_MS * slow, (frames, slow)
    assert sum(frame > FRAME_MS * slow for frame in frames) <= TICKS * LATE_A_TICK, (frames[-20:], slow)
    assert frames[-1] <= FREEZE_MS * slow, (frames[-5:], slow)
    await expect(row).not_to_be_in_viewport()
    assert await page.locator(ROWS).count() <= AT_A_TIME
    await expect(row.locator(".expander")).to_be_focused()
