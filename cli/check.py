"""`spark-portfolio check`: what is wrong with settings, keys, clocks or the way to the exchanges, and what to do."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Final

from prometheus_client import CollectorRegistry
from rich.console import Console

from cli.check_kafka import kafka_lines
from cli.exits import Exit
from cli.lines import Line, table_of
from cli.settings.exchanges import AccountCredentials, ExchangeSettings
from cli.settings.load import Loaded, Settings
from collectors.client import Client, Key
from collectors.clock import SKEW_WARNING_SECONDS
from collectors.errors import ExchangeError, UnavailableError
from collectors.exchange import Exchange
from collectors.http import HttpSession, Timeouts
from collectors.permissions import UNVERIFIED, judge
from collectors.registry import EXCHANGES
from monitoring.clock import SystemClock
from monitoring.metrics import CollectorMetrics
from schemas.events import Permissions

CHECK_AGAIN: Final = "Look at this machine's network, at the address in the settings and at the exchange's status page."


async def run_check(loaded: Loaded, *, as_json: bool) -> Exit:
    """Look at everything, print it; CLEAN when nothing is wrong, WRONG_USE for settings, ERROR for the rest."""
    lines = [Line(finding.severity, finding.name, finding.message, finding.mend) for finding in loaded.findings]
    if loaded.settings is not None:
        lines.insert(0, Line("ok", "settings", f"read; accounts with a key: {loaded.settings.account_count}"))
        lines += await _exchanges(loaded.settings)
        if loaded.settings.kafka is not None:
            lines += await kafka_lines(loaded.settings.kafka)
    if as_json:
        document = {"ok": all(line.outcome != "error" for line in lines), "lines": [asdict(line) for line in lines]}
        print(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        Console(highlight=False).print(table_of(lines))
    if loaded.settings is None:
        return Exit.WRONG_USE
    return Exit.ERROR if any(line.outcome == "error" for line in lines) else Exit.CLEAN


async def _exchanges(settings: Settings) -> list[Line]:
    lines = []
    if settings.account_count == 0:
        guides = " ".join(f"{one.spec.title}: {one.spec.key_guide}" for one in settings.exchanges.values())
        lines.append(Line("error", "accounts", "no exchange key is set: there is nothing to show", guides))
    for exchange in settings.exchanges.values():
        lines += await _exchange(exchange)
    return lines


async def _exchange(settings: ExchangeSettings) -> list[Line]:
    exchange = EXCHANGES[settings.spec.name]()
    async with _client(exchange, settings) as client:
        try:
            await client.sync()
        except ExchangeError as error:
            return [_failure(settings.spec.name, error)]
        lines = [Line("ok", settings.spec.name, f"answers at {settings.urls['REST_URL']}"), _clock(client)]
        if not settings.accounts:
            lines.append(Line("ok", settings.spec.name, "no key: prices only"))
        for account in settings.accounts:
            lines += await _account(exchange, client, account)
        return lines


@asynccontextmanager
async def _client(exchange: Exchange, settings: ExchangeSettings) -> AsyncIterator[Client]:
    async with HttpSession(settings.urls["REST_URL"], title=exchange.title, timeouts=Timeouts()) as http:
        yield Client(exchange, http, clock=SystemClock(), metrics=CollectorMetrics(CollectorRegistry()))


def _clock(client: Client) -> Line:
    offset = (client.server_clock.offset_ms() or 0) / 1000
    subject = f"{client.exchange.name} clock"
    if abs(offset) > SKEW_WARNING_SECONDS:
        return Line("warning", subject, f"this machine's clock is {-offset:+.1f} s off", "set it by NTP")
    return Line("ok", subject, f"this machine's clock is {round(-offset * 1000):+d} ms off")


async def _account(exchange: Exchange, client: Client, account: AccountCredentials) -> list[Line]:
    subject = f"{exchange.name}/{account.label}"
    key = Key(account.credentials)
    try:
        found = await exchange.read_permissions(client.conversation(key).call)
        permissions, refusal = UNVERIFIED, None
        if found is not None:
            permissions, refusal = judge(found, account.allowed_flags, title=exchange.title, first=True)
        if refusal is not None:
            return [Line("error", subject, refusal.message, refusal.mend)]
        lines = [_permissions(subject, permissions)]
        if permissions.ip_restricted is False:
            lines.append(Line("warning", subject, "the key works from any address", "restrict it to this machine's"))
        wallet = next(iter(exchange.wallets))
        balances = await exchange.read_wallet(wallet, client.conversation(key).call, None)
        lines.append(Line("ok", subject, f"reads {wallet}: {len(balances)} assets"))
    except ExchangeError as error:
        return [_failure(subject, error)]
    return lines


def _failure(subject: str, error: ExchangeError) -> Line:
    """An error's own mend speaks to somebody whose reading goes on; a check is over, and is made again."""
    mend = CHECK_AGAIN if isinstance(error, UnavailableError) else error.mend
    return Line("error", subject, error.message, mend)


def _permissions(subject: str, permissions: Permissions) -> Line:
    flags = f" ({', '.join(permissions.flags)})" if permissions.flags else ""
    what = f"permissions: {permissions.state.replace('_', ' ')}{flags}"
    match permissions.state:
        case "overridden":
            return Line("warning", subject, what, "the settings allow it; a key that only reads is safer")
        case "unverified":
            return Line("ok", subject, what, "the exchange cannot be asked; look at the key's page there")
        case _:
            return Line("ok", subject, what)
