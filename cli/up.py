"""`spark-portfolio up`: settings, the whole system, what a person sees, the end."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TextIO, cast

from cli.demo import Demo, start_demo
from cli.embedded import Embedded, is_terminal
from cli.exits import NO_KAFKA_YET, Exit, ExitError
from cli.live import CurrentStderr, LiveSummary, console
from cli.run import install_signals, until_end
from cli.settings.load import Loaded, Settings, load_settings, secret
from collectors.spec import ExchangeSpec
from monitoring.logs import configure_logs, get_logger

_log = get_logger()


async def run_up(specs: Sequence[ExchangeSpec], *, demo: bool, env_file: Path, environment: Mapping[str, str]) -> Exit:
    """Run everything in one process until a signal or a part ends it."""
    stop = asyncio.Event()
    install_signals(stop)
    world: Demo | None = None
    loaded: Loaded | None = None
    try:
        if demo:
            world = await start_demo(specs, env_file, environment)
            settings = world.settings
        else:
            loaded = load_settings(specs, env_file, environment)
            settings = _real(loaded)
        if settings.core.bootstrap_servers is not None:
            raise ExitError(Exit.WRONG_USE, NO_KAFKA_YET)
        _logs(settings)
        for finding in loaded.findings if loaded else ():
            _log.warning(finding.message, mend=finding.mend)
        return await _run(Embedded(settings, demo=demo), settings, stop, demo=demo)
    finally:
        if world is not None:
            await world.stop()


def _real(loaded: Loaded) -> Settings:
    if loaded.settings is None:
        raise ExitError(Exit.WRONG_USE, loaded.problems())
    if loaded.settings.account_count == 0:
        raise ExitError(Exit.WRONG_USE, missing_keys([one.spec for one in loaded.settings.exchanges.values()]))
    return loaded.settings


def missing_keys(specs: Sequence[ExchangeSpec]) -> str:
    """What to set, and how to get it, when no account is configured at all."""
    lines = ["No exchange key is set, so there is nothing to show. One exchange is enough:"]
    for spec in specs:
        names = ", ".join(f"{spec.prefix}_{c.suffix}" for c in spec.credentials if not c.optional)
        lines += [f"  {spec.title}: set {names}", f"      {spec.key_guide}"]
    lines += [
        "Write them into .env (copy .env.template), then try again.",
        "To look around without keys: spark-portfolio up --demo",
    ]
    return "\n".join(lines)


def _logs(settings: Settings) -> None:
    log_format: Literal["console", "json"]
    if settings.core.log_format == "auto":
        log_format = "console" if is_terminal() else "json"
    else:
        log_format = settings.core.log_format
    level = settings.core.log_level
    if is_terminal() and level == "info":
        level = "warning"  # The live display shows the rest.
    stream = cast("TextIO", CurrentStderr()) if is_terminal() else None
    configure_logs(level, log_format, settings.secrets(), stream=stream)


async def _run(system: Embedded, settings: Settings, stop: asyncio.Event, *, demo: bool) -> Exit:
    display: LiveSummary | None = None
    try:
        await system.start()
        for line in where_to_look(system.api.url, settings, demo=demo):
            console().print(line, markup=False, soft_wrap=True)
        _log.info("running", url=system.api.url, accounts=settings.account_count, demo=demo)
        if is_terminal():
            display = LiveSummary(system.bus, console())
            await display.start()
        code = await until_end(system.roles, stop)
    finally:
        if display is not None:
            await display.stop()
        stopped = await system.stop()
    _log.info("ended", exit_code=int(code or stopped))
    return code or stopped


def where_to_look(url: str, settings: Settings, *, demo: bool) -> list[str]:
    """The first lines a person reads. Only a terminal is shown the demo's admin token, a log never is."""
    lines = [f"Spark Portfolio is up: {url}/portfolio   (API: {url}/api/portfolio, Ctrl-C ends it)"]
    if demo:
        names = ", ".join(
            f"{exchange.spec.title} ({', '.join(account.label for account in exchange.accounts)})"
            for exchange in settings.exchanges.values()
        )
        lines.append(f"DEMO: simulated exchanges, no real money: {names}")
        if is_terminal():
            lines.append(f"Admin token of this run: {secret(settings.core.admin_token)}")
    keyless = [one.spec.title for one in settings.exchanges.values() if not one.accounts]
    if keyless:
        lines.append(f"Without a key, for prices only: {', '.join(keyless)}")
    return lines
