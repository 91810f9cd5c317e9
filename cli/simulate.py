"""`spark-portfolio simulator`: the simulated exchanges on fixed ports, and the settings that lead to them."""

import asyncio
from collections.abc import Sequence

from cli.exits import Exit, ExitError
from cli.run import install_signals
from collectors.spec import ExchangeSpec
from simulator import Simulator, demo_config


async def run_simulator(specs: Sequence[ExchangeSpec], *, port: int, seed: int) -> Exit:
    """Serve until a signal; prints the lines that an env file needs to use it."""
    stop = asyncio.Event()
    install_signals(stop)
    simulator = Simulator(demo_config(seed=seed))
    try:
        await simulator.start(control_port=port, binance_port=port + 1, btcturk_port=port + 2)
    except OSError as error:
        raise ExitError(
            Exit.WRONG_USE, f"one of the ports {port} to {port + 2} is taken ({error.strerror}): choose with --port"
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
