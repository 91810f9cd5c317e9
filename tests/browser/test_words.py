"""What is said is so, and no number is longer than people read."""

import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.chromium import Language
from tests.browser.stage import Stage
from tests.browser.states import Scene, demo, settled_demo
from tests.browser.states.usual import accounts
from tests.browser.texts import LANGUAGES, said

DECIMALS = re.compile(r"[.,](\d+)$")
SHOWN_DECIMALS_MAX = 8
"""Prices of the demo's size have no more; what was divided has eighteen."""
REFUSED = frozenset({401})
"""A refresh without its token."""
POLLING_MS = 30_000
"""Three streams are tried before states are asked for."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await settled_demo(shared_stage)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_price_that_was_divided_is_short_and_its_title_exact(
    scene: Scene, open_page, language: Language
) -> None:
    assert scene.system is not None
    api = await scene.system.get("/api/portfolio/explain", asset="TRY")
    assert any(len(price["priceUsd"]) > 2 * SHOWN_DECIMALS_MAX for price in api["prices"]), "nothing was divided"
    page = await open_page(scene.url, language=language)
    await page.get_by_test_id("row-TRY").locator(".column-value .explain").click()
    prices = page.get_by_test_id("explain-dialog").get_by_role("group").nth(1)
    numbers = prices.locator("td.number")
    await expect(numbers.first).to_be_visible()
    point = {"en": ".", "tr": ","}[language]
    titles = [(await cell.get_attribute("title") or "").replace(point, ".") for cell in await numbers.all()]
    assert {f"{price['priceUsd']} USD" for price in api["prices"]} <= set(titles)
    for text in await numbers.all_inner_texts():
        decimals = DECIMALS.search(text)
        assert decimals is not None, text
        assert len(decimals[1]) <= SHOWN_DECIMALS_MAX, text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_ring_says_whose_sum_it_shows(scene: Scene, open_page, language: Language) -> None:
    page = await open_page(scene.url, language=language)
    centre = page.locator(".allocation-ring-total span")
    await expect(centre).to_have_text(said(language, "total.label"))
    await page.get_by_role("tab", name="BTCTurk").click()
    await expect(centre).to_have_text(said(language, "total.of").replace("{name}", "BTCTurk"))
    await expect(page.locator(".allocation-table tfoot th")).to_have_text(
        said(language, "total.of").replace("{name}", "BTCTurk")
    )


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_search_that_finds_nothing_says_that_alone(scene: Scene, open_page, language: Language) -> None:
    page = await open_page(scene.url, language=language)
    await expect(page.get_by_test_id("count-unpriced")).to_be_visible()
    await page.get_by_test_id("search").fill("zzz")
    await expect(page.get_by_test_id("nothing-found")).to_have_text(said(language, "table.nothingFound", query="zzz"))
    await expect(page.get_by_test_id("count-unpriced")).to_have_count(0)
    await expect(page.get_by_test_id("shown")).to_have_count(0)


@pytest.mark.slow
async def test_values_that_are_asked_for_are_not_announced_as_live(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    proxy = await stage.proxy(scene.url)
    page = await open_page(proxy.url, network_may_fail=True)
    connection = page.get_by_test_id("connection")
    await expect(connection).to_have_attribute("data-status", "live")
    proxy.refused = {"/api/portfolio/stream"}
    await proxy.cut()
    await expect(page.get_by_test_id("banner-lost")).to_be_visible()
    await expect(page.get_by_test_id("announcer")).to_contain_text(said("en", "connection.announceLost"))
    await proxy.mend()
    await expect(connection).to_have_attribute("data-status", "polling", timeout=POLLING_MS)
    await expect(page.get_by_test_id("announcer")).to_contain_text(said("en", "connection.announcePolling"))


async def test_an_account_of_several_is_called_by_its_label_everywhere(stage: Stage, open_page) -> None:
    several = await accounts(stage)
    page = await open_page(several.url)
    await expect(page.get_by_test_id("tab-binance")).to_have_text("Binance")
    await expect(page.get_by_test_id("tab-binance/main")).to_have_text("Binance · main")
    for label in ("main", "savings"):
        card = page.get_by_test_id(f"source-binance-{label}")
        await expect(card.get_by_role("heading").first).to_have_text(f"Binance · {label}")
        named = said("en", "refresh.one").replace("{name}", f"Binance · {label}")
        await expect(page.get_by_test_id(f"refresh-binance-{label}")).to_have_accessible_name(named)
    await page.get_by_test_id("row-BTC").locator(".expander").click()
    await expect(page.locator(".breakdown").get_by_text("Binance · main · Spot", exact=True)).to_be_visible()
    await page.locator(".total-value").click()
    sums = page.get_by_test_id("explain-total-dialog").locator("table")
    for name in ("Binance", "Binance · main", "Binance · savings"):
        await expect(sums.get_by_role("rowheader", name=name, exact=True)).to_have_count(1)


@pytest.mark.parametrize("key", ["/", "r"])
async def test_a_switch_takes_no_keys_from_the_page(scene: Scene, open_page, key: str) -> None:
    page = await open_page(scene.url, statuses=REFUSED)
    switch = page.get_by_test_id("hide-small").locator("input")
    await switch.focus()
    await page.keyboard.press(key)
    if key == "/":
        await expect(page.get_by_test_id("search")).to_be_focused()
    else:
        await expect(page.get_by_test_id("token-dialog")).to_be_visible()


async def test_a_search_that_finds_nothing_is_read_out(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    await expect(page.get_by_test_id("row-BTC")).to_be_visible()
    region = page.get_by_test_id("assets").get_by_role("status")
    await expect(region).to_be_empty()
    await page.get_by_test_id("search").fill("no such asset")
    await expect(region).to_have_text(said("en", "table.nothingFound", query="no such asset"))
