"""What shows as fresh, stale, suspicious, silent or missing, and when."""

import pytest

from schemas.encoding import Decoded
from schemas.events import SourceError
from tests.unit.aggregator.worlds import SECOND, START, Mirror, Player, balance, quote, snapshot, status

MOMENT = 20 * SECOND / 1000  # As near as two states may be.


def playing(*facts, now=START):
    player = Player()
    player.play(facts, now)
    player.tick(now)
    return player


def look(player, now):
    player.tick(now)
    return player.states["main"]


def kinds(state):
    return {reason.kind for reason in state.totals.reasons}


def wallet_mark(player, now):
    state = look(player, now)
    (account,) = state.accounts
    assert account.status == account.wallets[0].status
    assert (account.status == "fresh") == (
        "wallet_stale" not in kinds(state) and "wallet_suspicious" not in kinds(state)
    )
    return account.status


def alive(player, until, version=(1, 2)):
    """Signs of life every 15 s, so that only the wallet ages."""
    now, (epoch, seq) = START, version
    while now < until:
        player.play([status(version=(epoch, seq), at=now)], now)
        player.tick(now)
        now, seq = now + 15 * SECOND, seq + 1
    player.play([status(version=(epoch, seq), at=until)], until)


@pytest.mark.parametrize(("interval", "seconds"), [(5.0, 60), (10.0, 60), (20.0, 60), (30.0, 90), (60.0, 180)])
def test_a_wallet_is_stale_after_a_minute_or_three_intervals(interval, seconds):
    player = playing(snapshot([balance("USDT", "1")], interval=interval))
    limit = START + seconds * SECOND
    alive(player, limit)
    assert wallet_mark(player, limit) == "fresh"
    assert wallet_mark(player, limit + MOMENT) == "stale"
    assert look(player, limit).accounts[0].wallets[0].stale_at == limit


def test_an_age_that_changes_a_mark_goes_out_at_once():
    player = playing(snapshot(), status())
    alive(player, START + 60 * SECOND)
    player.tick(START + 60 * SECOND)
    assert player.aggregator.next_due() <= START + 60 * SECOND + SECOND / 1000
    (sent,) = player.tick(START + 60 * SECOND + MOMENT)
    assert sent[1].accounts[0].status == "stale"


def test_the_worst_wallet_marks_the_account():
    player = playing(
        snapshot(wallet="spot"),
        snapshot(wallet="funding", at=START - 61 * SECOND),
        status(wallets=[("spot", "ok"), ("funding", "ok")]),
    )
    (account,) = player.states["main"].accounts
    assert (account.status, account.observed_at) == ("stale", START - 61 * SECOND)
    player.play([status(wallets=[("spot", "suspicious"), ("funding", "ok")], version=(1, 2))])
    (account,) = look(player, START + SECOND).accounts
    assert account.status == "suspicious"
    assert {wallet.wallet: wallet.status for wallet in account.wallets} == {"spot": "suspicious", "funding": "stale"}


def test_what_was_known_yesterday_is_shown_stale_until_the_restarted_collector_has_read_it():
    player = playing(snapshot([balance("USDT", "5")], version=(1, 9)), status("starting", version=(2, 1)))
    state = player.states["main"]
    assert state.accounts[0].status == "stale"
    assert state.totals.total_usd == 5
    player.play([snapshot([balance("USDT", "6")], version=(2, 1))])
    state = look(player, START + SECOND)
    assert state.accounts[0].status == "fresh"
    assert state.totals.total_usd == 6


@pytest.mark.parametrize("state", ["refused", "unconfigured"])
def test_a_refused_account_that_was_once_read_stays_stale(state):
    player = playing(snapshot([balance("USDT", "5")]), status(state))
    shown = player.states["main"]
    assert shown.accounts[0].status == "stale"
    assert shown.totals.partial
    assert shown.sources[0].state == state


