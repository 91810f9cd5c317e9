"""What axe finds on a page. Injected by the debugger, so that the content policy stays as it is."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page

SOURCE: Final = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"

SETTLE: Final = """
async () => {
  // Colours that are on their way are no colours; and what one transition sets may start the next.
  const moving = () => document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity);
  for (let turn = 0; turn < 50 && moving().length > 0; turn += 1) {
    await Promise.allSettled(moving().map((one) => one.finished));
  }
}
"""

RUN: Final = """
async () => {
  const found = await axe.run(document, { resultTypes: ["violations"], preload: false });
  return found.violations.map((one) => ({
    rule: one.id,
    help: one.help,
    nodes: one.nodes.slice(0, 5).map((node) => ({
      where: `${node.target.join(" ")}  ${node.html.slice(0, 300)}`,
      why: node.failureSummary,
    })),
  }));
}
"""


@cache
def _source() -> str:
    return SOURCE.read_text(encoding="utf-8")


async def settled(page: Page) -> None:
    """Wait until nothing fades or moves any more."""
    await page.evaluate(SETTLE)


async def violations(page: Page) -> list[dict[str, Any]]:
    """Everything axe objects to, by all its default rules, best practices among them."""
    if not await page.evaluate("() => 'axe' in globalThis"):
        await page.evaluate(_source() + "; undefined")
    await settled(page)
    return await page.evaluate(RUN)


def told(found: list[dict[str, Any]]) -> str:
    """The same for people."""
    return "\n".join(
        f"{one['rule']}: {one['help']}\n"
        + "\n".join(f"    {node['where']}\n      {node['why']}" for node in one["nodes"])
        for one in found
    )
