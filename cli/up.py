"""`spark-portfolio up`: settings, the whole system, what a person sees, the end."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from bus.interface import Bus
from cli.demo import Demo, demo_base, demo_settings, start_demo
from cli.exits import Exit, ExitError
from cli.garbage import spare_what_stays
from cli.live import LiveSummary, console
from cli.logs import is_terminal, log_beside_display
from cli.page import MEND, page_is_old
from cli.run import Waits, install_signals, until_end
from cli.settings.load import Loaded, Settings, load_settings, secret
from cli.settings.values import Finding
from collectors.spec import ExchangeSpec
from monitoring.logs import get_logger

_log = get_logger()


class System(Protocol):
    """The whole product, in one process or in several."""

    @property
    def url(self) -> str:
        """Where the page and the API are."""

    @property
    def bus(self) -> Bus | None:
        """What a live display follows; None where nobody watches."""

    @property
    def roles(self) -> Sequence[Waits]:
        """What may end by itself."""

    async def start(self) -> None:
        """Start all; ExitError with a sentence where that cannot be."""

    async def stop(self) -> Exit:
        """Stop all, bounded; UNSENT where facts were left."""


async def run_up(specs: Sequence[ExchangeSpec], *, demo: bool, env_file: Path, environment: Mapping[str, str]) -> Exit:
    """Run everything until a signal or a part ends it: in one process, or on Kafka with one for each role."""
    stop = asyncio.Event()
    install_signals(stop)
    loaded = load_settings(() if demo else specs, env_file, environment)  # In a demo real keys are not looked at.
    settings = demo_base(loaded) if demo else _real(loaded)
    if settings.kafka is not None:
        return await _on_kafka(settings, specs, environment, loaded.findings, stop, demo=demo)
    world: Demo | None = None
    try:
        if demo:
            world = await start_demo(specs, settings)
            settings = world.settings
        log_beside_display(settings)
        _tell(loaded.findings)
        from cli.embedded import Embedded  # noqa: PLC0415 - who runs processes needs none of their parts

        return await _run(Embedded(settings, demo=demo), settings, stop, demo=demo)
    finally:
        if world is not None:
            await world.stop()


async def _on_kafka(
    settings: Settings,
    specs: Sequence[ExchangeSpec],
    environment: Mapping[str, str],
    findings: Sequence[Finding],
    stop: asyncio.Event,
    *,
    demo: bool,
) -> Exit:
    from cli.fleet import Fleet, demo_ports  # noqa: PLC0415 - who runs without Kafka needs none of its clients

    port: int | None = None
    if demo:
        port, urls = demo_ports(specs)
        settings = demo_settings(settings, specs, urls)
    level = log_beside_display(settings)
    _tell(findings)
    if settings.core.metrics_port is not None:
        _log.warning("METRICS_PORT is one port and not used here: each process has its own", mend="leave it empty")
    fleet = Fleet(settings, environment=environment, level=level, demo_port=port, stop=stop)
    return await _run(fleet, settings, stop, demo=demo)


def _tell(findings: Sequence[Finding]) -> None:
    for finding in findings:
        _log.warning(finding.message, mend=finding.mend)
    if page_is_old():
        _log.warning("the page is older than its sources in web/", mend=MEND)


def _real(loaded: Loaded) -> Settings:
    if loaded.settings is None:
        raise ExitError(Exit.WRONG_USE, loaded.problems())
    # Without any key it runs all the same: the page then says, step by step, what to do.
    return loaded.settings


def missing_keys(specs: Sequence[ExchangeSpec]) -> list[str]:
    """What to set, and how to get it, when no account is configured at all."""
    lines = ["No exchange key is set, so there is nothing to show yet. One exchange is enough:"]
    for spec in specs:
        names = ", ".join(f"{spec.prefix}_{c.suffix}" for c in spec.credentials if not c.optional)
        lines += [f"  {spec.title}: set {names}", f"      {spec.key_guide}"]
    lines += [
        "Write them into .env (copy .env.template), then start again; the page has the same step by step.",
        "To look around without keys: spark-portfolio up --demo",
    ]
    return lines


async def _run(system: System, settings: Settings, stop: asyncio.Event, *, demo: bool) -> Exit:
    display: LiveSummary | None = None
    code = Exit.CLEAN
    try:
        await system.start()
        if not stop.is_set():
            for line in where_to_look(system.url, settings, demo=demo):
                console().print(line, markup=False, soft_wrap=True)
            _log.info("running", url=system.url, accounts=settings.account_count, demo=demo)
            if system.bus is not None and is_terminal():
                display = LiveSummary(system.bus, console())
                await display.start()
        spare_what_stays()
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
        if settings.kafka is not None:
            lines.append(
                f"On Kafka at {settings.kafka.bootstrap_servers}, its topics are {settings.kafka.topic('spark.…')}"
            )
        if is_terminal():
            lines.append(f"Admin token of this run: {secret(settings.core.admin_token)}")
    keyless = [one.spec.title for one in settings.exchanges.values() if not one.accounts]
    if settings.account_count == 0:
        lines += missing_keys([one.spec for one in settings.exchanges.values()])
    elif keyless:
        lines.append(f"Without a key, for prices only: {', '.join(keyless)}")
    return lines
