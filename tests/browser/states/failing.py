"""States in which an exchange fails, in every way that has a sentence of its own."""

from typing import Final

from simulator import Fault
from tests.browser.stage import Stage
from tests.browser.states.scene import BTCTURK_PATH, Scene, inject, state_of, states_of, status_of
from tests.browser.states.usual import demo
from tests.flow.test_truth import WALLETS

EARN_PATH: Final = "/sapi/v1/simple-earn/flexible/position"


async def wrong_key(stage: Stage) -> Scene:
    """One key was never right: its account has never been read."""
    system = await stage.start(before=lambda sim: sim.revoke("binance", "main"))
    document = await system.until(
        lambda said: state_of(said, "binance") == "refused" and state_of(said, "btcturk") == "live"
    )
    return Scene(system.url, document, system)


async def key_revoked(stage: Stage) -> Scene:
    """A key that was right is refused: its account stays in sight, stale."""
    scene = await demo(stage)
    assert scene.system is not None
    scene.system.sim.revoke("btcturk", "main")
    scene.document = await scene.system.until(
        lambda said: state_of(said, "btcturk") == "refused" and status_of(said, "btcturk") == "stale"
    )
    return scene


async def key_may_trade(stage: Stage) -> Scene:
    """A key that can do more than read is not used."""
    system = await stage.start(before=lambda sim: sim.set_permissions("main", enableWithdrawals=True))
    document = await system.until(lambda said: state_of(said, "binance") == "refused" and bool(said["accounts"]))
    return Scene(system.url, document, system)


async def unavailable(stage: Stage) -> Scene:
    """One exchange answers nothing but errors; what it said last stays."""
    return await _failing(stage, Fault("btcturk", "status", status=503))


async def rate_limited(stage: Stage) -> Scene:
    """One exchange tells us to wait for minutes."""
    return await _failing(stage, Fault("binance", "rate_limited", retry_after=600))


async def banned(stage: Stage) -> Scene:
    """One exchange has banned this address for a while."""
    return await _failing(stage, Fault("binance", "banned", retry_after=600))


async def blocked(stage: Stage) -> Scene:
    """One exchange does not serve this place."""
    return await _failing(stage, Fault("binance", "blocked", status=451))


async def unreadable(stage: Stage) -> Scene:
    """One exchange answers what nobody understands."""
    return await _failing(stage, Fault("btcturk", "garbage", path=BTCTURK_PATH))


async def one_wallet_failed(stage: Stage) -> Scene:
    """One wallet of one account cannot be read, the others can."""
    return await _failing(stage, Fault("binance", "status", path=EARN_PATH, status=500))


async def all_failed(stage: Stage) -> Scene:
    """Nothing answers any more; everything shown is from before."""
    scene = await demo(stage)
    assert scene.system is not None
    for exchange in WALLETS:
        scene.system.sim.inject(Fault(exchange, "status", status=503))
    scene.document = await scene.system.until(lambda said: states_of(said) == {"unavailable"})
    return scene


async def all_failed_from_the_start(stage: Stage) -> Scene:
    """Nothing has ever answered: there is no account to show, and no total."""
    system = await stage.start(
        before=lambda sim: inject(sim, *(Fault(exchange, "status", status=503) for exchange in WALLETS))
    )
    return Scene(
        system.url,
        await system.until(lambda said: states_of(said) == {"unavailable"}),
        system,
        says=("allFailed.title", "allFailed.text"),
    )


async def _failing(stage: Stage, fault: Fault) -> Scene:
    scene = await demo(stage)
    assert scene.system is not None
    scene.system.sim.inject(fault)
    scene.document = await scene.system.until(
        lambda said: any(one["exchange"] == fault.exchange and one["error"] for one in said["sources"])
    )
    return scene
