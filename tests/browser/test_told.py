"""What is read out: each new trouble once, whichever tab is open."""

import re

import pytest
from playwright.async_api import expect

from simulator import Fault
from tests.browser.chromium import Language, address
from tests.browser.stage import Stage
from tests.browser.states import demo
from tests.browser.states.failing import EARN_PATH, all_failed_from_the_start, one_wallet_failed
from tests.browser.states.old import silent
from tests.browser.states.scene import BTCTURK_PATH, priced
from tests.browser.texts import LANGUAGES, said

GOOD_MS = 16_000
"""A source that is well for so long, and a second more, has recovered."""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_trouble_of_a_tab_that_is_not_open_is_read_out(stage: Stage, open_page, language: Language) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    page = await open_page(scene.url, language=language)
    await page.get_by_test_id("tab-binance").click()
    scene.system.sim.inject(Fault("btcturk", "status", path=BTCTURK_PATH, status=500))
    await expect(page.get_by_test_id("announcer")).to_contain_text(said(language, "cause.trouble"))
    await expect(page.get_by_test_id("announcer")).to_contain_text("BTCTurk")
    await expect(page.get_by_test_id("trouble-btcturk-main")).to_have_count(0)
    await expect(page.get_by_test_id("tab-btcturk").locator(".tab-warning")).to_be_visible()


