"""The number people come for is the API's own, in every currency and language."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.chromium import Language
from tests.browser.stage import Stage
from tests.browser.states import Scene, settled_demo
from tests.browser.texts import LANGUAGES, number

CENT, SATOSHI = Decimal("0.01"), Decimal("0.00000001")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await settled_demo(shared_stage)


def expected(document: dict[str, Any], currency: str) -> Decimal:
    """By the API's exact total and its rate, without the page's help."""
    usd = Decimal(document["totals"]["totalUsdExact"])
    rates = {rate["currency"]: Decimal(rate["perUsd"]) for rate in document["rates"]}
    value = usd if currency == "USD" else usd * rates[currency]
    return value.quantize(SATOSHI if currency == "BTC" else CENT, rounding=ROUND_HALF_EVEN)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_total_is_the_apis_in_every_currency(scene: Scene, open_page, language: Language) -> None:
    page = await open_page(scene.url, language=language)
    total = page.get_by_test_id("total")
    for currency in ("USD", "TRY", "EUR", "BTC"):
        await page.get_by_test_id(f"currency-{currency}").click()
        symbol = {"USD": "$", "TRY": "₺", "EUR": "€", "BTC": "₿"}[currency]
        await expect(total).to_contain_text(symbol)
        assert number(language, await total.inner_text()) == expected(scene.document, currency)


async def test_a_currency_is_remembered_and_changes_no_stored_value(scene: Scene, stage: Stage, open_page) -> None:
    page = await open_page(scene.url)
    await page.get_by_test_id("currency-TRY").click()
    await expect(page.get_by_test_id("total")).to_contain_text("₺")
    await expect(page.get_by_test_id("rate")).to_be_visible()
    await page.reload()
    await expect(page.get_by_test_id("total")).to_contain_text("₺")
    assert scene.system is not None
    assert (await scene.system.get())["totals"]["totalUsdExact"] == scene.document["totals"]["totalUsdExact"]


async def test_a_missing_rate_shows_a_dash_and_never_zero(stage: Stage, open_page) -> None:
    system = await stage.start()
    await stage.until(system.url, lambda said: len(said["rates"]) == 3)
    proxy = await stage.proxy(system.url, lambda said: {**said, "rates": []})
    page = await open_page(proxy.url)
    await page.get_by_test_id("currency-EUR").click()
    await expect(page.get_by_test_id("total")).to_have_text("–")
    await expect(page.get_by_test_id("rate")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_row_is_the_apis_own_sum(scene: Scene, open_page, language: Language) -> None:
    page = await open_page(scene.url, language=language)
    await expect(page.get_by_test_id("total")).to_be_visible()
    for entry in scene.document["totals"]["byAsset"]:
        row = page.get_by_test_id(f"row-{entry['asset']}")
        value = row.locator(".column-value").first
        if entry["valueUsd"] is None:
            await expect(value).not_to_contain_text("$")
        elif (rounded := Decimal(entry["valueUsd"]).quantize(CENT, rounding=ROUND_HALF_EVEN)) > 0:
            assert number(language, await value.inner_text()) == rounded
        else:
            await expect(value).to_contain_text("<")
