"""Chromium for the benchmarks of the page: what a page painted and when, what it loaded, kept and used."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import psutil
from playwright.async_api import Browser, CDPSession, Page

TOTAL: Final = "[data-testid=total]"
CHART_READY: Final = "[data-load=ready]"
PATIENCE_MS: Final = 30_000
CLOCK_ASKINGS: Final = 20

STAMP: Final = """
(() => {
  const painted = [];
  globalThis.__painted = painted;
  let last = "", waiting = false;
  const digits = () => (document.querySelector("[data-testid=total]")?.textContent ?? "").replace(/\\D/g, "");
  const stamp = () => {
    waiting = false;
    const text = digits();
    if (text === "" || text === last) return;
    last = text;
    // A message posted in a frame's callback comes when that frame has been painted.
    const channel = new MessageChannel();
    channel.port1.onmessage = () => painted.push([text, performance.timeOrigin + performance.now()]);
    channel.port2.postMessage(0);
  };
  new MutationObserver(() => {
    if (waiting || digits() === last) return;
    waiting = true;
    requestAnimationFrame(stamp);
  }).observe(document, { subtree: true, childList: true, characterData: true });
})();
"""
"""Notes each total that was painted: its digits, and when that was by the wall clock."""

COUNT: Final = """
() => {
  globalThis.__count = 0;
  let last = "";
  const look = () => {
    const text = document.querySelector("[data-testid=total]")?.textContent ?? "";
    if (text !== last) globalThis.__count += 1;
    last = text;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""
"""Counts the totals that were painted, and keeps none of them."""

FRAMES: Final = """
() => {
  globalThis.__frames = [];
  let last = performance.now();
  const look = (now) => {
    globalThis.__frames.push(now - last);
    last = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""
"""Notes how long each frame took from now on."""

LONG_TASKS: Final = """
() => {
  globalThis.__tasks = [];
  new PerformanceObserver((list) => globalThis.__tasks.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ entryTypes: ["longtask"] });
}
"""
"""Notes each task of the page that took more than 50 ms."""


@asynccontextmanager
async def new_page(browser: Browser, *scripts: str) -> AsyncIterator[Page]:
    """A page in a fresh profile with nothing cached; ``scripts`` run before anything of the page does."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="Europe/Istanbul", service_workers="block"
    )
    try:
        context.set_default_timeout(PATIENCE_MS)
        for script in scripts:
            await context.add_init_script(script)
        yield await context.new_page()
    finally:
        await context.close()


async def settled(page: Page, url: str) -> None:
    """Open the page, and wait until its total and its chart are there."""
    await page.goto(f"{url}/portfolio")
    await page.wait_for_selector(TOTAL)
    await page.wait_for_selector(CHART_READY)


async def clock_offset(page: Page) -> float:
    """Milliseconds that the page's wall clock is ahead of ours, by the quickest of several askings."""
    best = (float("inf"), 0.0)
    for _ in range(CLOCK_ASKINGS):
        before = time.time() * 1e3
        theirs = await page.evaluate("() => performance.timeOrigin + performance.now()")
        after = time.time() * 1e3
        best = min(best, (after - before, theirs - (before + after) / 2))
    return best[1]


class Wire:
    """What a page loaded from its own server and how many bytes that was on the wire, heads included."""

    def __init__(self, cdp: CDPSession) -> None:
        self._cdp = cdp
        self._urls: dict[str, str] = {}
        self.bytes: dict[str, int] = {}
        """By path."""

    async def watch(self) -> None:
        """Begin."""
        self._cdp.on("Network.responseReceived", self._received)
        self._cdp.on("Network.loadingFinished", self._finished)
        await self._cdp.send("Network.enable")

    def _received(self, said: Mapping[str, Any]) -> None:
        self._urls[said["requestId"]] = urlsplit(said["response"]["url"]).path

    def _finished(self, said: Mapping[str, Any]) -> None:
        path = self._urls.get(said["requestId"])
        if path is not None:
            self.bytes[path] = self.bytes.get(path, 0) + round(said["encodedDataLength"])


class Processors:
    """Processor seconds of all processes of a browser, by what they are."""

    def __init__(self, browser_pid: int) -> None:
        self._browser = psutil.Process(browser_pid)

    def seconds(self) -> dict[int, tuple[str, float]]:
        """By process: its kind, and what it has used so far."""
        used: dict[int, tuple[str, float]] = {}
        for process in (self._browser, *self._browser.children(recursive=True)):
            try:
                command, times = process.cmdline(), process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            kind = next((word[len("--type=") :] for word in command if word.startswith("--type=")), "browser")
            # The browser's own buttons are drawn by a page of theirs, also where nobody sees them.
            kind = "browser" if "--top-chrome-webui" in command else kind
            used[process.pid] = kind, times.user + times.system
        return used


def used_between(before: dict[int, tuple[str, float]], after: dict[int, tuple[str, float]]) -> dict[str, float]:
    """Seconds by kind; a process that ended in between counts for nothing, a new one from its start."""
    kinds: dict[str, float] = {}
    for pid, (kind, seconds) in after.items():
        kinds[kind] = kinds.get(kind, 0.0) + seconds - before.get(pid, (kind, 0.0))[1]
    return kinds


async def browser_pid(browser: Browser) -> int:
    """The process that all others of this browser are children of."""
    cdp = await browser.new_browser_cdp_session()
    said = await cdp.send("SystemInfo.getProcessInfo")
    await cdp.detach()
    return next(int(one["id"]) for one in said["processInfo"] if one["type"] == "browser")


async def metrics(cdp: CDPSession) -> dict[str, float]:
    """What Chromium counts of a page: seconds of its main thread by purpose, bytes of heap, DOM nodes, listeners."""
    await cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
    said = await cdp.send("Performance.getMetrics")
    return {one["name"]: one["value"] for one in said["metrics"]}


async def kept(cdp: CDPSession) -> dict[str, float]:
    """The same once all garbage is collected."""
    for _ in range(3):  # What the first collection lets go of may hold more.
        await cdp.send("HeapProfiler.collectGarbage")
    return await metrics(cdp)
