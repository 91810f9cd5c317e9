"""Reading anew by hand: for all and for one, with the token asked for once and kept nowhere."""

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from simulator import Fault
from tests.browser.chromium import Language, Window
from tests.browser.stage import ADMIN, Stage
from tests.browser.states import Scene, demo, no_admin_token
from tests.browser.texts import LANGUAGES, said

REFUSED = frozenset({401})
REFRESH = "/api/portfolio/refresh"


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
    await expect(failed).to_contain_text(said(language, "refresh.failed"))


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
    await expect(dialog).to_contain_text("spark-portfolio token")
    await expect(dialog).to_contain_text("ADMIN_TOKEN")
    await expect(dialog).to_contain_text(said(language, "refresh.offTitle"))
    await axe(page)