def refusing(*, whole):
    """A status that shows a refusal: of the whole account, or of its funding wallet alone."""
    error = SourceError(kind="refused", message="no", mend="a new key", at=START)
    shown = status("refused", [("spot", "ok"), ("funding", "failed")], error=error)
    spot, funding = shown.event.wallets
    own = error.model_copy(update={"message": "not this wallet"}) if whole else error
    wallets = (spot, funding.model_copy(update={"error": own}))
    return Decoded(shown.topic, shown.key, shown.event.model_copy(update={"wallets": wallets}))


def test_a_wallet_that_is_refused_alone_leaves_the_others_fresh():
    player = playing(snapshot(wallet="spot"), snapshot(wallet="funding"), refusing(whole=False))
    (account,) = player.states["main"].accounts
    assert {wallet.wallet: wallet.status for wallet in account.wallets} == {"spot": "fresh", "funding": "stale"}
    player = playing(snapshot(wallet="spot"), snapshot(wallet="funding"), refusing(whole=True))
    (account,) = player.states["main"].accounts
    assert {wallet.status for wallet in account.wallets} == {"stale"}


@pytest.mark.parametrize("state", ["starting", "unavailable", "rate_limited", "unreadable", "live"])
def test_other_states_let_the_wallet_age_by_itself(state):
    player = playing(snapshot(), status(state))
    assert wallet_mark(player, START) == "fresh"
    assert player.states["main"].sources[0].state == state


def test_a_source_is_silent_after_45_seconds_and_unconfigured_after_ten_minutes():
    player = playing(snapshot(interval=1000.0), status())
    for seconds, expected, mark in [(45, "live", "fresh"), (45.02, "silent", "stale"), (600, "silent", "stale")]:
        state = look(player, START + seconds * SECOND)
        assert (state.sources[0].state, state.accounts[0].status) == (expected, mark)
    state = look(player, START + 600.02 * SECOND)
    assert (state.sources[0].state, state.accounts[0].status) == ("unconfigured", "stale")


def test_a_snapshot_before_the_first_status_is_the_sign_of_life():
    player = playing(snapshot())
    state = player.states["main"]
    assert (state.sources[0].state, state.accounts[0].status) == ("starting", "fresh")
    assert look(player, START + 46 * SECOND).accounts[0].status == "stale"


def test_a_clock_ahead_of_ours_keeps_nobody_fresh():
    hour = 3600 * SECOND
    player = playing(snapshot(at=START + hour), status(at=START + hour))
    assert look(player, START + 46 * SECOND).sources[0].state == "silent"
    assert look(player, START + 61 * SECOND).accounts[0].status == "stale"


def test_a_collector_whose_clock_is_behind_is_not_silent_as_long_as_it_knows_by_how_much():
    hour = 3600 * SECOND
    player = playing(snapshot(), status(at=START - hour, offset_ms=3_600_000))
    assert look(player, START + 45 * SECOND).sources[0].state == "live"
    assert look(player, START + 46 * SECOND).sources[0].state == "silent"


def test_a_snapshot_from_the_future_ages_from_its_arrival():
    player = playing(snapshot(at=START + 3600 * SECOND))
    alive(player, START + 61 * SECOND)
    assert wallet_mark(player, START + 61 * SECOND) == "stale"


def test_an_account_that_was_never_read_is_a_source_and_a_reason():
    player = playing(status("refused"))
    state = player.states["main"]
    assert state.accounts == ()
    assert kinds(state) == {"never_read", "no_account"}
    # Its collector falling silent does not make the total whole.
    assert "never_read" in kinds(look(player, START + 700 * SECOND))


def test_an_unconfigured_exchange_is_only_a_source():
    player = playing(snapshot(), status(), status("unconfigured", (), exchange="btcturk"))
    state = player.states["main"]
    assert not state.totals.partial
    assert [(source.exchange, source.state) for source in state.sources] == [
        ("binance", "live"),
        ("btcturk", "unconfigured"),
    ]


def test_nothing_at_all_is_not_a_total_of_zero():
    player = playing(status("unconfigured", ()))
    assert kinds(player.states["main"]) == {"no_account"}
    assert player.states["main"].totals.partial


def test_a_wallet_that_was_never_read_is_a_reason():
    player = playing(snapshot(), status(wallets=[("spot", "ok"), ("funding", "failed")]))
    (reason,) = player.states["main"].totals.reasons
    assert (reason.kind, reason.wallet) == ("wallet_never_read", "funding")


