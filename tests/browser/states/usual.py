"""States in which all is well: the usual one, its beginnings, and what somebody may hold or set."""

import dataclasses

from simulator import Fault, Simulator, demo_config, fake_account
from tests.browser.stage import Stage, patient
from tests.browser.states.scene import Scene, all_emptied, hanging, inject, kinds_of, states_of, usual
from tests.flow.test_truth import WALLETS, complete, priced, rows


async def demo(stage: Stage) -> Scene:
    """The usual: everything read, everything but one coin priced, made-up money labelled as such."""
    return await usual(await stage.start())


async def settled_demo(stage: Stage) -> Scene:
    """The same once no quote moves a value any more, for those who compare numbers."""
    scene = await demo(stage)
    assert scene.system is not None
    scene.document = await scene.system.settled(priced)
    return scene


async def real(stage: Stage) -> Scene:
    """The same without the demo's label."""
    return await usual(await stage.start(demo=False))


async def loading(stage: Stage) -> Scene:
    """All parts run, but no exchange has answered yet."""
    system = await stage.start(before=hanging, tune=patient)
    states = {"starting"}
    return Scene(
        system.url,
        await system.until(lambda said: states_of(said) == states),
        system,
        says=("loading.title", "loading.text"),
    )


async def half_loaded(stage: Stage) -> Scene:
    """One exchange is read, the other is still being waited for."""
    system = await stage.start(before=lambda sim: inject(sim, Fault("binance", "hang")), tune=patient)
    document = await system.until(lambda said: bool(said["accounts"]) and "starting" in states_of(said))
    return Scene(system.url, document, system)


async def first_run(stage: Stage) -> Scene:
    """No key at all is set."""
    system = await stage.start(demo=False, keyless=tuple(WALLETS))
    return Scene(
        system.url,
        await system.until(lambda said: states_of(said) == {"unconfigured"}),
        system,
        says=("firstRun.title", "firstRun.lead", "firstRun.step1"),
    )


async def one_key(stage: Stage) -> Scene:
    """The keys of one exchange are enough; the other has none."""
    system = await stage.start(demo=False, keyless=("btcturk",))
    document = await system.until(lambda said: bool(said["accounts"]) and len(said["accounts"][0]["wallets"]) == 4)
    return Scene(system.url, document, system)


async def empty(stage: Stage) -> Scene:
    """Accounts that are read and hold nothing."""
    system = await stage.start(before=all_emptied)
    document = await system.until(lambda said: complete(said) and all(not rows(said, exchange) for exchange in WALLETS))
    return Scene(system.url, document, system, says=("table.emptyAll",))


async def emptied(stage: Stage) -> Scene:
    """Accounts that held something and, confirmed by a second read, hold nothing any more."""
    scene = await demo(stage)
    assert scene.system is not None
    all_emptied(scene.system.sim)
    scene.document = await scene.system.until(
        lambda said: complete(said) and all(not rows(said, exchange) for exchange in WALLETS)
    )
    return scene


async def clock_skew(stage: Stage) -> Scene:
    """The exchange's clock and ours disagree by half a minute: it is corrected for."""
    system = await stage.start(before=lambda sim: sim.set_clock_offset("binance", 30_000))
    return await usual(system)


async def accounts(stage: Stage) -> Scene:
    """Several accounts at each exchange in one portfolio, and a second portfolio beside it."""
    config = demo_config(seed=7)
    more = {
        exchange: (*own, fake_account(exchange, "savings"), fake_account(exchange, "family"))
        for exchange, own in config.accounts.items()
    }
    sim = Simulator(dataclasses.replace(config, accounts=more))
    sim.set_balance("binance", "savings", "spot", "BTC", free="1")
    sim.set_balance("btcturk", "savings", "spot", "TRY", free="5000.5")
    sim.set_balance("btcturk", "family", "spot", "TRY", free="100.5")
    system = await stage.start(sim)
    document = await system.until(
        lambda said: (
            len(said["accounts"]) == 4
            and "wallet_never_read" not in kinds_of(said)
            and all(rows(said, exchange, "savings") for exchange in WALLETS)
        )
    )
    await system.until(lambda said: len(said["accounts"]) == 2, portfolio="family")
    return Scene(system.url, document, system)


async def other_portfolio(stage: Stage) -> Scene:
    """The second portfolio of the same system."""
    scene = await accounts(stage)
    assert scene.system is not None
    scene.query = {"portfolio": "family"}
    scene.document = await scene.system.until(
        lambda said: bool(rows(said, "btcturk", "family")) and "wallet_never_read" not in kinds_of(said),
        portfolio="family",
    )
    return scene


async def no_admin_token(stage: Stage) -> Scene:
    """Nothing can be written, since no admin token is set."""
    return await usual(await stage.start(admin=False))
