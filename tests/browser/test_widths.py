"""The page at every width: columns or cards, numbers in one piece, and dialogs that fit."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import Language
from tests.browser.stage import Stage
from tests.browser.states import Scene, many_assets, no_admin_token, settled_demo
from tests.browser.texts import LANGUAGES, number, said

REFUSED = frozenset({401})
CARD_MAX = 115
"""Pixels: three lines and a fourth for what is locked, where nothing had to wrap."""
CARD_MIN = 75
"""No card is lower than its three lines."""

BROKEN_NUMBERS = """
(selector) => [...document.querySelectorAll(`.assets > tbody > tr:first-child ${selector}`)].flatMap((cell) => {
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  const broken = [];
  while (texts.nextNode()) {
    const text = document.createRange();
    text.selectNodeContents(texts.currentNode);
    if (cell.offsetParent !== null && /[0-9]/.test(text.toString())) {
      const lines = new Set([...text.getClientRects()].map(({top}) => Math.round(top)));
      const edge = cell.getBoundingClientRect();
      const own = text.getBoundingClientRect();
      if (lines.size > 1 || own.left < edge.left - 1 || own.right > edge.right + 1) broken.push(text.toString());
    }
  }
  return broken;
})
"""
"""Numbers that stand in more than one line, or stand out of their cell into the next."""

OUT_OF_DIALOG = """
() => {
  const modal = document.querySelector(".modal");
  const box = modal.getBoundingClientRect();
  const out = [...modal.querySelectorAll("*")].filter((one) => {
    const own = one.getBoundingClientRect();
    // The file's preview alone is scrolled sideways: its lines are the file's.
    return own.width > 1 && !one.closest(".preview") && (own.right > box.right + 1 || own.left < box.left - 1);
  });
  const scrolled = [...modal.querySelectorAll("*"), modal].filter((one) =>
    one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== "visible" &&
    !one.matches(".preview"));
  return [...out, ...scrolled].map((one) => `${one.tagName}.${one.className} ${one.textContent.slice(0, 60)}`);
}
"""
"""What stands out of a dialog, or is cut off and has to be scrolled to."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await settled_demo(shared_stage)


async def shown(page: Page) -> Locator:
    table = page.get_by_test_id("asset-table")
    await expect(table).to_be_visible()
    return table


@pytest.mark.parametrize("currency", ["USD", "TRY"])
@pytest.mark.parametrize("width", [360, 720, 768, 1239, 1240, 1280, 1920, 3840])
async def test_numbers_stand_in_one_line_and_in_their_cell(scene: Scene, open_page, width: int, currency: str) -> None:
    page = await open_page(scene.url, width=width, height=900)
    await shown(page)
    await page.get_by_test_id(f"currency-{currency}").click()
    await expect(page.get_by_test_id("row-BTC").locator(".column-value")).to_contain_text(
        {"USD": "$", "TRY": "₺"}[currency]
    )
    for column in ("free", "locked", "total", "change", "value", "share"):
        assert await page.evaluate(BROKEN_NUMBERS, f".column-{column}") == [], column
    assert await page.evaluate(BROKEN_NUMBERS, ".column-price .explain") == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_row_shows_no_more_than_there_is_and_every_digit_on_hover(
    scene: Scene, open_page, language: Language
) -> None:
    page = await open_page(scene.url, language=language)
    await shown(page)
    for entry in scene.document["totals"]["byAsset"]:
        cell = page.get_by_test_id(f"row-{entry['asset']}").locator(".column-total")
        exact, text = Decimal(entry["total"]), await cell.inner_text()
        assert number(language, await cell.get_attribute("title") or "") == exact
        if not text.startswith("<"):
            assert 0 <= exact - number(language, text) < Decimal("0.01")


@pytest.mark.parametrize(("width", "cards"), [(719, True), (720, False), (1100, False)])
async def test_rows_are_cards_below_720_pixels_and_columns_from_there(
    scene: Scene, open_page, width: int, cards: bool
) -> None:
    page = await open_page(scene.url, width=width, height=900)
    table = await shown(page)
    await expect(table.locator("thead")).to_be_visible(visible=not cards)
    await expect(page.locator(".sort-choice")).to_be_visible(visible=cards)
    tops = await page.evaluate(
        "() => [...document.querySelectorAll('[data-testid=row-BTC] tr:first-child > *')].map((one) => one.offsetTop)"
    )
    assert (len(set(tops)) == 1) is not cards


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_card_is_low_and_every_number_of_it_has_its_name(scene: Scene, open_page, language: Language) -> None:
    page = await open_page(scene.url, language=language, width=360, height=800)
    await shown(page)
    names = await page.evaluate(
        """() => [...document.querySelectorAll("[data-testid=row-BTC] td")].map((cell) =>
            [cell.className.match(/column-([a-z]+)/)[1], getComputedStyle(cell, "::before").content])"""
    )
    assert {column: content.strip('" ') for column, content in names} == {
        column: said(language, f"table.{column}")
        for column in ("free", "locked", "total", "price", "change", "value", "share")
    }
    rows = [one for account in scene.document["accounts"] for one in account["balances"] if one["counted"]]
    held = {one["asset"] for one in rows if Decimal(one["locked"]) != 0}
    heights: dict[bool, set[int]] = {True: set(), False: set()}
    for entry in scene.document["totals"]["byAsset"]:
        row = page.get_by_test_id(f"row-{entry['asset']}")
        locked = entry["asset"] in held
        for column in ("free", "locked"):
            await expect(row.locator(f".column-{column}")).to_be_visible(visible=locked)
        box = await row.bounding_box()
        assert box is not None
        heights[locked].add(round(box["height"]))
    assert max(heights[True]) <= CARD_MAX
    assert len(heights[False]) == 1, f"with or without a price, all are as high: {heights[False]}"
    assert max(heights[False]) < min(heights[True])


