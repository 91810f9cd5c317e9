"""Every state the page can be in, each brought about for real: by what the exchanges answer, never by a made-up API.

Each function takes a stage and returns a scene: where to look, what the API says there, and what is done to it while
the page is open. Tests hold the page to them, and the screenshots show them.
"""

import dataclasses
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from simulator import Fault, Listing, Simulator, demo_config, fake_account
from tests.browser.stage import READER, MovableClock, Running, Stage, patient
from tests.flow.conftest import QUICK, quick
from tests.flow.test_truth import WALLETS, complete, priced, rows

Document = dict[str, Any]

SPOT_PATH: Final = "/api/v3/account"
EARN_PATH: Final = "/sapi/v1/simple-earn/flexible/position"
BTCTURK_PATH: Final = "/api/v1/users/balances"
MANY: Final = 5_000
SPOT_OF_MANY: Final = 4_900
"""One wallet has at most 5 000 rows, and Earn's mirrors need some."""

PRICED_OF_MANY: Final = 1_900
"""An exchange is asked for 2 000 symbols at most."""

PAST_SECONDS: Final = 150.0
"""So long ago the last read of the stale states is: longer than wallets and prices stay fresh."""

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


@dataclass
class Scene:
    """One state, ready to be looked at."""

    url: str
    document: Document
    system: Running | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    after: Callable[[], Awaitable[None]] | None = None
    """Done once the page shows the document: the state is what follows."""
    breaks_network: bool = False
    """Whether failed requests are part of it."""
    statuses: frozenset[int] = frozenset()
    """Refusals that are part of it."""
    token: str | None = None
    """What a person must type in to see anything."""
    says: tuple[str, ...] = ()
    """Texts that stand on the page, by their names in the catalogues."""
    understood: bool = True
    """Whether the page can show what the document holds."""


async def demo(stage: Stage) -> Scene:
    """The usual: everything read, everything but one coin priced, made-up money labelled as such."""
    return await usual(await stage.start())


async def usual(system: Running) -> Scene:
    """A system as it is most of the time."""
    return Scene(system.url, await system.until(priced), system)


async def real(stage: Stage) -> Scene:
    """The same without the demo's label."""
    return await usual(await stage.start(demo=False))


async def loading(stage: Stage) -> Scene:
    """All parts run, but no exchange has answered yet."""
    system = await stage.start(before=_hanging, tune=patient)
    states = {"starting"}
    return Scene(
        system.url,
        await system.until(lambda said: _states(said) == states),
        system,
        says=("loading.title", "loading.text"),
    )


async def half_loaded(stage: Stage) -> Scene:
    """One exchange is read, the other is still being waited for."""
    system = await stage.start(before=lambda sim: _inject(sim, Fault("binance", "hang")), tune=patient)
    document = await system.until(lambda said: bool(said["accounts"]) and "starting" in _states(said))
    return Scene(system.url, document, system)


