"""The page on a phone: a bar of one line, room for a finger, and nothing that covers the end."""

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.stage import ADMIN, Stage
from tests.browser.states import Scene, accounts, api_gone, demo, hostile_names

BAR_MAX = 56
"""Pixels: one line of buttons."""
APART = 4
"""Pixels between a name and its mark: about a space."""

BAR = """
() => {
  const badge = document.createRange();
  badge.selectNodeContents(document.querySelector("[data-testid=demo-badge]"));
  return {
    height: document.querySelector(".bar").getBoundingClientRect().height,
    lines: badge.getClientRects().length,
    over: document.documentElement.scrollWidth - innerWidth,
    out: [...document.querySelectorAll(".bar-inner > *")]
      .filter((one) => one.getBoundingClientRect().right > innerWidth - 4).map((one) => one.className),
  };
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await demo(shared_stage)


async def bar_is_one_line(page: Page) -> None:
    for width in (320, 360, 480):
        await page.set_viewport_size({"width": width, "height": 740})
        bar = await page.evaluate(BAR)
        assert bar["height"] <= BAR_MAX, (width, bar)
        assert (bar["lines"], bar["over"], bar["out"]) == (1, 0, []), (width, bar)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two_portfolios(shared_stage: Stage) -> Scene:
    return await accounts(shared_stage)


async def test_the_bar_is_one_line_with_a_choice_of_portfolios(two_portfolios: Scene, open_page) -> None:
    page = await open_page(two_portfolios.url, language="tr", width=360, height=740)
    await expect(page.locator(".bar .select")).to_be_visible()
    await bar_is_one_line(page)
    await page.set_viewport_size({"width": 320, "height": 740})
    word = page.locator(".connection-word")
    assert await word.evaluate("(word) => word.scrollWidth <= word.clientWidth"), "a usual word is told in full"


async def test_the_bar_is_one_line_when_the_connection_is_lost(stage: Stage, open_page) -> None:
    gone = await api_gone(stage)
    page = await open_page(gone.url, language="tr", width=360, height=740, network_may_fail=True)
    await expect(page.get_by_test_id("total")).to_be_visible()
    assert gone.after is not None
    await gone.after()
    await expect(page.get_by_test_id("connection")).to_have_attribute("data-status", "offline")
    await bar_is_one_line(page)


SMALL_TARGETS = """
() => {
  const small = [];
  for (const one of document.querySelectorAll("main :is(button, a, select, input:not([type=checkbox]))")) {
    if (one.getClientRects().length === 0 || getComputedStyle(one).clipPath !== "none") continue;
    one.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
    const {left, right, top, bottom} = one.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const reached = [-11.5, 11.5].every((off) => {
      const [across, along] = [document.elementFromPoint(x + off, y), document.elementFromPoint(x, y + off)];
      return one.contains(across) && one.contains(along);
    });
    if (!reached) small.push(`${one.className} ${one.textContent} ${bottom - top}`);
  }
  return small;
}
"""
"""What a finger would miss: not 24 pixels wide and high around its middle."""


async def test_every_target_has_room_for_a_finger(scene: Scene, open_page) -> None:
    page = await open_page(scene.url, width=360, height=740)
    await expect(page.get_by_test_id("asset-table")).to_be_visible()
    for asset in ("BTC", "LDBTC"):
        await page.get_by_test_id(f"row-{asset}").locator(".expander").click()
    await expect(page.locator(".breakdown .explain").first).to_be_visible()
    assert await page.evaluate(SMALL_TARGETS) == []


async def test_a_note_in_the_corner_does_not_cover_the_end(scene: Scene, open_page) -> None:
    page = await open_page(scene.url, width=360, height=740, statuses=frozenset({401}))
    await page.get_by_test_id("refresh-all").click()
    await page.get_by_test_id("token-dialog").get_by_test_id("token").fill(ADMIN)
    await page.keyboard.press("Enter")
    note = page.get_by_test_id("refresh-results")
    await expect(note).to_be_visible()
    await note.hover()  # Looked at, it stays.
    await page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
    ends = await page.evaluate(
        """() => [document.querySelector(".sources").getBoundingClientRect().bottom,
                  document.querySelector(".toast").getBoundingClientRect().top]"""
    )
    assert ends[0] <= ends[1]


async def test_marks_stand_apart_from_the_name_before_them(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    await page.get_by_test_id("row-LDBTC").locator(".expander").click()
    gap = """(mark) => {
      const [own, before] = [mark.getBoundingClientRect(), mark.previousElementSibling.getBoundingClientRect()];
      return Math.max(own.left - before.right, before.bottom <= own.top + 1 ? Infinity : -Infinity);
    }"""
    assert await page.locator(".breakdown th > .mark").first.evaluate(gap) >= APART
    await page.get_by_test_id("row-LDBTC").locator(".column-price .explain").click()
    mark = page.get_by_test_id("explain-dialog").locator("th > .mark").first
    assert await mark.evaluate(gap) >= APART


async def test_a_name_without_a_value_beside_it_has_the_room_of_one(stage: Stage, open_page) -> None:
    hostile = await hostile_names(stage)
    page = await open_page(hostile.url, width=360, height=740)
    for name in ("constructor", "javascript:alert(1)"):
        row = page.get_by_test_id(f"row-{name}")
        code = row.locator(".asset-code")
        await code.scroll_into_view_if_needed()
        lines = """(code) => {
          const all = document.createRange();
          all.selectNodeContents(code);
          return all.getClientRects().length;
        }"""
        assert await code.evaluate(lines) == 1, name
        apart = """(row) => row.querySelector(".column-value .mark").getBoundingClientRect().left -
            row.querySelector(".asset-code").getBoundingClientRect().right"""
        assert await row.evaluate(apart) > 0, name


async def test_a_name_that_is_cut_off_is_told_in_full_on_hover(scene: Scene, open_page) -> None:
    page = await open_page(scene.url, width=720, height=900)
    await expect(page.get_by_test_id("row-ETH").locator(".asset-name")).to_have_attribute("title", "Ethereum")