async def test_hidden_amounts_do_not_tell_in_a_card_what_is_locked(scene: Scene, open_page) -> None:
    page = await open_page(scene.url, width=360, height=800, storage={"spark.hidden": "yes"})
    await shown(page)
    await expect(page.locator(".column-locked").locator("visible=true")).to_have_count(0)


async def test_rows_follow_each_other_when_they_become_cards(shared_stage: Stage, open_page) -> None:
    many = await many_assets(shared_stage)
    page = await open_page(many.url)
    await shown(page)
    rows = int(await page.get_by_test_id("asset-table").get_attribute("aria-rowcount") or "0")
    for width, least in ((360, CARD_MIN), (1280, 0)):
        await page.set_viewport_size({"width": width, "height": 800})
        # Rows that were never seen are taken to be as high as cards too, or the scrollbar would be wrong by a third.
        await page.wait_for_function("(least) => document.documentElement.scrollHeight > least", arg=least * rows)
        await page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight / 3)")
        await page.wait_for_function(
            """() => {
              const rows = [...document.querySelectorAll("tbody[data-asset]")].map((one) => one.getBoundingClientRect());
              const onScreen = rows.filter(({top, bottom}) => bottom > 0 && top < innerHeight);
              const filled = onScreen.length > 0 && onScreen[0].top <= 0 && onScreen.at(-1).bottom >= innerHeight;
              return filled && rows.every(({top}, at) => at === 0 || Math.abs(top - rows[at - 1].bottom) <= 1);
            }"""
        )


Opening = Callable[[Page], Awaitable[None]]


async def _value(page: Page) -> None:
    await page.get_by_test_id("row-BTC").locator(".column-value .explain").click()
    await expect(page.get_by_test_id("explain-total")).to_be_visible()


async def _total(page: Page) -> None:
    await page.locator(".total-value").click()


async def _partial(page: Page) -> None:
    await page.get_by_test_id("total-partial").click()


async def _export(page: Page) -> None:
    await page.get_by_test_id("export").click()


async def _settings(page: Page) -> None:
    await page.get_by_test_id("settings").click()


async def _token(page: Page) -> None:
    await page.get_by_test_id("refresh-all").click()
    await expect(page.get_by_test_id("token-dialog")).to_be_visible()


DIALOGS: dict[str, Opening] = {
    "explain": _value,
    "explain-total": _total,
    "partial": _partial,
    "export": _export,
    "settings": _settings,
    "token": _token,
}


async def fits(page: Page, name: str) -> None:
    await expect(page.get_by_test_id(f"{name}-dialog")).to_be_visible()
    assert await page.evaluate(OUT_OF_DIALOG) == [], name


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_nothing_stands_out_of_a_dialog(scene: Scene, open_page, width: int, language: Language) -> None:
    page = await open_page(scene.url, language=language, width=width, height=800, statuses=REFUSED)
    await shown(page)
    for name, opened in DIALOGS.items():
        await opened(page)
        await fits(page, name)
        await page.keyboard.press("Escape")
        await expect(page.locator(".modal")).to_have_count(0)


@pytest.mark.parametrize("width", [320, 360])
async def test_nothing_stands_out_of_the_dialog_on_refreshing(stage: Stage, open_page, width: int) -> None:
    off = await no_admin_token(stage)
    page = await open_page(off.url, width=width, height=800, statuses=frozenset({401, 403, 503}))
    await page.get_by_test_id("refresh-all").click()
    await fits(page, "off")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_choices_side_by_side_look_the_same_and_stand_the_same(
    scene: Scene, open_page, language: Language
) -> None:
    page = await open_page(scene.url, language=language)
    await shown(page)
    looks = """(selector) => {
      const {boxShadow, backgroundColor, fontWeight, outlineStyle} =
        getComputedStyle(document.querySelector(`${selector} [data-selected]`));
      return {boxShadow, backgroundColor, fontWeight, outlineStyle};
    }"""
    currency = await page.evaluate(looks, ".total .segments")
    assert await page.evaluate(looks, ".allocation .segments") == currency
    assert currency["outlineStyle"] == "none", "a ring is for the focus"
    title = await page.locator(".allocation h2").bounding_box()
    choice = await page.locator(".allocation .segments").bounding_box()
    assert title is not None
    assert choice is not None
    assert choice["y"] >= title["y"] + title["height"], "on a line of its own, in either language"
