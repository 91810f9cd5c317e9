"""Every state the page can be in, each brought about for real: by what the exchanges answer, never by a made-up API.

Each function takes a stage and returns a scene: where to look, what the API says there, and what is done to it while
the page is open. Tests hold the page to them, and the screenshots show them.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from tests.browser.stage import Stage
from tests.browser.states.apart import api_gone, bus_away, bus_never_there, newer_schema, read_token
from tests.browser.states.failing import (
    all_failed,
    all_failed_from_the_start,
    banned,
    blocked,
    key_may_trade,
    key_revoked,
    one_wallet_failed,
    rate_limited,
    unavailable,
    unreadable,
    wrong_key,
)
from tests.browser.states.holdings import HOSTILE, MANY, hostile_names, many_assets, unpriced
from tests.browser.states.old import one_stale, silent, stale, suspicious
from tests.browser.states.scene import Scene
from tests.browser.states.usual import (
    accounts,
    clock_skew,
    demo,
    emptied,
    empty,
    first_run,
    half_loaded,
    loading,
    no_admin_token,
    one_key,
    other_portfolio,
    real,
    settled_demo,
)

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

__all__ = [
    "HOSTILE",
    "MANY",
    "STATES",
    "Scene",
    "accounts",
    "all_failed",
    "all_failed_from_the_start",
    "api_gone",
    "banned",
    "blocked",
    "bus_away",
    "bus_never_there",
    "clock_skew",
    "demo",
    "emptied",
    "empty",
    "first_run",
    "half_loaded",
    "hostile_names",
    "key_may_trade",
    "key_revoked",
    "loading",
    "many_assets",
    "newer_schema",
    "no_admin_token",
    "one_key",
    "one_stale",
    "one_wallet_failed",
    "other_portfolio",
    "rate_limited",
    "read_token",
    "real",
    "settled_demo",
    "silent",
    "stale",
    "suspicious",
    "unavailable",
    "unpriced",
    "unreadable",
    "wrong_key",
]
