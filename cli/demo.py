"""The demo: the simulated exchanges, and settings that lead to them with keys made for it."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from cli.exits import Exit, ExitError
from cli.settings.core import LOOPBACK_HOSTS
from cli.settings.exchanges import MAIN, AccountCredentials, ExchangeSettings
from cli.settings.load import Settings, load_settings
from collectors.spec import ExchangeSpec
from simulator import Simulator, demo_config

SEED: Final = 20261122
"""The demo's world: the same at every start."""


@dataclass(slots=True)
class Demo:
    """The running exchanges and the settings that lead to them."""

    simulator: Simulator
    settings: Settings

    async def stop(self) -> None:
        """End the exchanges."""
        await self.simulator.stop()


async def start_demo(specs: Sequence[ExchangeSpec], env_file: Path, environment: Mapping[str, str]) -> Demo:
    """Start the simulated exchanges on free loopback ports. Real keys are not even looked at."""
    loaded = load_settings((), env_file, environment)
    if loaded.settings is None:
        raise ExitError(Exit.WRONG_USE, loaded.problems())
    core = loaded.settings.core
    if core.api_host not in LOOPBACK_HOSTS and core.read_token is None:
        raise ExitError(Exit.WRONG_USE, "the demo listens on loopback only")
    if core.admin_token is None:
        core = core.model_copy(update={"admin_token": SecretStr(secrets.token_urlsafe(32))})
    simulator = Simulator(demo_config(seed=SEED))
    await simulator.start()
    for accounts in simulator.config.accounts.values():
        for account in accounts:
            simulator.set_permissions(
                account.label, ipRestrict=True
            )  # As the guide asks for; else a warning each time.
    simulator.walk(running=True)
    exchanges = {spec.name: _exchange(spec, simulator) for spec in specs}
    return Demo(simulator, Settings(core, exchanges))


def _exchange(spec: ExchangeSpec, simulator: Simulator) -> ExchangeSettings:
    urls = {url.suffix: url.default for url in spec.urls} | {"REST_URL": simulator.url(spec.name)}
    polls = {wallet: poll.default_seconds for poll in spec.polls for wallet in poll.wallets}
    needed = [credential for credential in spec.credentials if not credential.optional]
    accounts = [
        AccountCredentials(
            label=account.label,
            portfolio=MAIN,
            credentials={
                credential.suffix: SecretStr(text)
                for credential, text in zip(needed, (account.api_key, account.api_secret), strict=True)
            },
        )
        for account in simulator.config.accounts[spec.name]
    ]
    return ExchangeSettings(spec, urls, polls, tuple(accounts))
