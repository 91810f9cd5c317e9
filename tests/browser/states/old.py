"""States in which what is shown is old or in doubt."""

import dataclasses
from typing import Any, Final

from simulator import Fault, Simulator
from tests.browser.stage import MovableClock, Running, Stage
from tests.browser.states.scene import (
    BTCTURK_PATH,
    Scene,
    kinds_of,
    state_of,
    states_of,
    status_of,
    statuses_of,
)
from tests.flow.conftest import QUICK, quick
from tests.flow.test_truth import WALLETS, priced

PAST_SECONDS: Final = 150.0
"""So long ago the last read of the stale states is: longer than wallets and prices stay fresh."""


async def stale(stage: Stage) -> Scene:
    """Nothing was read for minutes: wallets and prices are old, and say so."""
    clock, system = await _in_the_past(stage)
    for exchange in WALLETS:
        system.sim.inject(Fault(exchange, "status", status=503))
    await system.until(lambda said: states_of(said) == {"unavailable"})
    _to_the_present(clock, system)
    kinds = {"wallet_stale", "price_stale"}
    document = await system.until(lambda said: kinds <= kinds_of(said) and statuses_of(said) == {"stale"})
    return Scene(system.url, document, system)


async def one_stale(stage: Stage) -> Scene:
    """One exchange was not read for minutes, the other is as ever."""
    clock, system = await _in_the_past(stage)
    system.sim.inject(Fault("btcturk", "status", path=BTCTURK_PATH, status=503))
    await system.until(lambda said: state_of(said, "btcturk") == "unavailable")
    _to_the_present(clock, system)
    document = await system.until(
        lambda said: status_of(said, "btcturk") == "stale" and status_of(said, "binance") == "fresh", within=20
    )
    return Scene(system.url, document, system)


async def silent(stage: Stage) -> Scene:
    """A collector is gone and reports nothing any more."""
    clock, system = await _in_the_past(stage)
    collector = next(one for one in system.embedded.collectors if one.name == "btcturk")
    await collector.stop()
    _to_the_present(clock, system)
    clock.ahead = PAST_SECONDS
    document = await system.until(
        lambda said: state_of(said, "btcturk") == "silent" and state_of(said, "binance") == "live"
    )
    return Scene(system.url, document, system)


async def suspicious(stage: Stage) -> Scene:
    """A read emptied a wallet, and the second that must agree has not come yet."""
    settled = dataclasses.replace(QUICK, confirm=600.0)
    system = await stage.start(tune=lambda settings: dataclasses.replace(quick(settings), pacing=settled))
    await system.until(priced)
    system.sim.inject(Fault("btcturk", "zeros", path=BTCTURK_PATH))
    return Scene(system.url, await system.until(lambda said: "suspicious" in statuses_of(said)), system)


def _talkative(settings: Any) -> Any:
    # A sign of life after the clock has jumped must not be waited for.
    settings = quick(settings)
    return dataclasses.replace(settings, pacing=dataclasses.replace(settings.pacing, heartbeat=0.3))


async def _in_the_past(stage: Stage) -> tuple[MovableClock, Running]:
    """A system whose clock, like those of its exchanges, is behind: all it reads will be old."""
    clock = MovableClock()
    clock.behind = PAST_SECONDS
    offset = -round(PAST_SECONDS * 1000)

    def behind(sim: Simulator) -> None:
        for exchange in WALLETS:
            sim.set_clock_offset(exchange, offset)

    system = await stage.start(before=behind, clock=clock, tune=_talkative)
    await system.until(priced)
    return clock, system


def _to_the_present(clock: MovableClock, system: Running) -> None:
    clock.behind = 0.0
    for exchange in WALLETS:
        system.sim.set_clock_offset(exchange, 0)
