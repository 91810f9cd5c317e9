"""The harness itself: a page that misbehaves must not pass."""

import asyncio

import pytest
from aiohttp import web
from playwright.async_api import Browser

from tests.browser.axe import violations
from tests.browser.chromium import Window, new_window
from tests.ports import free_port

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'"
SCRIPTS = {
    "console error": "console.error('something')",
    "console warning": "console.warn('something')",
    "page error": "throw new Error('something')",
    "content policy": "document.body.setAttribute('style', 'color: red')",
    "answer 404": "fetch('/nowhere').catch(() => 0)",
    "failed": "fetch('/hang-up').catch(() => 0)",
    "a dialog": "setTimeout(() => alert('something'))",
}


async def seen_on(browser: Browser, script: str, policy: str = POLICY) -> Window:
    """What is found on a page that does this; it has ended when the page has asked for /done."""
    done = asyncio.Event()

    async def index(_: web.Request) -> web.Response:
        text = '<!doctype html><title>x</title><body><script src="/s.js"></script><script src="/end.js"></script>'
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": policy})

    async def served(request: web.Request) -> web.Response:
        end = "addEventListener('load', () => setTimeout(() => fetch('/done'), 50))"
        text = script if request.path == "/s.js" else end
        return web.Response(text=text, content_type="text/javascript")

    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def ended(_: web.Request) -> web.Response:
        done.set()
        return web.Response(text="")

    app = web.Application()
    paths = {"/portfolio": index, "/s.js": served, "/end.js": served, "/hang-up": hang_up, "/done": ended}
    app.router.add_routes([web.get(path, handler) for path, handler in paths.items()])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        window = await new_window(browser, f"http://127.0.0.1:{port}")
        await asyncio.wait_for(done.wait(), 10)
        await window.page.evaluate("() => 1")  # What the page told before has arrived by now.
        await window.close()
    finally:
        await runner.cleanup()
    return window


@pytest.mark.parametrize("problem", SCRIPTS)
async def test_what_a_page_must_not_do_is_noticed(chromium: Browser, problem: str) -> None:
    window = await seen_on(chromium, SCRIPTS[problem])
    assert any(one.startswith(problem) for one in window.problems), window.problems


async def test_a_quiet_page_has_no_problems(chromium: Browser) -> None:
    window = await seen_on(chromium, "console.log('fine')")
    assert window.problems == []


@pytest.mark.parametrize("host", ["127.0.0.1:1", "elsewhere.example"])
async def test_a_request_to_elsewhere_is_noticed_even_where_the_policy_allows_it(chromium: Browser, host: str) -> None:
    window = await seen_on(chromium, f"fetch('http://{host}/').catch(() => 0)", policy="default-src * 'unsafe-inline'")
    assert any(one == f"asked elsewhere: http://{host}/" for one in window.problems), window.problems


async def test_axe_finds_what_is_wrong(chromium: Browser) -> None:
    context = await chromium.new_context()
    page = await context.new_page()
    await page.set_content("<html><body><img src='x'><button></button></body></html>")
    assert {"image-alt", "button-name", "html-has-lang"} <= {one["rule"] for one in await violations(page)}
    await context.close()