async def test_a_trouble_is_not_read_out_again_when_its_tab_is_opened(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    page = await open_page(scene.url)
    await page.get_by_test_id("tab-binance").click()
    scene.system.sim.inject(Fault("btcturk", "status", path=BTCTURK_PATH, status=500))
    announcer = page.get_by_test_id("announcer")
    await expect(announcer).to_contain_text(said("en", "cause.trouble"))
    await announcer.evaluate(
        """(one) => { globalThis.sparkRead = [];
        new MutationObserver(() => sparkRead.push(one.textContent))
          .observe(one, {childList: true, characterData: true, subtree: true}); }"""
    )
    for tab in ("btcturk", "all", "binance", "btcturk"):
        await page.get_by_test_id(f"tab-{tab}").click()
        await expect(page.get_by_test_id("trouble-btcturk-main")).to_have_count(0 if tab == "binance" else 1)
    # A second trouble is read out, and without the first.
    scene.system.sim.inject(Fault("binance", "status", path=EARN_PATH, status=500))
    await expect(announcer).to_contain_text("Binance")
    read = await page.evaluate("() => sparkRead")
    assert len(read) == 1, read
    assert "BTCTurk" not in read[0]


LISTEN = """(one) => { globalThis.sparkRead = [];
new MutationObserver(() => sparkRead.push(one.textContent))
  .observe(one, {childList: true, characterData: true, subtree: true}); }"""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_source_that_flaps_is_told_once_and_moves_nothing(
    stage: Stage, open_window, language: Language
) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    page = (await open_window(scene.url, visit=False)).page
    await page.clock.install()
    await page.goto(address(scene.url, "/portfolio", {}, language))
    await expect(page.get_by_test_id("total")).to_be_visible()
    await page.get_by_test_id("announcer").evaluate(LISTEN)
    strip = page.get_by_test_id("trouble-btcturk-main")
    warning = page.get_by_test_id("tab-btcturk").locator(".tab-warning")
    for _ in range(3):
        scene.system.sim.inject(Fault("btcturk", "status", path=BTCTURK_PATH, status=503))
        await expect(warning).to_be_visible()
        await expect(strip).to_be_visible()
        scene.system.sim.clear_faults("btcturk")
        await expect(warning).to_have_count(0)
        await expect(strip).to_be_visible()
    assert len(await page.evaluate("() => sparkRead")) == 1
    again = said(language, "sources.readAgain").replace("{name}", "BTCTurk")
    await page.clock.run_for(GOOD_MS)
    await expect(page.get_by_test_id("announcer")).to_contain_text(again)
    await expect(strip).to_have_count(0)
    assert len(await page.evaluate("() => sparkRead")) == 2


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_ban_is_said_on_top_as_other_troubles_are(stage: Stage, open_page, language: Language) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    page = await open_page(scene.url, language=language)
    await expect(page.get_by_test_id("total")).to_be_visible()
    scene.system.sim.inject(Fault("binance", "banned", retry_after=600))
    why = said(language, "cause.banned")
    await expect(page.get_by_test_id("trouble-binance-main")).to_contain_text(f"Binance: {why}")
    await expect(page.get_by_test_id("tab-binance").locator(".tab-warning")).to_be_visible()
    await expect(page.get_by_test_id("announcer")).to_contain_text(why)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_one_wallet_that_fails_is_named_and_not_its_whole_account(
    stage: Stage, open_page, language: Language
) -> None:
    scene = await one_wallet_failed(stage)
    page = await open_page(scene.url, language=language)
    wallet, why = said(language, "wallet.earn-flexible"), said(language, "cause.trouble")
    await expect(page.get_by_test_id("trouble-binance-main")).to_contain_text(f"Binance · {wallet}: {why}")
    await expect(page.get_by_test_id("error-binance-main")).to_contain_text(f"Binance · {wallet}: {why}")
    card = page.get_by_test_id("source-binance-main")
    await card.get_by_role("button", name=said(language, "sources.details")).click()
    await expect(card.get_by_role("row", name=wallet)).to_contain_text(why)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_where_no_cause_is_known_its_state_is_a_sentence(stage: Stage, open_page, language: Language) -> None:
    scene = await silent(stage)
    page = await open_page(scene.url, language=language)
    state, mend = said(language, "sources.state_silent"), said(language, "sources.do_silent")
    await expect(page.locator(".banner.trouble").first).to_contain_text(f"{state}. {mend}")


async def test_where_nothing_was_ever_read_no_values_are_said_to_be_kept(stage: Stage, open_page) -> None:
    scene = await all_failed_from_the_start(stage)
    page = await open_page(scene.url, statuses=frozenset({401}))
    await expect(page.get_by_test_id("error-binance-main")).to_contain_text(said("en", "causeDo.trouble"))
    await expect(page.get_by_text(said("en", "sources.kept"))).to_have_count(0)
    await expect(page.get_by_test_id("refresh-all")).to_be_enabled()
    await page.keyboard.press("r")
    await expect(page.get_by_test_id("token-dialog")).to_be_visible()


async def test_where_something_was_read_its_values_are_said_to_be_kept(stage: Stage, open_page) -> None:
    scene = await one_wallet_failed(stage)
    page = await open_page(scene.url)
    await expect(page.get_by_test_id("trouble-binance-main")).to_contain_text(said("en", "sources.kept"))


@pytest.mark.parametrize("control", ["total", "row", "breakdown"])
async def test_the_name_of_what_has_the_focus_does_not_tick(stage: Stage, open_page, control: str) -> None:
    """Screen readers read out every new name of the focused control; the number that is seen goes on."""
    scene = await demo(stage)
    assert scene.system is not None
    await scene.system.settled(priced)
    page = await open_page(scene.url)
    row = page.get_by_test_id("row-BTC")
    await row.locator(".expander").click()
    button = {
        "total": page.locator("button.total-value"),
        "row": row.locator("tr:not(.breakdown) > .column-value button"),
        "breakdown": row.locator(".breakdown button.explain").first,
    }[control]
    await button.focus()
    name, text = await button.get_attribute("aria-label"), await button.inner_text()
    assert name is not None
    assert text in name
    scene.system.sim.set_price("binance", "BTCUSDT", last="91234.5")
    await expect(button).not_to_have_text(text)
    assert await button.get_attribute("aria-label") == name
    # Hidden meanwhile, as from another window: what was read out before must not be told any more.
    await page.get_by_test_id("privacy").evaluate("element => element.click()")
    await expect(button).not_to_have_attribute("aria-label", re.compile(r"\d"))
    await page.get_by_test_id("privacy").evaluate("element => element.click()")
    await button.blur()
    await expect(button).to_have_attribute("aria-label", re.compile(re.escape(await button.inner_text())))
