"""Values in another currency: conversions of one number, the same wherever it stands."""

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.chromium import Language
from tests.browser.stage import Stage
from tests.browser.states import Scene, demo
from tests.browser.texts import LANGUAGES, said

SYMBOLS = {"USD": "$", "TRY": "₺", "EUR": "€", "BTC": "₿"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await demo(shared_stage)


@pytest.mark.parametrize("currency", ["USD", "TRY", "EUR", "BTC"])
async def test_an_asset_has_one_value_wherever_it_stands(scene: Scene, open_page, currency: str) -> None:
    """Also what is that currency already: else rows would not add up to the total, nor agree with what explains them."""
    page = await open_page(scene.url)
    await page.get_by_test_id(f"currency-{currency}").click()
    value = page.get_by_test_id("row-BTC").locator(".column-value")
    await expect(value).to_contain_text(SYMBOLS[currency])
    shown = await value.inner_text()
    ring = page.locator(".allocation-table tr", has=page.get_by_text("BTC", exact=True))
    await expect(ring.locator("td").first).to_have_text(shown)
    await value.get_by_role("button").click()
    await expect(page.get_by_test_id("explain-value")).to_have_text(shown)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_change_is_in_dollars_and_says_so(scene: Scene, open_page, language: Language) -> None:
    """By a rate of now the value of a day ago would be another one, and its change might have the other sign."""
    page = await open_page(scene.url, language=language)
    note = page.locator(".total-note", has=page.get_by_test_id("total-change"))
    in_dollars = await page.get_by_test_id("total-change").inner_text()
    assert "$" in in_dollars
    await page.get_by_test_id("currency-BTC").click()
    await expect(page.get_by_test_id("total")).to_contain_text("₿")
    await expect(page.get_by_test_id("total-change")).to_have_text(in_dollars)
    await expect(note).to_contain_text(said(language, "total.changeUsd"))
    await expect(page.locator("th.column-change")).to_contain_text(said(language, "table.changeUsd"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_mark_says_what_it_means_without_a_mouse(scene: Scene, open_page, language: Language) -> None:
    page = await open_page(scene.url, language=language, width=390, height=844)
    mark = page.get_by_test_id("row-ETHW").get_by_role("button", name=said(language, "table.unpriced"), exact=True)
    await mark.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("row-ETHW")).to_contain_text(said(language, "table.unpricedHint"))
