"""Reading anew by hand: for all and for one, with the token asked for once and kept nowhere."""

import re

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from simulator import Fault
from tests.browser.chromium import Language, Window
from tests.browser.stage import ADMIN, Stage
from tests.browser.states import Scene, demo, no_admin_token
from tests.browser.texts import LANGUAGES, number, said

REFUSED = frozenset({401})
REFRESH = "/api/portfolio/refresh"
CLOSED_MS = 31_000
"""What went well is put away by itself before this."""
READ_OUT = """() => {
  const region = document.querySelector("[data-testid=announcer]");
  globalThis.__readOut = [];
  new MutationObserver(() => globalThis.__readOut.push(region.textContent)).observe(
    region, {childList: true, characterData: true, subtree: true});
}"""
WRITES_PER_MINUTE = 10
"""So many tries the API takes of one peer."""


@pytest_asyncio.fixture(loop_scope="session")
async def scene(stage: Stage) -> Scene:
    return await demo(stage)


async def give_token(page: Page, token: str) -> None:
    dialog = page.get_by_test_id("token-dialog")
    await expect(dialog).to_be_visible()
    await dialog.get_by_test_id("token").fill(token)
    await dialog.get_by_test_id("token").press("Enter")


async def kept_anywhere(window: Window, token: str) -> bool:
    """Whether a token stands in anything the browser keeps."""
    stored = await window.page.evaluate(
        "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    return token in stored or token in str(await window.context.cookies()) or token in str(window.requests)


async def test_all_are_read_anew_and_each_says_so(scene: Scene, open_window) -> None:
    window = await open_window(scene.url, statuses=REFUSED)
    page = window.page
    await page.get_by_test_id("refresh-all").click()
    await give_token(page, ADMIN)
    for exchange in ("binance", "btcturk"):
        await expect(page.get_by_test_id(f"result-{exchange}-main")).to_have_attribute("data-ok", "true")
    assert not await kept_anywhere(window, ADMIN)


async def test_one_account_is_read_and_the_token_is_asked_for_once(scene: Scene, open_page) -> None:
    page = await open_page(scene.url, statuses=REFUSED)
    await page.get_by_test_id("refresh-btcturk-main").click()
    await give_token(page, ADMIN)
    await expect(page.get_by_test_id("result-btcturk-main")).to_have_attribute("data-ok", "true")
    await expect(page.get_by_test_id("result-binance-main")).to_have_count(0)
    await page.get_by_test_id("refresh-all").click()
    await expect(page.get_by_test_id("result-binance-main")).to_have_attribute("data-ok", "true")
    await expect(page.get_by_test_id("token-dialog")).to_have_count(0)
    await page.reload()
    await page.get_by_test_id("refresh-all").click()
    await expect(page.get_by_test_id("token-dialog")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_wrong_token_is_said_to_be_wrong_and_asked_for_again(
    scene: Scene, open_page, language: Language
) -> None:
    page = await open_page(scene.url, language=language, statuses=REFUSED)
    await page.get_by_test_id("refresh-all").click()
    await give_token(page, "wrong-" + "0" * 40)
    await expect(page.get_by_text(said(language, "refresh.tokenWrong"))).to_be_visible()
    await give_token(page, ADMIN)
    await expect(page.get_by_test_id("result-binance-main")).to_have_attribute("data-ok", "true")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_account_that_could_not_be_read_says_so(scene: Scene, open_page, language: Language) -> None:
    assert scene.system is not None
    page = await open_page(scene.url, language=language, statuses=REFUSED)
    scene.system.sim.inject(Fault("btcturk", "status", path="/api/v1/users/balances", status=500))
    await page.get_by_test_id("refresh-all").click()
    await give_token(page, ADMIN)
    await expect(page.get_by_test_id("result-binance-main")).to_have_attribute("data-ok", "true")
    failed = page.get_by_test_id("result-btcturk-main")
    await expect(failed).to_have_attribute("data-ok", "false")
    await expect(failed).to_contain_text(f"{said(language, 'refresh.failed')}. {said(language, 'cause.trouble')}")


async def test_while_one_runs_no_second_can_be_asked_for(scene: Scene, stage: Stage, open_page) -> None:
    proxy = await stage.proxy(scene.url)
    page = await open_page(proxy.url, statuses=REFUSED)
    await page.get_by_test_id("refresh-all").click()
    await expect(page.get_by_test_id("token-dialog")).to_be_visible()
    proxy.keep(REFRESH)
    await give_token(page, ADMIN)
    await expect(page.get_by_test_id("refresh-all")).to_be_disabled()
    await expect(page.get_by_test_id("refresh-binance-main")).to_be_disabled()
    proxy.give(REFRESH)
    await expect(page.get_by_test_id("refresh-all")).to_be_enabled()
    await expect(page.get_by_test_id("result-binance-main")).to_have_attribute("data-ok", "true")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_without_a_token_on_the_server_it_says_how_to_set_one(
    stage: Stage, open_page, axe, language: Language
) -> None:
    scene = await no_admin_token(stage)
    page = await open_page(scene.url, language=language, statuses=frozenset({403}))
    await page.get_by_test_id("refresh-all").click()
    dialog = page.get_by_test_id("off-dialog")
    await expect(dialog).to_contain_text(".venv/bin/spark-portfolio token")
    await expect(dialog).to_contain_text("ADMIN_TOKEN")
    await expect(dialog).to_contain_text(said(language, "refresh.offTitle"))
    await axe(page)


async def refreshed(scene: Scene, open_window, language: Language) -> tuple[Page, float]:
    """A page whose clock the test turns on, after a refresh, and where its table was before."""
    window = await open_window(scene.url, visit=False, statuses=REFUSED, network_may_fail=True)
    page: Page = window.page
    await page.clock.install()
    await page.goto(f"{scene.url}/portfolio?lang={language}")
    table = page.get_by_test_id("asset-table")
    await expect(table).to_be_visible()
    top = (await table.bounding_box() or {})["y"]
    await page.get_by_test_id("refresh-all").click()
    await give_token(page, ADMIN)
    await expect(page.get_by_test_id("refresh-results")).to_be_visible()
    return page, top


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_went_well_moves_nothing_and_goes_by_itself_unless_looked_at(
    scene: Scene, open_window, axe, language: Language
) -> None:
    page, before = await refreshed(scene, open_window, language)
    outcome = page.get_by_test_id("refresh-results")
    assert (await page.get_by_test_id("asset-table").bounding_box() or {})["y"] == before
    await expect(outcome.locator("time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    await expect(outcome.locator("[aria-live], [role=status], [role=alert]")).to_have_count(0)
    await expect(page.get_by_test_id("announcer")).to_contain_text("2")
    await axe(page)
    await outcome.hover()
    await page.clock.run_for(CLOSED_MS)
    await expect(outcome).to_be_visible()
    await expect(page.get_by_test_id("refresh-all")).to_be_focused()
    await page.mouse.move(0, 0)
    await page.clock.run_for(CLOSED_MS - 2_000)
    await expect(outcome).to_be_visible()
    await page.clock.run_for(2_000)
    await expect(outcome).to_have_count(0)


async def test_what_is_focused_does_not_go(scene: Scene, open_window) -> None:
    page, _ = await refreshed(scene, open_window, "en")
    outcome = page.get_by_test_id("refresh-results")
    await outcome.get_by_role("button").focus()
    await page.clock.run_for(CLOSED_MS)
    await expect(outcome.get_by_role("button")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(outcome).to_have_count(0)
    await expect(page.get_by_test_id("refresh-all")).to_be_focused()


async def test_what_failed_stays_until_it_is_put_away(scene: Scene, open_window) -> None:
    assert scene.system is not None
    scene.system.sim.inject(Fault("btcturk", "status", path="/api/v1/users/balances", status=500))
    page, _ = await refreshed(scene, open_window, "en")
    await expect(page.get_by_test_id("result-btcturk-main")).to_have_attribute("data-ok", "false")
    await page.clock.fast_forward(10 * CLOSED_MS)
    await expect(page.get_by_test_id("result-btcturk-main")).to_be_visible()
    await page.get_by_test_id("refresh-results").get_by_role("button").click()
    await expect(page.get_by_test_id("refresh-results")).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_asks_too_often_sees_when_to_ask_again(scene: Scene, open_window, axe, language: Language) -> None:
    assert scene.system is not None
    for _ in range(WRITES_PER_MINUTE):
        async with scene.system.http.post(f"{scene.system.url}/api/portfolio/refresh") as answer:
            assert answer.status == 401
    window = await open_window(scene.url, visit=False, statuses=frozenset({429}), network_may_fail=True)
    page = window.page
    await page.clock.install()
    await page.goto(f"{scene.url}/portfolio?lang={language}")
    everything = page.get_by_test_id("refresh-all")
    await expect(everything).to_be_enabled()
    await page.evaluate(READ_OUT)
    await everything.click()
    why = page.get_by_test_id("refresh-results")
    await expect(why).to_contain_text(said(language, "refresh.tooMany").split("{")[0].strip())
    for button in (everything, page.get_by_test_id("refresh-binance-main")):
        await expect(button).to_be_disabled()
    await expect(everything).to_be_focused()
    await axe(page)
    # A whole minute is written as one.
    await page.clock.run_for(5_000)
    before = number(language, await everything.inner_text())
    await page.clock.run_for(5_000)
    await expect(everything).not_to_contain_text(str(before))
    assert before - 10 < number(language, await everything.inner_text()) < before
    await page.clock.fast_forward(60_000)
    await expect(everything).to_be_enabled()
    await expect(why).to_contain_text(said(language, "refresh.tooManyOver"))
    read_out = await page.evaluate("globalThis.__readOut")
    asked_to_wait = said(language, "refresh.announceFailed").split("{")[0]
    assert sum(text.startswith(asked_to_wait) for text in read_out) == 1, "once, not each second"
    assert any(text.startswith(said(language, "refresh.tooManyOver")) for text in read_out)
