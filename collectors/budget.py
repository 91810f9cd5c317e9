"""How much may be asked: windows of weight kept per address, waits before a limit, and waits that were ordered.

One :class:`Budget` serves all accounts of an exchange in the process, since exchanges count per address. What other
processes behind the same address use is learnt from the exchange's headers, where it sends any.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from collectors.errors import RateLimitedError
from collectors.exchange import BudgetRule
from monitoring.metrics import CollectorMetrics
from schemas.reasons import ErrorReason

USABLE_SHARE: Final = 0.9
"""The rest is left for what others send before we hear of it, and for requests that straddle two windows."""

WINDOW_MARGIN_SECONDS: Final = 1.0
"""A window that begins with our first request begins, for the exchange, when that one arrives: so much later."""

RETRY_AFTER_MARGIN_SECONDS: Final = 0.25
"""Added to every ordered wait: their second and ours need not end together."""

LOOK_AGAIN_SECONDS: Final = 5.0
"""A long wait for a window is looked at anew so often, since clocks are corrected and others' use becomes known."""


class Window:
    """The weight used in the window that is open now. Times are seconds of any clock that is always the same one."""

    def __init__(self, rule: BudgetRule) -> None:
        self.rule = rule
        self.used = 0
        self._began: float | None = None

    @property
    def usable(self) -> int:
        """How much of the limit we let ourselves use."""
        return max(1, int(self.rule.limit * USABLE_SHARE))

    def began(self, now: float) -> float:
        """When the window that ``now`` lies in began; a new one starts empty."""
        seconds = self.rule.seconds
        if self.rule.aligned:
            start = now - now % seconds
            if self._began is None or start > self._began:
                self.used = 0
            # A clock set back is the same window under another name: what was used in it stays used.
            self._began = start
        elif self._began is None or now >= self._began + seconds + WINDOW_MARGIN_SECONDS:
            self.used = 0
            self._began = now
        return self._began

    def wait(self, weight: int, now: float) -> float:
        """Seconds until so much may be used; 0 for now. What is more than a whole window waits for an empty one."""
        began = self.began(now)
        if not self.used or self.used + weight <= self.usable:
            return 0.0
        end = began + self.rule.seconds + (0.0 if self.rule.aligned else WINDOW_MARGIN_SECONDS)
        return max(end - now, 0.001)

    def take(self, weight: int, now: float) -> None:
        """Use so much."""
        self.began(now)
        self.used += weight

    def heard(self, used: int, now: float, *, sent: float) -> None:
        """The exchange says so much was used by everybody. An answer from over a window's edge tells of either one."""
        if self.began(now) <= sent:
            self.used = max(self.used, used)


class Budget:
    """All windows of an exchange and the wait it ordered, shared by everything that asks it from this process."""

    def __init__(
        self,
        rules: Iterable[BudgetRule],
        *,
        exchange: str,
        title: str,
        exchange_seconds: Callable[[], float],
        monotonic: Callable[[], float],
        metrics: CollectorMetrics,
    ) -> None:
        self._windows = {rule.name: Window(rule) for rule in rules}
        self._turns = {name: asyncio.Lock() for name in self._windows}
        self._exchange = exchange
        self._title = title
        self._exchange_seconds = exchange_seconds
        self._monotonic = monotonic
        self._metrics = metrics
        self._paused_until = 0.0
        self._paused_for: ErrorReason = "limit"

    def pause(self, seconds: float, reason: ErrorReason = "limit") -> None:
        """Send nothing for so long. A shorter order does not end a longer one."""
        until = self._monotonic() + seconds + RETRY_AFTER_MARGIN_SECONDS
        if until > self._paused_until:
            self._paused_until, self._paused_for = until, reason

    def paused_seconds(self) -> float:
        """How much of an ordered wait is left."""
        return max(0.0, self._paused_until - self._monotonic())

    def check(self) -> None:
        """RateLimitedError while an ordered wait is not over. Asked again right before every send."""
        left = self.paused_seconds()
        if left > 0:
            raise RateLimitedError(
                f"{self._title} told us to wait; {left:.0f} s are left.",
                "Nothing to do: reading goes on by itself. If it comes back, ask less often or use fewer programs "
                "from this address.",
                retry_after_seconds=left,
                answered=False,
                reason=self._paused_for,
            )

    async def take(self, name: str, weight: int) -> None:
        """Use so much of a budget, waiting for the next window where this one is spent. First come, first served."""
        window = self._windows[name]
        async with self._turns[name]:
            while True:
                self.check()
                now = self._now(window)
                wait = window.wait(weight, now)
                if wait <= 0:
                    window.take(weight, now)
                    self._show(window)
                    return
                await asyncio.sleep(min(wait, LOOK_AGAIN_SECONDS))

    def sent_at(self, name: str) -> float:
        """The time by the clock of that budget's window, to be handed to :meth:`heard` with the answer."""
        return self._now(self._windows[name])

    def heard(self, name: str, used: int, *, sent: float) -> None:
        """Take in what the exchange says was used, by everybody at our address."""
        window = self._windows[name]
        window.heard(used, self._now(window), sent=sent)
        self._show(window)

    def _now(self, window: Window) -> float:
        return self._exchange_seconds() if window.rule.aligned else self._monotonic()

    def _show(self, window: Window) -> None:
        self._metrics.used_weight.labels(self._exchange, window.rule.name).set(window.used / window.rule.limit)
