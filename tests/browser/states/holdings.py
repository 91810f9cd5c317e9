"""States that differ by what is held: without prices, by the thousand, under hostile names."""

import dataclasses
import json
from decimal import Decimal
from typing import Any, Final

from simulator import Fault, Listing, Simulator, demo_config
from tests.browser.stage import Stage
from tests.browser.states.scene import Scene, inject
from tests.browser.states.usual import demo
from tests.flow.conftest import quick
from tests.flow.test_truth import complete

SPOT_PATH: Final = "/api/v3/account"
MANY: Final = 5_000
SPOT_OF_MANY: Final = 4_900
"""One wallet has at most 5 000 rows, and Earn's mirrors need some."""
PRICED_OF_MANY: Final = 1_900
"""An exchange is asked for 2 000 symbols at most."""
HOSTILE: Final = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\u202eCTB\u202c",
    "W" * 64,
    "🚀🌕👩‍🚀",
    "\"'`&amp;{0}${7*7}",
    "=cmd|'/C calc'!A0",
    "ıİiI",
    "[object Object]",
    "__proto__",
    "constructor",
    "javascript:alert(1)",
)


async def unpriced(stage: Stage) -> Scene:
    """Several holdings have no price anywhere."""
    scene = await demo(stage)
    assert scene.system is not None
    for number in range(3):
        scene.system.sim.set_balance("binance", "main", "funding", f"NOQUOTE{number}", free=f"{number + 1}.5")
    scene.system.sim.set_balance("btcturk", "main", "spot", "XYZZY", free="0.00000001")
    none = {"ETHW", "NOQUOTE0", "NOQUOTE1", "NOQUOTE2", "XYZZY"}
    scene.document = await scene.system.until(
        lambda said: {entry["asset"] for entry in said["totals"]["unpriced"]} == none
    )
    return scene


async def many_assets(stage: Stage) -> Scene:
    """As many coins as a wallet may have, most of them without a price."""
    config = demo_config(seed=7)
    codes = [f"COIN{number:04d}" for number in range(MANY)]
    spot, funding = codes[:SPOT_OF_MANY], codes[SPOT_OF_MANY:]
    listings = tuple(
        Listing(f"{code}USDT", code, "USDT", Decimal(number % 900 + 1), Decimal(number % 890 + 1))
        for number, code in enumerate(codes[:PRICED_OF_MANY])
    )
    config = dataclasses.replace(
        config,
        listings={**config.listings, "binance": (*config.listings["binance"], *listings)},
        assets={**config.assets, "binance": tuple(codes)},
    )
    sim = Simulator(config)
    for wallet, held in (("spot", spot), ("funding", funding)):
        sim.set_balances("binance", "main", wallet, {code: (f"{n % 77 + 1}.25", "0") for n, code in enumerate(held)})
    system = await stage.start(sim, tune=_slower, poll_seconds=10.0)
    document = await system.until(
        lambda said: sum(row["valueUsd"] is not None for row in said["totals"]["byAsset"]) >= PRICED_OF_MANY, within=40
    )
    return Scene(system.url, document, system)


async def hostile_names(stage: Stage) -> Scene:
    """Coins that are called whatever an attacker likes."""
    held = [{"asset": name, "free": f"{number + 1}.5", "locked": "0"} for number, name in enumerate(HOSTILE)]
    body = json.dumps({"updateTime": 1, "accountType": "SPOT", "balances": held, "permissions": ["SPOT"], "uid": 1})
    system = await stage.start(
        before=lambda sim: inject(sim, Fault("binance", "status", path=SPOT_PATH, status=200, body=body))
    )
    document = await system.until(
        lambda said: (
            complete(said)
            and len({entry["asset"] for entry in said["totals"]["unpriced"]} & set(HOSTILE)) == len(HOSTILE)
        )
    )
    return Scene(system.url, document, system)


def _slower(settings: Any) -> Any:
    # Thousands of rows three times a second would only show how fast this machine is.
    return dataclasses.replace(
        quick(settings), price_poll_seconds=5.0, timeouts=dataclasses.replace(settings.timeouts, total=10.0)
    )
