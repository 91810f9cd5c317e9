"""What the looks tell: in the system's own colours, on paper, and of cards that belong together."""

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.stage import Stage
from tests.browser.states import Scene, all_failed_from_the_start, api_gone, demo

INK = "rgb(20, 24, 31)"
"""What the light theme writes with."""

STYLE = """
([selector, pseudo, name]) => getComputedStyle(document.querySelector(selector), pseudo || null)[name]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await demo(shared_stage)


async def style(page: Page, selector: str, name: str, pseudo: str = "") -> str:
    return str(await page.evaluate(STYLE, [selector, pseudo, name]))


async def width(page: Page, selector: str) -> float:
    box = await page.locator(selector).first.bounding_box()
    assert box is not None
    return box["width"]


async def test_what_is_chosen_shows_in_forced_colours(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    await page.emulate_media(forced_colors="active")
    await expect(page.get_by_test_id("asset-table")).to_be_visible()
    chosen, other = ".tab[data-selected]", ".tab:not([data-selected])"
    assert await style(page, chosen, "borderBlockEndColor") != await style(page, other, "borderBlockEndColor")
    chosen, other = ".total .segment[data-selected]", ".total .segment:not([data-selected])"
    assert await style(page, chosen, "backgroundColor") != await style(page, other, "backgroundColor")
    paper = await style(page, "body", "backgroundColor")
    assert await style(page, ".connection .dot", "backgroundColor") != paper
    thumbs = []
    for _ in range(2):
        thumb = await style(page, ".switch-track", "backgroundColor", "::after")
        assert thumb != await style(page, ".switch-track", "backgroundColor")
        thumbs.append(thumb)
        await page.locator(".switch").click()
    assert thumbs[0] != thumbs[1]


async def test_paper_is_light_and_has_nothing_to_press(scene: Scene, open_page) -> None:
    page = await open_page(scene.url, storage={"spark.theme": "dark"}, theme="dark")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page.get_by_test_id("asset-table")).to_be_visible()
    assert await style(page, "body", "color") != INK
    await page.emulate_media(media="print")
    assert await style(page, "body", "color") == INK
    for selector in (".bar .icon-button", ".tools", ".segments", ".source .icon-button", ".expander"):
        await expect(page.locator(selector).locator("visible=true")).to_have_count(0)
    for selector in ("[data-testid=total]", "[data-testid=row-BTC]", ".allocation-table", ".source"):
        await expect(page.locator(selector).first).to_be_visible()


async def test_when_it_was_known_is_as_wide_as_its_words(stage: Stage, open_page) -> None:
    gone = await api_gone(stage)
    page = await open_page(gone.url, width=1000, network_may_fail=True)
    await expect(page.get_by_test_id("total")).to_be_visible()
    assert gone.after is not None
    await gone.after()
    mark = page.locator(".sources > .mark")
    await expect(mark).to_be_visible()
    words = """(mark) => {
      const all = document.createRange();
      all.selectNodeContents(mark);
      return all.getBoundingClientRect().width;
    }"""
    assert await width(page, ".sources > .mark") < await mark.evaluate(words) + 24


async def test_the_card_on_failures_is_as_wide_as_the_sources_below(stage: Stage, open_page) -> None:
    failed = await all_failed_from_the_start(stage)
    page = await open_page(failed.url)
    await expect(page.get_by_test_id("all-failed")).to_be_visible()
    assert await width(page, "[data-testid=all-failed]") == await width(page, ".sources")