async def first_run(stage: Stage) -> Scene:
    """No key at all is set."""
    system = await stage.start(demo=False, keyless=tuple(WALLETS))
    return Scene(
        system.url,
        await system.until(lambda said: _states(said) == {"unconfigured"}),
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
    system = await stage.start(before=_emptied)
    document = await system.until(lambda said: complete(said) and all(not rows(said, exchange) for exchange in WALLETS))
    return Scene(system.url, document, system, says=("table.emptyAll",))


async def emptied(stage: Stage) -> Scene:
    """Accounts that held something and, confirmed by a second read, hold nothing any more."""
    scene = await demo(stage)
    assert scene.system is not None
    _emptied(scene.system.sim)
    scene.document = await scene.system.until(
        lambda said: complete(said) and all(not rows(said, exchange) for exchange in WALLETS)
    )
    return scene


async def wrong_key(stage: Stage) -> Scene:
    """One key was never right: its account has never been read."""
    system = await stage.start(before=lambda sim: sim.revoke("binance", "main"))
    document = await system.until(
        lambda said: _state(said, "binance") == "refused" and _state(said, "btcturk") == "live"
    )
    return Scene(system.url, document, system)


async def key_revoked(stage: Stage) -> Scene:
    """A key that was right is refused: its account stays in sight, stale."""
    scene = await demo(stage)
    assert scene.system is not None
    scene.system.sim.revoke("btcturk", "main")
    scene.document = await scene.system.until(
        lambda said: _state(said, "btcturk") == "refused" and _status(said, "btcturk") == "stale"
    )
    return scene


async def key_may_trade(stage: Stage) -> Scene:
    """A key that can do more than read is not used."""
    system = await stage.start(before=lambda sim: sim.set_permissions("main", enableWithdrawals=True))
    document = await system.until(lambda said: _state(said, "binance") == "refused" and bool(said["accounts"]))
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


async def clock_skew(stage: Stage) -> Scene:
    """The exchange's clock and ours disagree by half a minute: it is corrected for."""
    system = await stage.start(before=lambda sim: sim.set_clock_offset("binance", 30_000))
    return await usual(system)


async def all_failed(stage: Stage) -> Scene:
    """Nothing answers any more; everything shown is from before."""
    scene = await demo(stage)
    assert scene.system is not None
    for exchange in WALLETS:
        scene.system.sim.inject(Fault(exchange, "status", status=503))
    scene.document = await scene.system.until(lambda said: _states(said) == {"unavailable"})
    return scene


async def all_failed_from_the_start(stage: Stage) -> Scene:
    """Nothing has ever answered: there is no account to show, and no total."""
    system = await stage.start(
        before=lambda sim: _inject(sim, *(Fault(exchange, "status", status=503) for exchange in WALLETS))
    )
    return Scene(
        system.url,
        await system.until(lambda said: _states(said) == {"unavailable"}),
        system,
        says=("allFailed.title", "allFailed.text"),
    )


async def stale(stage: Stage) -> Scene:
    """Nothing was read for minutes: wallets and prices are old, and say so."""
    clock, system = await _in_the_past(stage)
    for exchange in WALLETS:
        system.sim.inject(Fault(exchange, "status", status=503))
    await system.until(lambda said: _states(said) == {"unavailable"})
    _to_the_present(clock, system)
    kinds = {"wallet_stale", "price_stale"}
    document = await system.until(lambda said: kinds <= _kinds(said) and _statuses(said) == {"stale"})
    return Scene(system.url, document, system)


async def one_stale(stage: Stage) -> Scene:
    """One exchange was not read for minutes, the other is as ever."""
    clock, system = await _in_the_past(stage)
    system.sim.inject(Fault("btcturk", "status", path=BTCTURK_PATH, status=503))
    await system.until(lambda said: _state(said, "btcturk") == "unavailable")
    _to_the_present(clock, system)
    document = await system.until(
        lambda said: _status(said, "btcturk") == "stale" and _status(said, "binance") == "fresh", within=20
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
        lambda said: _state(said, "btcturk") == "silent" and _state(said, "binance") == "live"
    )
    return Scene(system.url, document, system)


async def suspicious(stage: Stage) -> Scene:
    """A read emptied a wallet, and the second that must agree has not come yet."""
    settled = dataclasses.replace(QUICK, confirm=600.0)
    system = await stage.start(tune=lambda settings: dataclasses.replace(quick(settings), pacing=settled))
    await system.until(priced)
    system.sim.inject(Fault("btcturk", "zeros", path=BTCTURK_PATH))
    return Scene(system.url, await system.until(lambda said: "suspicious" in _statuses(said)), system)


async def unpriced(stage: Stage) -> Scene:
    """Several holdings have no price anywhere."""
    scene = await demo(stage)
    assert scene.system is not None
    for number in range(3):
        scene.system.sim.set_balance("binance", "main", "funding", f"NOQUOTE{number}", free=f"{number + 1}.5")
    scene.system.sim.set_balance("btcturk", "main", "spot", "XYZZY", free="0.00000001")
    scene.document = await scene.system.until(lambda said: len(said["totals"]["unpriced"]) == 5)
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
        before=lambda sim: _inject(sim, Fault("binance", "status", path=SPOT_PATH, status=200, body=body))
    )
    document = await system.until(
        lambda said: (
            complete(said)
            and len({entry["asset"] for entry in said["totals"]["unpriced"]} & set(HOSTILE)) == len(HOSTILE)
        )
    )
    return Scene(system.url, document, system)


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
            and "wallet_never_read" not in _kinds(said)
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
        lambda said: bool(rows(said, "btcturk", "family")) and "wallet_never_read" not in _kinds(said),
        portfolio="family",
    )
    return scene


async def api_gone(stage: Stage) -> Scene:
    """The system is stopped while the page is open."""
    scene = await demo(stage)
    assert scene.system is not None
    scene.after = scene.system.stop
    scene.breaks_network = True
    return scene


