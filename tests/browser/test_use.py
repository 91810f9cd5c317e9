"""What people do with the page: by keyboard and pointer, in both languages, without anything jumping about."""

import csv
import io
import re
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from simulator import Fault, Simulator
from tests.browser.chromium import Language
from tests.browser.stage import Stage
from tests.browser.states import Scene, accounts, demo, hostile_names, settled_demo
from tests.browser.states.scene import usual
from tests.browser.texts import LANGUAGES, amount, number, said
from tests.flow.test_truth import priced

MASK = "••••••"
DIGITS = re.compile(r"[0-9]")

WATCH_SHIFTS = """
globalThis.__jumps = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    for (const {previousRect: before, currentRect: after, node} of entry.sources) {
      // A number with a digit more grows out of its column's right edge: that is no jump.
      const moved = before.top !== after.top || (before.left !== after.left && before.right !== after.right);
      if (moved) globalThis.__jumps.push((node?.textContent ?? "") + JSON.stringify([before, after]));
    }
  }
}).observe({type: "layout-shift", buffered: true});
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await settled_demo(shared_stage)


async def shown(page: Page) -> None:
    await expect(page.get_by_test_id("asset-table")).to_be_visible()


async def names(page: Page) -> list[str]:
    return await page.locator("[data-testid=asset-table] .asset-code").all_inner_texts()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_tabs_go_by_arrow_keys_and_each_has_its_own_total(scene: Scene, open_page, language: Language) -> None:
    page = await open_page(scene.url, language=language)
    await shown(page)
    await page.get_by_test_id("tab-all").focus()
    for total in scene.document["totals"]["byExchange"]:
        await page.keyboard.press("ArrowRight")
        await expect(page.get_by_test_id(f"tab-{total['name']}")).to_be_focused()
        await expect(page.get_by_test_id(f"tab-{total['name']}")).to_have_attribute("aria-selected", "true")
        exact = Decimal(total["totalUsdExact"]).quantize(Decimal("0.01"))
        await expect(page.get_by_test_id("total")).to_have_text(amount(language, exact))


async def test_every_column_sorts_and_says_so(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    await shown(page)
    heads = page.locator("[data-testid=asset-table] thead th")
    value = heads.filter(has_text="Value")
    await expect(value).to_have_attribute("aria-sort", "descending")
    asset = heads.filter(has_text="Asset")
    await asset.get_by_role("button").click()
    await expect(asset).to_have_attribute("aria-sort", "ascending")
    await expect(value).to_have_attribute("aria-sort", "none")
    there = await names(page)
    assert there == sorted(there)
    await asset.get_by_role("button").press("Enter")
    assert await names(page) == sorted(there, reverse=True)
    await page.reload()
    await shown(page)
    assert await names(page) == sorted(there, reverse=True), "the order is remembered"
    orders = {}
    for column in ("Available", "Locked", "Amount", "Price", "24 h", "Value", "Share"):
        await asset.get_by_role("button").click()
        button = heads.filter(has_text=column).get_by_role("button")
        await button.click()
        one = await names(page)
        await button.click()
        other = await names(page)
        assert sorted(one) == sorted(other) == there, column
        assert one != other, column
        orders[column] = (one, other)
    share = heads.filter(has_text="Share")
    await expect(share).to_have_attribute("aria-sort", "ascending")
    await expect(value).to_have_attribute("aria-sort", "none")
    assert orders["Share"] == orders["Value"], "shares are of one sum"
    assert len({str(order) for order in orders.values()}) > len(orders) // 2, "each by its own numbers"


@pytest.mark.parametrize("typed", ["bıtcoın", "BİTCOİN", "Bitcoin", "btc"])
async def test_a_search_does_not_mind_dots(scene: Scene, open_page, typed: str) -> None:
    page = await open_page(scene.url, language="tr")
    await shown(page)
    await page.keyboard.press("/")
    await expect(page.get_by_test_id("search")).to_be_focused()
    await page.keyboard.type(typed)
    await expect(page.get_by_test_id("row-ETH")).to_have_count(0)
    assert "BTC" in await names(page)
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("row-ETH")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_small_holdings_hide_are_counted_and_stay_in_the_total(
    scene: Scene, open_page, language: Language
) -> None:
    page = await open_page(scene.url, language=language)
    await shown(page)
    before = await page.get_by_test_id("total").inner_text()
    await expect(page.get_by_test_id("row-DOGE")).to_be_visible()
    await page.get_by_test_id("hide-small").click()
    await expect(page.get_by_test_id("row-DOGE")).to_have_count(0)
    await expect(page.get_by_test_id("row-ETHW")).to_be_visible()
    await expect(page.get_by_test_id("hidden-small")).to_contain_text("1")
    assert await page.get_by_test_id("total").inner_text() == before


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_is_marked_is_counted(scene: Scene, open_page, language: Language) -> None:
    page = await open_page(scene.url, language=language)
    unpriced = {entry["asset"] for entry in scene.document["totals"]["unpriced"]}
    await expect(page.get_by_test_id("count-unpriced")).to_contain_text(str(len(unpriced)))
    word = {"tr": "fiyatı yok", "en": "without a price"}[language]
    await expect(page.get_by_test_id("count-unpriced")).to_contain_text(word)


async def test_the_eye_hides_every_amount_and_leaves_percentages(scene: Scene, open_page, axe) -> None:
    page = await open_page(scene.url)
    await shown(page)
    await expect(page).to_have_title(DIGITS)
    await page.get_by_test_id("privacy").click()
    await expect(page.get_by_test_id("total")).to_have_text(MASK)
    await expect(page.get_by_test_id("second")).to_contain_text(MASK)
    row = page.get_by_test_id("row-BTC")
    for column in ("free", "locked", "total", "value"):
        await expect(row.locator(f".column-{column}")).to_have_text(MASK)
        assert not DIGITS.search(await row.locator(f".column-{column}").first.get_attribute("title") or "")
    await expect(row.locator(".column-share")).to_contain_text("%")
    await expect(page).not_to_have_title(DIGITS)
    await expect(page.get_by_test_id("total-change")).to_contain_text(MASK)
    await expect(page.get_by_test_id("allocation")).not_to_contain_text("$")
    await row.locator(".expander").click()
    assert not re.search(r"0\.[0-9]{3}", await row.locator(".breakdown").inner_text())
    await row.locator(".explain").first.click()
    await expect(page.get_by_test_id("explain-total")).to_have_text(MASK)
    await axe(page)
    await page.keyboard.press("Escape")
    await page.locator(".total-value").click()
    dialog = page.get_by_test_id("explain-total-dialog")
    await expect(dialog.get_by_test_id("total-exact")).to_have_text(MASK)
    for sum_of in await dialog.locator("table").first.locator("td").all_inner_texts():
        assert sum_of == MASK
    for left_out in await dialog.locator("li bdi").all_inner_texts():
        assert left_out.startswith(MASK)
    await page.keyboard.press("Escape")
    await page.get_by_test_id("total-partial").click()
    await expect(page.get_by_test_id("reasons")).to_be_visible()
    assert not DIGITS.search(await page.get_by_test_id("reasons").inner_text())
    await page.keyboard.press("Escape")
    await page.get_by_test_id("export").click()
    preview = page.get_by_test_id("export-preview")
    head, *lines = csv.reader(io.StringIO(await preview.inner_text()))
    for line in filter(None, lines):
        for column in ("free", "locked", "total", "value"):
            assert line[head.index(said("en", f"export.column_{column}"))] in {MASK, ""}
    await page.keyboard.press("Escape")
    await page.reload()
    await expect(page.get_by_test_id("total")).to_have_text(MASK)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_value_explains_itself_with_the_apis_own_parts(
    scene: Scene, open_page, axe, language: Language
) -> None:
    assert scene.system is not None
    page = await open_page(scene.url, language=language)
    await page.get_by_test_id("row-BTC").locator(".column-value .explain").click()
    dialog = page.get_by_test_id("explain-dialog")
    api = await scene.system.get("/api/portfolio/explain", asset="BTC")
    exact = dialog.get_by_test_id("explain-total")
    await expect(exact).to_be_visible()
    assert number(language, await exact.inner_text()) == Decimal(api["total"])
    for balance in api["balances"]:
        epoch = balance["version"].split("-")[0]
        await expect(dialog).to_contain_text(epoch)
    await expect(dialog).to_contain_text("USD_PEGS")
    await axe(page)
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_test_id("row-BTC").locator(".column-value .explain")).to_be_focused()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_total_explains_itself(scene: Scene, open_page, axe, language: Language) -> None:
    page = await open_page(scene.url, language=language)
    await page.locator(".total-value").click()
    dialog = page.get_by_test_id("explain-total-dialog")
    await expect(dialog).to_contain_text(said(language, "explain.byWallet"))
    for entry in scene.document["totals"]["unpriced"]:
        await expect(dialog).to_contain_text(entry["asset"])
    await axe(page)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_badge_says_why_the_total_is_partial(scene: Scene, open_page, axe, language: Language) -> None:
    page = await open_page(scene.url, language=language)
    badge = page.get_by_test_id("total-partial")
    await expect(badge).to_contain_text(said(language, "total.partial"))
    await badge.click()
    await expect(page.get_by_test_id("reasons")).to_contain_text("ETHW")
    await axe(page)


@pytest.mark.parametrize(("language", "separator", "mark"), [("tr", ";", ","), ("en", ",", ".")])
async def test_the_file_has_what_the_table_shows_as_the_languages_spreadsheet_reads_it(
    scene: Scene, open_page, axe, language: Language, separator: str, mark: str
) -> None:
    page = await open_page(scene.url, language=language)
    await shown(page)
    there = await names(page)
    await page.get_by_test_id("export").click()
    await expect(page.get_by_test_id("export-preview")).to_contain_text("BTC")
    await axe(page)
    async with page.expect_download() as saving:
        await page.get_by_test_id("download").click()
    saved = await saving.value
    assert re.fullmatch(r"portfolio-main-[A-Za-z0-9_-]+-\d{4}-\d\d-\d\d\.csv", saved.suggested_filename)
    raw = (await saved.path()).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf"), "Excel needs it to know UTF-8"
    head, *lines = csv.reader(io.StringIO(raw.decode("utf-8-sig")), delimiter=separator)
    assert [line[0] for line in lines] == there
    values = {line[0]: line[head.index(said(language, "export.column_value"))] for line in lines}
    by_asset = {entry["asset"]: entry["valueUsd"] for entry in scene.document["totals"]["byAsset"]}
    assert Decimal(values["BTC"].replace(mark, ".")) == Decimal(by_asset["BTC"])
    assert values["ETHW"] == "", "unknown is not zero"


async def test_the_file_has_the_very_rows_that_a_search_has_found(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    await shown(page)
    await page.get_by_test_id("tab-binance").click()
    await page.get_by_test_id("search").fill("bitcoin")
    await expect(page.get_by_test_id("row-ETH")).to_have_count(0)
    there = await names(page)
    await page.get_by_test_id("export").click()
    async with page.expect_download() as saving:
        await page.get_by_test_id("download").click()
    saved = await saving.value
    assert saved.suggested_filename.startswith("portfolio-main-binance-2")
    text = (await saved.path()).read_text(encoding="utf-8-sig")
    assert [line[0] for line in csv.reader(io.StringIO(text))][1:] == there


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_total_of_a_tab_explains_its_own_number(scene: Scene, open_page, language: Language) -> None:
    page = await open_page(scene.url, language=language)
    for total in scene.document["totals"]["byExchange"]:
        await page.get_by_test_id(f"tab-{total['name']}").click()
        await expect(page.get_by_test_id(f"tab-{total['name']}")).to_have_attribute("aria-selected", "true")
        await page.locator(".total-value").click()
        dialog = page.get_by_test_id("explain-total-dialog")
        exact = await dialog.get_by_test_id("total-exact").inner_text()
        assert number(language, exact) == Decimal(total["totalUsdExact"])
        title = {"binance": "Binance", "btcturk": "BTCTurk"}[total["name"]]
        await expect(dialog.get_by_role("heading").first).to_contain_text(title)
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)


async def test_a_tab_bears_no_badge_of_another_exchange(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    reasons = scene.document["totals"]["reasons"]
    for name in ("binance", "btcturk"):
        own = [one for one in reasons if one["exchange"] in {None, name}]
        await page.get_by_test_id(f"tab-{name}").click()
        await expect(page.get_by_test_id("total-partial")).to_have_count(1 if own else 0)


async def test_an_exchange_that_was_never_read_is_not_called_empty(scene: Scene, stage: Stage, open_page) -> None:
    proxy = await stage.proxy(
        scene.url,
        lambda said: {**said, "accounts": [one for one in said["accounts"] if one["exchange"] != "btcturk"]},
    )
    page = await open_page(proxy.url)
    await page.get_by_test_id("tab-btcturk").click()
    await expect(page.get_by_test_id("empty-unread")).to_have_text(said("en", "table.notRead"))
    await expect(page.locator(".allocation-ring-total strong")).to_have_text("–")


async def test_no_cell_of_the_file_is_a_formula(stage: Stage, open_page) -> None:
    hostile = await hostile_names(stage)
    page = await open_page(hostile.url)
    await shown(page)
    await page.get_by_test_id("export").click()
    async with page.expect_download() as saving:
        await page.get_by_test_id("download").click()
    text = (await (await saving.value).path()).read_text(encoding="utf-8-sig")
    cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
    assert any("cmd" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "@", "+")) or (cell.startswith("-") and "cmd" in cell)]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_language_and_theme_are_chosen_and_kept(scene: Scene, open_page, axe, language: Language) -> None:
    page = await open_page(scene.url, language=language)
    other: Language = "en" if language == "tr" else "tr"
    await page.get_by_test_id("settings").click()
    await axe(page)
    await page.get_by_text({"tr": "Türkçe", "en": "English"}[other]).click()
    await expect(page.locator("html")).to_have_attribute("lang", other)
    await page.get_by_text(said(other, "app.themeDark")).click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("lang", other)
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page.get_by_test_id("tab-all")).to_have_text(said(other, "tabs.all"))


async def test_a_browser_of_another_language_is_shown_english(scene: Scene, open_page) -> None:
    page = await open_page(scene.url, language=None, locale="de-DE")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    page = await open_page(scene.url, language=None, locale="tr-TR")
    await expect(page.locator("html")).to_have_attribute("lang", "tr")


async def test_accounts_and_portfolios_can_be_chosen(stage: Stage, open_page) -> None:
    several = await accounts(stage)
    page = await open_page(several.url)
    await page.get_by_test_id("tab-binance/savings").click()
    await expect(page.get_by_test_id("tab-binance/savings")).to_have_attribute("aria-selected", "true")
    await expect(page.get_by_test_id("source-binance-savings")).to_be_visible()
    await expect(page.get_by_test_id("source-binance-main")).to_have_count(0)
    await page.get_by_label(said("en", "app.portfolio")).select_option("family")
    await expect(page.get_by_test_id("source-binance-family")).to_be_visible()


async def test_ticks_move_nothing_and_are_not_read_out(stage: Stage, open_window) -> None:
    moving = await demo(stage)
    assert moving.system is not None
    await moving.system.settled(priced)
    window = await open_window(moving.url, visit=False)
    await window.page.add_init_script(WATCH_SHIFTS)
    page = window.page
    await page.goto(moving.url + "/portfolio")
    await shown(page)
    await expect(page.locator("[data-testid=allocation] svg")).to_be_visible()
    await page.evaluate("() => { globalThis.__jumps.length = 0; }")
    for price in ("81234.5", "98765.4", "70000.1", "84321"):
        moving.system.sim.set_price("binance", "BTCUSDT", last=price)
        whole = re.compile(re.escape(f"{int(Decimal(price)):,}"))
        await expect(page.get_by_test_id("row-BTC").locator(".column-price")).to_contain_text(whole)
    assert await page.evaluate("() => globalThis.__jumps") == []
    await expect(page.get_by_test_id("announcer")).to_be_empty()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_source_that_begins_to_fail_is_named_on_top_and_read_out(
    stage: Stage, open_page, language: Language
) -> None:
    failing = await demo(stage)
    assert failing.system is not None
    page = await open_page(failing.url, language=language)
    await shown(page)
    await expect(page.get_by_test_id("trouble-btcturk-main")).to_have_count(0)
    failing.system.sim.inject(Fault("btcturk", "status", path="/api/v1/users/balances", status=500))
    why = said(language, "cause.trouble")
    await expect(page.get_by_test_id("trouble-btcturk-main")).to_contain_text(why)
    await expect(page.get_by_test_id("trouble-btcturk-main")).to_contain_text(said(language, "causeDo.trouble"))
    await expect(page.get_by_test_id("announcer")).to_contain_text(why)
    await expect(page.get_by_test_id("trouble-binance-main")).to_have_count(0)


async def standing_out(page: Page) -> list[str]:
    """What is wider than the window, or stands out of its card, with a row opened and the widest currency."""
    await shown(page)
    await page.get_by_test_id("currency-TRY").click()
    await page.get_by_test_id("row-BTC").locator(".expander").click()
    sizes = await page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert sizes[0] <= sizes[1]
    return await page.evaluate(
        """() => [...document.querySelectorAll(".card td, .card th, .total *")].filter((cell) => {
            const box = cell.closest(".card, .total").getBoundingClientRect();
            const own = cell.getBoundingClientRect();
            return own.width > 0 && (own.right > box.right + 1 || own.left < box.left - 1) && !cell.closest(".breakdown");
        }).map((cell) => cell.textContent)"""
    )


@pytest.mark.parametrize("width", [320, 360, 768, 1280, 3840])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_nothing_stands_out_of_the_window(scene: Scene, open_page, width: int, language: Language) -> None:
    assert await standing_out(await open_page(scene.url, language=language, width=width, height=800)) == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rich(shared_stage: Stage) -> Scene:
    """One row alone is worth more than a hundred million liras."""

    def enrich(sim: Simulator) -> None:
        sim.set_balance("binance", "main", "spot", "BTC", free="123456.78901234", locked="0")

    return await usual(await shared_stage.start(before=enrich))


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_large_sums_do_not_stand_out_either(rich: Scene, open_page, width: int, language: Language) -> None:
    assert await standing_out(await open_page(rich.url, language=language, width=width, height=800)) == []


async def test_a_tab_that_vanished_is_not_jumped_back_to(stage: Stage, open_page) -> None:
    moving = await demo(stage)
    assert moving.system is not None
    gone: set[str] = set()

    def without(said: dict[str, Any]) -> dict[str, Any]:
        parts = {name: [one for one in said[name] if one["exchange"] not in gone] for name in ("accounts", "sources")}
        return {**said, **parts}

    proxy = await stage.proxy(moving.url, without)
    page = await open_page(proxy.url)
    await page.get_by_test_id("tab-btcturk").click()
    gone.add("btcturk")
    moving.system.sim.set_price("binance", "BTCUSDT", last="81234.5")
    await expect(page.get_by_test_id("tab-btcturk")).to_have_count(0)
    await expect(page.get_by_test_id("tab-all")).to_have_attribute("aria-selected", "true")
    gone.clear()
    moving.system.sim.set_price("binance", "BTCUSDT", last="70000.1")
    await expect(page.get_by_test_id("tab-btcturk")).to_be_visible()
    await expect(page.get_by_test_id("tab-all")).to_have_attribute("aria-selected", "true")


async def test_it_can_be_used_without_a_pointer(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    await shown(page)
    await page.keyboard.press("Tab")
    await expect(page.get_by_text(said("en", "app.skip"))).to_be_focused()
    reached = set()
    for _ in range(60):
        await page.keyboard.press("Tab")
        reached.add(
            await page.evaluate("() => document.activeElement.dataset.testid ?? document.activeElement.className")
        )
        visible = await page.evaluate(
            "() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' || "
            "document.activeElement.matches('input[type=checkbox], input[type=radio]'); }"
        )
        assert visible, f"the focus is not seen on {await page.evaluate('() => document.activeElement.outerHTML')}"
    assert {"privacy", "settings", "tab-all", "search", "export", "refresh-all"} <= reached
    assert any("expander" in one for one in reached)
    assert any("explain" in one for one in reached)
