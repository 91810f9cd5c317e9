"""`spark-portfolio simulator`: the simulated exchanges on fixed ports, and the settings that lead to them."""

import asyncio
from collections.abc import Sequence

from cli.exits import Exit, ExitError
from cli.parent import watch_parent
from cli.run import install_signals
from collectors.spec import ExchangeSpec
from simulator import Simulator, demo_config


def new_simulator(seed: int) -> Simulator:
    """The demo's world of a seed, not started. Its keys are as the guide asks for; else each start warns of them."""
    simulator = Simulator(demo_config(seed=seed))
    for accounts in simulator.config.accounts.values():
        for account in accounts:
            simulator.set_permissions(account.label, ipRestrict=True)
    return simulator


def exchange_ports(port: int) -> dict[str, int]:
    """The ports of the simulated exchanges beside that of the control interface."""
    return {"binance": port + 1, "btcturk": port + 2}


async def run_simulator(specs: Sequence[ExchangeSpec], *, port: int, seed: int, child: bool) -> Exit:
    """Serve until a signal (``child``: or until the parent is gone); prints the lines that an env file needs."""
    stop = asyncio.Event()
    install_signals(stop)
    if child:
        watch_parent(stop)
    simulator = new_simulator(seed)
    ports = exchange_ports(port)
    try:
        await simulator.start(control_port=port, binance_port=ports["binance"], btcturk_port=ports["btcturk"])
    except OSError as error:
        raise ExitError(
            Exit.WRONG_USE,
            f"one of the ports {port} to {max(ports.values())} is taken ({error.strerror}): choose with --port",
        ) from error
    try:
        simulator.walk(running=True)
        print(f"# simulated exchanges; control interface at {simulator.control_url}")
        for spec in specs:
            print(f"{spec.prefix}_REST_URL={simulator.url(spec.name)}")
            needed = [credential.suffix for credential in spec.credentials if not credential.optional]
            for account in simulator.config.accounts[spec.name][:1]:
                for suffix, text in zip(needed, (account.api_key, account.api_secret), strict=True):
                    print(f"{spec.prefix}_{suffix}={text}")
        print(end="", flush=True)
        await stop.wait()
        return Exit.CLEAN
    finally:
        await simulator.stop()