def mirrored(version=(1, 1)):
    return snapshot([balance("LDBTC", "2", mirror=Mirror(wallet="earn-flexible", asset="BTC"))], version=version)


def test_a_mirror_counts_only_while_the_other_wallet_is_not_there():
    earn = snapshot([balance("BTC", "2")], wallet="earn-flexible")
    player = playing(mirrored(), status(wallets=[]), quote("BTC", "USDT", "100"))
    assert player.states["main"].totals.total_usd == 200
    (row,) = player.states["main"].accounts[0].holdings
    assert (row.asset, row.counted, row.value_usd) == ("LDBTC", True, 200)
    assert "main/BTC" in player.wanted
    assert "main/LDBTC" not in player.wanted

    player.play([earn])
    state = look(player, START + SECOND)
    assert state.totals.total_usd == 200
    assert {row.asset: row.counted for row in state.accounts[0].holdings} == {"BTC": True, "LDBTC": False}

    player.play([Decoded(earn.topic, earn.key, None)])
    state = look(player, START + 2 * SECOND)
    assert state.totals.total_usd == 200
    assert state.accounts[0].holdings[0].counted


def test_a_mirror_counts_where_the_other_wallet_does_not_list_it():
    player = playing(mirrored(), snapshot(wallet="earn-flexible"), status(wallets=[]), quote("BTC", "USDT", "100"))
    assert player.states["main"].totals.total_usd == 200
    for seq, rows in enumerate(([balance("BTC", "2")], [balance("ETH", "1")], [balance("BTC", "2")]), start=2):
        player.play([snapshot(rows, wallet="earn-flexible", version=(1, seq))])
        state = look(player, START + seq * SECOND)
        assert state.totals.total_usd == 200
        (row,) = (row for row in state.accounts[0].holdings if row.asset == "LDBTC")
        assert row.counted == (rows[0].asset != "BTC")
        player.play([mirrored((1, seq))])
        assert look(player, START + (seq + 0.5) * SECOND).totals.total_usd == 200


def test_a_snapshot_replaces_the_wallet_and_zero_rows_are_not_listed():
    player = playing(snapshot([balance("USDT", "5"), balance("TRY", "7"), balance("BTC")]))
    assert [row.asset for row in player.states["main"].accounts[0].holdings] == ["USDT", "TRY"]
    player.play([snapshot([balance("TRY", "7")], version=(1, 2))])
    state = look(player, START + SECOND)
    assert [row.asset for row in state.accounts[0].holdings] == ["TRY"]
    assert [total.asset for total in state.totals.by_asset] == ["TRY"]


def test_what_an_order_locks_shows_though_the_total_is_the_same():
    player = playing(snapshot([balance("USDT", "5")]))
    player.play([snapshot([balance("USDT", "3", "2")], version=(1, 2))])
    (row,) = look(player, START + SECOND).accounts[0].holdings
    assert (row.free, row.locked, row.total) == (3, 2, 5)


def test_an_account_that_is_forgotten_disappears_and_old_records_do_not_revive_it():
    here, gone = snapshot(), snapshot([balance("USDT", "5")], account="savings")
    said = status(account="savings")
    player = playing(here, gone, said)
    outcomes = player.play([Decoded(said.topic, said.key, None), Decoded(gone.topic, gone.key, None), gone, said])
    assert outcomes == ["deleted", "deleted", "older", "older"]
    state = look(player, START + SECOND)
    assert [account.account for account in state.accounts] == ["main"]
    assert [source.account for source in state.sources] == ["main"]
    assert state.totals.total_usd == 0


def test_a_collector_that_counts_anew_is_believed():
    player = playing(snapshot([balance("USDT", "5")], version=(1, 900)))
    assert player.play([snapshot([balance("USDT", "6")], version=(2, 1))]) == ["applied"]
    assert look(player, START + SECOND).totals.total_usd == 6
    assert player.play([snapshot([balance("USDT", "7")], version=(1, 901))]) == ["older"]
