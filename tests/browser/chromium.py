"""The system's own Chromium: where it is, how it is started, and a page that remembers everything that went wrong."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, async_playwright

Language = Literal["en", "tr"]
Theme = Literal["light", "dark"]

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS: Final = 15_000
"""For anything a page is to show. It comes within a second; this machine may be busy with other tests."""

LOCALES: Final = {"en": "en-GB", "tr": "tr-TR"}

REPORT_VIOLATIONS: Final = """
document.addEventListener("securitypolicyviolation", (event) =>
  globalThis.__sparkViolation(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


def find_chromium() -> str | None:
    """Where Chromium is: named by CHROMIUM, or installed under one of its usual names."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


@asynccontextmanager
async def launched(executable: str) -> AsyncIterator[Browser]:
    """A running browser that reaches this machine and nothing else."""
    arguments = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--font-render-hinting=none"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Root cannot have one.
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=executable, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Window:
    """One page in a profile of its own."""

    page: Page
    context: BrowserContext
    origin: str
    network_may_fail: bool
    statuses: frozenset[int]
    """Answers that the state brings with it, such as 401 before the token is given."""
    problems: list[str] = field(default_factory=list)
    """Everything that no page of ours may do or say."""
    requests: list[str] = field(default_factory=list)

    async def close(self) -> None:
        await self.context.close()

    def _watch(self) -> None:
        self.context.on("console", self._on_console)
        self.context.on("weberror", lambda error: self.problems.append(f"page error: {error.error}"))
        self.context.on("request", self._on_request)
        self.context.on("requestfailed", self._on_failure)
        self.context.on("response", self._on_response)
        self.page.on("dialog", self._on_dialog)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        # Chromium itself writes of each request that fails or is refused; those are judged one by one below.
        if not message.text.startswith("Failed to load resource"):
            self.problems.append(f"console {message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)
        if _origin(request.url) != self.origin and not request.url.startswith(f"blob:{self.origin}"):
            self.problems.append(f"asked elsewhere: {request.url}")

    def _on_failure(self, request: Request) -> None:
        # The page itself ends requests it needs no more: a stream, when it is closed or made anew.
        if not self.network_may_fail and request.failure != "net::ERR_ABORTED":
            self.problems.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _on_response(self, response: Response) -> None:
        bad = response.status >= 400 and response.status not in self.statuses
        asset = urlsplit(response.url).path.startswith(("/assets/", "/portfolio"))
        if bad and (asset or not self.network_may_fail):
            self.problems.append(f"answer {response.status}: {response.url}")

    async def _on_dialog(self, dialog: Any) -> None:
        self.problems.append(f"a dialog: {dialog.message}")
        await dialog.dismiss()


async def new_window(
    browser: Browser,
    url: str,
    *,
    language: Language | None = "en",
    theme: Theme = "light",
    width: int = 1280,
    height: int = 900,
    scale: float = 1,
    reduced_motion: Literal["reduce", "no-preference"] = "reduce",
    locale: str | None = None,
    path: str = "/portfolio",
    query: dict[str, str] | None = None,
    network_may_fail: bool = False,
    statuses: frozenset[int] = frozenset(),
    storage: dict[str, str] | None = None,
    visit: bool = True,
) -> Window:
    """A page in a fresh profile. ``language`` None: the browser's own (``locale``). ``storage`` is there before it."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme=theme,
        reduced_motion=reduced_motion,
        locale=locale or LOCALES[language or "en"],
        timezone_id="Europe/Istanbul",
        service_workers="block",
        accept_downloads=True,
    )
    context.set_default_timeout(PATIENCE_MS)
    context.set_default_navigation_timeout(PATIENCE_MS)
    page = await context.new_page()
    window = Window(page, context, _origin(url), network_may_fail, statuses)
    window._watch()
    await context.expose_function("__sparkViolation", lambda text: window.problems.append(f"content policy: {text}"))
    await context.add_init_script(REPORT_VIOLATIONS)
    for name, value in (storage or {}).items():
        await context.add_init_script(f"localStorage.setItem({name!r}, {value!r});")
    if visit:
        await page.goto(address(url, path, query, language), wait_until="load")
    return window


def address(url: str, path: str, query: dict[str, str] | None, language: Language | None) -> str:
    """The address of a page in a language."""
    parameters = {**(query or {}), **({"lang": language} if language else {})}
    return url + path + ("?" + "&".join(f"{name}={text}" for name, text in parameters.items()) if parameters else "")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
