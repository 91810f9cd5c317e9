"""What a value is made of: of the very place that was clicked, and in plain words where it cannot be had."""

from decimal import Decimal

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import Language
from tests.browser.stage import Stage
from tests.browser.states import Scene, accounts, demo
from tests.browser.texts import LANGUAGES, number, said

EXPLAIN = "/api/portfolio/explain"
TITLES = {"binance": "Binance", "btcturk": "BTCTurk"}
WHY = {
    401: "whyUnauthorised",
    403: "whyRefused",
    404: "whyNotFound",
    429: "whyTooMany",
    500: "whyServer",
    503: "whyServer",
}
LOST_MS = 60_000
"""Longer than the page waits for an answer."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def several(shared_stage: Stage) -> Scene:
    """BTC lies at two exchanges, in two accounts of one of them, and in two wallets of one account."""
    return await accounts(shared_stage)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def usual(shared_stage: Stage) -> Scene:
    return await demo(shared_stage)


def place(language: Language, exchange: str, account: str, wallet: str) -> str:
    """Of exchanges with several accounts: each has its label."""
    return " · ".join([TITLES[exchange], account, said(language, f"wallet.{wallet}")])


async def asked(page: Page, asset: str = "BTC") -> Locator:
    """The dialog about an asset's value."""
    await page.get_by_test_id(f"row-{asset}").locator(".column-value .explain").click()
    dialog = page.get_by_test_id("explain-dialog")
    await expect(dialog).to_be_visible()
    return dialog


async def has_focus_within(dialog: Locator) -> None:
    """Of the dialog itself or of something in it."""
    await expect(dialog.page.locator("[role=dialog]:focus, [role=dialog] :focus")).to_have_count(1)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tab", ["all", "binance/savings"])
async def test_a_value_of_an_opened_row_explains_that_very_place(
    several: Scene, open_page, language: Language, tab: str
) -> None:
    held = [
        (place(language, one["exchange"], one["account"], row["wallet"]), Decimal(row["total"]))
        for one in several.document["accounts"]
        for row in one["balances"]
        if row["asset"] == "BTC" and tab in {"all", f"{one['exchange']}/{one['account']}"}
    ]
    assert len(held) == {"all": 4, "binance/savings": 1}[tab]
    page = await open_page(several.url, language=language)
    await page.get_by_test_id(f"tab-{tab}").click()
    await page.get_by_test_id("row-BTC").locator(".expander").click()
    lines = page.get_by_test_id("row-BTC").locator(".breakdown tbody tr")
    await expect(lines).to_have_count(len(held))
    dialog = page.get_by_test_id("explain-dialog")
    for where, amount in held:
        value = lines.filter(has=page.get_by_text(where, exact=True)).locator(".explain")
        await value.click()
        await expect(dialog.get_by_role("heading").first).to_contain_text(where)
        await expect(dialog.get_by_test_id("explain-total")).to_be_visible()
        assert number(language, await dialog.get_by_test_id("explain-total").inner_text()) == amount
        sources = dialog.locator("table").first.locator("tbody th")
        await expect(sources).to_have_text([where])
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await expect(value).to_be_focused()


async def test_the_value_of_a_row_explains_all_of_the_tab(several: Scene, open_page) -> None:
    page = await open_page(several.url)
    for tab, count in (("all", 4), ("binance", 3), ("binance/main", 2), ("binance/savings", 1), ("btcturk", 1)):
        await page.get_by_test_id(f"tab-{tab}").click()
        dialog = await asked(page)
        await expect(dialog.locator("table").first.locator("tbody tr")).to_have_count(count)
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_cannot_be_explained_is_said_and_can_be_asked_again(
    usual: Scene, stage: Stage, open_page, axe, language: Language
) -> None:
    proxy = await stage.proxy(usual.url)
    page = await open_page(proxy.url, language=language, statuses=frozenset(WHY))
    await expect(page.get_by_test_id("total")).to_be_visible()
    proxy.answers = {EXPLAIN: next(iter(WHY))}
    dialog = await asked(page)
    alert = dialog.get_by_role("alert")
    again = dialog.get_by_role("button", name=said(language, "explain.retry"))
    for status, why in WHY.items():
        if proxy.answers != {EXPLAIN: status}:
            proxy.answers = {EXPLAIN: status}
            await again.press("Enter")
        await expect(alert.locator('[lang="en"]')).to_have_text(f"said with {status}")
        await expect(alert).to_contain_text(said(language, "explain.failed", why=said(language, f"explain.{why}")))
        await expect(dialog.get_by_test_id("explain-total")).to_have_count(0)
    await axe(page)
    proxy.answers = {}
    await again.press("Enter")
    await expect(dialog.get_by_test_id("explain-total")).to_be_visible()
    await expect(alert).to_have_count(0)
    await has_focus_within(dialog)
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_test_id("row-BTC").locator(".column-value .explain")).to_be_focused()


async def test_what_nobody_holds_any_more_is_said_by_the_api_itself(usual: Scene, stage: Stage, open_page) -> None:
    def renamed(document):
        gone = [
            {**one, "balances": [{**row, "asset": row["asset"].replace("AVAX", "GONE")} for row in one["balances"]]}
            for one in document["accounts"]
        ]
        return {**document, "accounts": gone}

    proxy = await stage.proxy(usual.url, renamed)
    page = await open_page(proxy.url, statuses=frozenset({404}))
    dialog = await asked(page, "GONE")
    await expect(dialog.get_by_role("alert")).to_contain_text(said("en", "explain.whyNotFound"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_server_that_goes_while_it_is_asked_is_said_to_be_gone(
    stage: Stage, open_page, language: Language
) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    page = await open_page(scene.url, language=language, network_may_fail=True)
    await expect(page.get_by_test_id("total")).to_be_visible()
    await scene.system.stop()
    dialog = await asked(page)
    why = said(language, "explain.whyNetwork")
    await expect(dialog.get_by_role("alert")).to_contain_text(said(language, "explain.failed", why=why))
    await scene.system.restart()
    again = dialog.get_by_role("button", name=said(language, "explain.retry"))
    await scene.system.until(lambda document: bool(document["accounts"]))
    await again.click()
    await expect(dialog.get_by_test_id("explain-total")).to_be_visible()


async def test_an_explanation_on_the_page_stays_when_the_server_goes(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    page = await open_page(scene.url, network_may_fail=True)
    dialog = await asked(page)
    await expect(dialog.get_by_test_id("explain-total")).to_be_visible()
    amount = await dialog.get_by_test_id("explain-total").inner_text()
    await scene.system.stop()
    await expect(page.get_by_test_id("banner-lost")).to_be_attached()
    await expect(dialog.get_by_test_id("explain-total")).to_have_text(amount)
    await expect(dialog.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_answer_that_does_not_come_is_not_waited_for_for_ever(
    usual: Scene, stage: Stage, open_window, language: Language
) -> None:
    proxy = await stage.proxy(usual.url)
    window = await open_window(proxy.url, network_may_fail=True, visit=False)
    page = window.page
    await page.clock.install()
    await page.goto(f"{proxy.url}/portfolio?lang={language}")
    await expect(page.get_by_test_id("total")).to_be_visible()
    proxy.stall()
    async with page.expect_request(lambda request: EXPLAIN in request.url):
        dialog = await asked(page)
    await expect(dialog).to_contain_text(said(language, "explain.loading"))
    await page.clock.run_for(LOST_MS)
    why = said(language, "explain.whyTimeout")
    await expect(dialog.get_by_role("alert")).to_contain_text(said(language, "explain.failed", why=why))
