"""Values in another currency: what is that currency already is not converted there and back."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.chromium import Language
from tests.browser.stage import Stage
from tests.browser.states import Scene, demo
from tests.browser.texts import LANGUAGES, number, said


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await demo(shared_stage)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_lira_is_a_lira(scene: Scene, open_page, language: Language) -> None:
    page = await open_page(scene.url, language=language)
    await page.get_by_test_id("currency-TRY").click()
    row = page.get_by_test_id("row-TRY")
    held = next(entry for entry in scene.document["totals"]["byAsset"] if entry["asset"] == "TRY")
    amount = Decimal(held["total"]).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    await expect(row.locator(".column-value")).to_contain_text("₺")
    assert number(language, await row.locator(".column-value").inner_text()) == amount
    assert number(language, await row.locator(".column-price .explain").inner_text()) == 1
    await expect(page.locator("th.column-change")).to_contain_text(said(language, "table.changeUsd"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_mark_says_what_it_means_without_a_mouse(scene: Scene, open_page, language: Language) -> None:
    page = await open_page(scene.url, language=language, width=390, height=844)
    mark = page.get_by_test_id("row-ETHW").get_by_role("button", name=said(language, "table.unpriced"), exact=True)
    await mark.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("row-ETHW")).to_contain_text(said(language, "table.unpricedHint"))
