"""The rules of a history, one function each: what did not hold, with what shows it. Pure.

H1 no version of a key seen at the api ever goes back. H2 after quiescence the api's state, the fold of the inputs and
the fold of the state topic are one. H3 every acknowledged publish is visible or superseded, also for a reader of what
compaction will keep. H4 no age is reported younger than the oldest contributing read, but for a second. H5 no answer
mixes two states: its parts sum to its totals, and are those of the one version it names. H6 no secret is anywhere.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any
from urllib.parse import quote

from schemas.events import BalanceSnapshot
from schemas.portfolio import AccountState, PortfolioState
from tests.history.history import History, Version
from tests.history.reading import (
    ONE_WRITER,
    Fact,
    Finding,
    Served,
    facts_of,
    first_difference,
    moment,
    newest,
    seconds,
    served,
    versions_seen,
)
from tests.unit.aggregator.reference import Reference

TOLERANCE_SECONDS = 1.0
"""Ages are rendered at most once a second."""


def h1_versions_never_go_back(history: History) -> Iterator[Finding]:
    """An answer asked for after another had arrived is not older than it."""
    seen = sorted(versions_seen(history), key=lambda one: one[0].arrived_at)
    by_portfolio: dict[str, list[tuple[float, float, Version, str]]] = defaultdict(list)
    for answer, portfolio, version in seen:
        by_portfolio[portfolio].append((answer.asked_at, answer.arrived_at, version, f"{answer.source} {answer.url}"))
    for portfolio, answers in by_portfolio.items():
        asked = sorted(answers)
        arrived = iter(answers)
        following = next(arrived, None)
        largest: tuple[Version, str, float] | None = None
        for asked_at, _, version, source in asked:
            while following is not None and following[1] <= asked_at:
                if largest is None or following[2] > largest[0]:
                    largest = (following[2], following[3], following[1])
                following = next(arrived, None)
            if largest is not None and version < largest[0]:
                yield Finding(
                    "H1",
                    f"{portfolio}: {version} was served after {largest[0]}",
                    f"{source} asked {asked_at:.3f}; {largest[1]} arrived {largest[2]:.3f}",
                )


def h2_all_folds_agree(history: History) -> Iterator[Finding]:
    """At the end of the last quiet time: inputs folded by the plain reference, the state topic, and the api."""
    if not history.quiet:
        yield Finding("H2", "the history has no quiet time, so nothing can be said", "quiet is empty")
        return
    _, end = history.quiet[-1]
    states = newest(facts_of(history, "spark.portfolio"))
    reference = Reference()
    for fact in facts_of(history, "spark.balances", "spark.prices", "spark.collectors"):
        reference.apply(fact.fact, _taken_in_at(fact))
    last = {one.portfolio: one for one in served(history) if one.answer.arrived_at <= end}
    for portfolio in sorted({event.portfolio for event in reference.facts.values()} | states.keys()):
        fact = states.get(portfolio)
        state = None if fact is None else fact.fact.event
        if fact is None or not isinstance(state, PortfolioState):
            yield Finding("H2", f"{portfolio} has inputs and no state", "the fold of spark.portfolio")
            continue
        expected = reference.state(portfolio, state.valued_at, state.version)
        if expected is None:
            yield Finding("H2", f"{portfolio} has a state and no inputs", fact.place)
        elif difference := first_difference(_dumped(state), _dumped(expected)):
            yield Finding("H2", f"{portfolio}: the state is not what its inputs make: {difference}", fact.place)
        answer = last.get(portfolio)
        if answer is None:
            yield Finding("H2", f"{portfolio} was never served", fact.place)
        elif answer.version != state.version:
            yield Finding("H2", f"{portfolio}: {answer.version} is served, {state.version} stands", answer.place)


def h3_acknowledged_is_visible_or_superseded(history: History) -> Iterator[Finding]:
    """What was acknowledged, or something newer of its key, is in the log; and the newest stands last."""
    for topic in ONE_WRITER:
        largest: dict[str, Fact] = {}
        last: dict[str, Fact] = {}
        for fact in facts_of(history, topic):
            last[fact.fact.key] = fact
            known = largest.get(fact.fact.key)
            if fact.version is not None and (known is None or fact.version > (known.version or (0, 0))):
                largest[fact.fact.key] = fact
        for acked in history.acked:
            if acked.topic != topic:
                continue
            found = largest.get(acked.key)
            if found is None or (found.version or (0, 0)) < acked.version:
                what = "nothing" if found is None else f"{found.version} at most"
                yield Finding("H3", f"{acked.key} {acked.version} was acknowledged, {what} is there", f"{acked.at:.3f}")
        for key, fact in last.items():
            if fact.version is not None and fact.version < (largest[key].version or (0, 0)):
                yield Finding(
                    "H3", f"compaction would keep {fact.version} of {key}", f"{fact.place}; {largest[key].place}"
                )


def h4_ages_do_not_lie(history: History) -> Iterator[Finding]:
    """An account is as old as its oldest wallet, and a wallet as old as the read it came from."""
    states = _states(history)
    reads = {
        (fact.fact.key, fact.version): fact.fact.event
        for fact in facts_of(history, "spark.balances")
        if isinstance(fact.fact.event, BalanceSnapshot)
    }
    for one in served(history):
        state = states.get((one.portfolio, one.version))
        if state is None:
            continue  # H5 says so.
        for account, row in zip(state.accounts, one.body["accounts"], strict=False):
            yield from _account_ages(one, account, row, reads)


def _account_ages(
    one: Served, account: AccountState, row: dict[str, Any], reads: dict[tuple[str, Version | None], BalanceSnapshot]
) -> Iterator[Finding]:
    name = f"{one.portfolio}/{account.exchange}/{account.account}"
    observed = []
    for wallet, shown in zip(account.wallets, row["wallets"], strict=False):
        key = f"{name}/{wallet.wallet}"
        read = reads.get((key, (wallet.epoch, wallet.seq)))
        if read is None:
            yield Finding("H4", f"{key} {(wallet.epoch, wallet.seq)} is shown and was never published", one.place)
            continue
        observed.append(read.observed_at)
        yield from _age(one, key, seconds(read.observed_at), shown)
        stale = one.answer.asked_at > seconds(moment(shown["staleAt"])) + TOLERANCE_SECONDS
        if stale and shown["status"] == "fresh" and not one.answer.source.startswith("stream"):
            yield Finding("H4", f"{key} is shown fresh after {shown['staleAt']}", one.place)
    if observed:
        yield from _age(one, name, seconds(min(observed)), row)


def _age(one: Served, name: str, read_at: float, row: dict[str, Any]) -> Iterator[Finding]:
    shown_at = seconds(moment(row["asOf"]))
    if shown_at > read_at + 0.0005:
        yield Finding("H4", f"{name} says it is of {shown_at:.3f}, its oldest read of {read_at:.3f}", one.place)
    age = one.answer.asked_at - read_at
    if float(row["ageSeconds"]) < age - TOLERANCE_SECONDS:
        yield Finding("H4", f"{name} says it is {row['ageSeconds']} s old and is {age:.3f} s old", one.place)


def h5_no_answer_mixes_states(history: History) -> Iterator[Finding]:
    """The parts of an answer sum to its totals, and are those of the one state whose version it names."""
    states = _states(history)
    checked: set[tuple[str, Version, int]] = set()
    for one in served(history):
        yield from _sums(one)
        state = states.get((one.portfolio, one.version))
        if state is None:
            yield Finding("H5", f"{one.portfolio} {one.version} was served and never published", one.place)
            continue
        shown = _amounts_shown(one.body)
        mark = (one.portfolio, one.version, hash(repr(shown)))
        if mark not in checked:
            checked.add(mark)
            if difference := first_difference(shown, _amounts_of(state)):
                yield Finding("H5", f"{one.portfolio} {one.version} is not shown as published: {difference}", one.place)


def _sums(one: Served) -> Iterator[Finding]:
    total = Decimal(0)
    with localcontext(prec=200):
        for account in one.body["accounts"]:
            rows = [row for row in account["balances"] if row["counted"] and row["valueUsd"] is not None]
            value = sum((Decimal(row["valueUsd"]) for row in rows), Decimal(0))
            total += value
            name = f"{account['exchange']}/{account['account']}"
            yield from _total(one, name, value, account["totals"])
        if one.body["accounts"]:
            yield from _total(one, "the portfolio", total, one.body["totals"])
            for parts in ("byExchange", "byWallet"):
                value = sum((Decimal(row["totalUsdExact"]) for row in one.body["totals"][parts]), Decimal(0))
                yield from _total(one, parts, value, one.body["totals"])


def _total(one: Served, name: str, value: Decimal, shown: dict[str, Any]) -> Iterator[Finding]:
    cents = value.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    if Decimal(shown["totalUsdExact"]) != value or Decimal(shown["totalUsd"]) != cents:
        text = f"{shown['totalUsdExact']} ({shown['totalUsd']})"
        yield Finding("H5", f"the parts of {name} sum to {value:f}, the total says {text}", one.place)


def h6_no_secret_is_anywhere(history: History) -> Iterator[Finding]:
    """Neither in a record, nor in an answer, nor in a log, metric or file. The finding does not repeat it either."""
    needles = {form.encode() for secret in history.secrets for form in (secret, quote(secret, safe=""))}
    if not needles:
        yield Finding("H6", "no canary was seeded, so nothing can be said", "secrets is empty")
        return
    for where, text in _everything(history):
        for needle in needles:
            if needle in text:
                yield Finding("H6", f"a secret of {len(needle)} letters stands in {where}", f"at {text.index(needle)}")


def _everything(history: History) -> Iterator[tuple[str, bytes]]:
    for record in history.records:
        place = f"{record.topic}/{record.partition}@{record.offset}"
        yield f"the key of {place}", record.key or b""
        yield f"the value of {place}", record.value or b""
        for name, value in record.headers:
            yield f"a header of {place}", name.encode() + b": " + (value or b"")
    for answer in history.answers:
        yield f"the body of {answer.url}", answer.body
        yield f"the headers of {answer.url}", repr(answer.headers).encode()
        yield "an address", answer.url.encode()
    for text in history.texts:
        yield text.where, text.text


RULES: tuple[Callable[[History], Iterator[Finding]], ...] = (
    h1_versions_never_go_back,
    h2_all_folds_agree,
    h3_acknowledged_is_visible_or_superseded,
    h4_ages_do_not_lie,
    h5_no_answer_mixes_states,
    h6_no_secret_is_anywhere,
)


def check(history: History) -> list[Finding]:
    """All rules."""
    return [finding for rule in RULES for finding in rule(history)]


def _taken_in_at(fact: Fact) -> dt.datetime:
    # When an aggregator reads a record does not matter to the fold, but for times that lie ahead of its clock: offsets
    # of the exchanges' clocks are known to a few milliseconds, so no record counts as read before it was written.
    return dt.datetime.fromtimestamp(fact.record.at, dt.UTC) + dt.timedelta(seconds=1)


def _dumped(state: PortfolioState) -> Any:
    return state.model_dump(mode="json", exclude={"published_at"})


def _states(history: History) -> dict[tuple[str, Version], PortfolioState]:
    found = {}
    for fact in facts_of(history, "spark.portfolio"):
        if isinstance(fact.fact.event, PortfolioState):
            found[fact.fact.key, fact.fact.event.version] = fact.fact.event
    return found


def _amounts_of(state: PortfolioState) -> Any:
    return {
        "total": state.totals.total_usd if state.accounts else None,
        "accounts": [
            {
                "name": [account.exchange, account.account],
                "total": account.total_usd,
                "wallets": [[wallet.wallet, wallet.epoch, wallet.seq, wallet.total_usd] for wallet in account.wallets],
                "rows": [
                    [row.asset, row.wallet, row.free, row.locked, row.total, row.price_usd, row.value_usd]
                    for row in account.holdings
                ],
            }
            for account in state.accounts
        ],
    }


def _amounts_shown(body: dict[str, Any]) -> Any:
    def exact(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return {
        "total": exact(body["totals"]["totalUsdExact"]),
        "accounts": [
            {
                "name": [account["exchange"], account["account"]],
                "total": exact(account["totals"]["totalUsdExact"]),
                "wallets": [
                    [row["wallet"], *map(int, row["version"].split("-")), exact(row["totalUsdExact"])]
                    for row in account["wallets"]
                ],
                "rows": [
                    [row["asset"], row["wallet"]]
                    + [exact(row[name]) for name in ("free", "locked", "total", "priceUsd", "valueUsd")]
                    for row in account["balances"]
                ],
            }
            for account in body["accounts"]
        ],
    }