async def read_token(stage: Stage) -> Scene:
    """Readers must show a token, and none has been given yet."""
    scene = await usual(await stage.start(read_token=READER))
    scene.token = READER
    scene.statuses = frozenset({401})
    scene.understood = False
    scene.says = ("readToken.title", "readToken.text")
    return scene


async def newer_schema(stage: Stage) -> Scene:
    """The server was updated while this page is an old one: it speaks a version that the page does not know."""
    system = await stage.start()
    document = await system.until(priced)
    proxy = await stage.proxy(system.url, lambda said: {**said, "schemaVersion": 2, "totals": "what a newer one says"})
    return Scene(proxy.url, document, system, understood=False, says=("unsupported.title",))


async def bus_away(stage: Stage) -> Scene:
    """The bus was lost while all was well: what is shown was known then. (Only a Kafka could be lost in earnest.)"""
    system = await stage.start()
    document = await system.until(priced)
    bus = {"state": "degraded", "since": document["updatedAt"], "reason": "Kafka does not answer: connection refused"}
    proxy = await stage.proxy(system.url, lambda said: {**said, "bus": bus})
    return Scene(proxy.url, {**document, "bus": bus}, system, says=("bus.known",))


async def bus_never_there(stage: Stage) -> Scene:
    """The api runs, and the Kafka it was told of does not."""
    url = await stage.program("api", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    document = await stage.until(url, lambda said: said["bus"]["state"] == "degraded")
    return Scene(url, document, says=("bus.unknown",))


async def no_admin_token(stage: Stage) -> Scene:
    """Nothing can be written, since no admin token is set."""
    return await usual(await stage.start(admin=False))


STATES: Final[Mapping[str, Callable[[Stage], Awaitable[Scene]]]] = {
    one.__name__: one
    for one in (
        demo,
        real,
        loading,
        half_loaded,
        first_run,
        one_key,
        empty,
        emptied,
        wrong_key,
        key_revoked,
        key_may_trade,
        unavailable,
        rate_limited,
        banned,
        blocked,
        unreadable,
        one_wallet_failed,
        clock_skew,
        all_failed,
        all_failed_from_the_start,
        stale,
        one_stale,
        silent,
        suspicious,
        unpriced,
        many_assets,
        hostile_names,
        accounts,
        other_portfolio,
        api_gone,
        read_token,
        newer_schema,
        bus_away,
        bus_never_there,
        no_admin_token,
    )
}


def _slower(settings: Any) -> Any:
    # Thousands of rows three times a second would only show how fast this machine is.
    return dataclasses.replace(
        quick(settings), price_poll_seconds=5.0, timeouts=dataclasses.replace(settings.timeouts, total=10.0)
    )


def _talkative(settings: Any) -> Any:
    # A sign of life after the clock has jumped must not be waited for.
    settings = quick(settings)
    return dataclasses.replace(settings, pacing=dataclasses.replace(settings.pacing, heartbeat=0.3))


async def _failing(stage: Stage, fault: Fault) -> Scene:
    scene = await demo(stage)
    assert scene.system is not None
    scene.system.sim.inject(fault)
    scene.document = await scene.system.until(
        lambda said: any(one["exchange"] == fault.exchange and one["error"] for one in said["sources"])
    )
    return scene


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


def _inject(sim: Simulator, *faults: Fault) -> None:
    for fault in faults:
        sim.inject(fault)


def _hanging(sim: Simulator) -> None:
    _inject(sim, *(Fault(exchange, "hang") for exchange in WALLETS))


def _emptied(sim: Simulator) -> None:
    for exchange, wallets in WALLETS.items():
        for wallet in wallets:
            sim.set_balances(exchange, "main", wallet, {})


def _source(said: Document, exchange: str) -> Document | None:
    return next((one for one in said["sources"] if one["exchange"] == exchange), None)


def _state(said: Document, exchange: str) -> str | None:
    source = _source(said, exchange)
    return None if source is None else source["state"]


def _states(said: Document) -> set[str]:
    return {one["state"] for one in said["sources"]}


def _status(said: Document, exchange: str) -> str | None:
    return next((one["status"] for one in said["accounts"] if one["exchange"] == exchange), None)


def _statuses(said: Document) -> set[str]:
    return {one["status"] for one in said["accounts"]}


def _kinds(said: Document) -> set[str]:
    return {one["kind"] for one in said["totals"]["reasons"]}
