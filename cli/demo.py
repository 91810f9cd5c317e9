"""The demo: the simulated exchanges, and settings that lead to them with keys made for it."""

import dataclasses
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from cli.exits import Exit, ExitError
from cli.settings.core import LOOPBACK_HOSTS
from cli.settings.exchanges import MAIN, AccountCredentials, ExchangeSettings
from cli.settings.load import Loaded, Settings
from cli.simulate import new_simulator
from collectors.spec import ExchangeSpec
from simulator import Simulator, SimulatorConfig, demo_config

SEED: Final = 20261122
"""The demo's world: the same at every start."""

DEMO_PREFIX: Final = "demo."
"""Before the topics of a demo, always: made-up money must never stand in somebody's real topics."""


@dataclass(slots=True)
class Demo:
    """The running exchanges and the settings that lead to them."""

    simulator: Simulator
    settings: Settings

    async def stop(self) -> None:
        """End the exchanges."""
        await self.simulator.stop()


def demo_base(loaded: Loaded) -> Settings:
    """What a demo takes of a person's settings: all but the exchanges."""
    if loaded.settings is None:
        raise ExitError(Exit.WRONG_USE, loaded.problems())
    core = loaded.settings.core
    if core.api_host not in LOOPBACK_HOSTS and core.read_token is None:
        raise ExitError(Exit.WRONG_USE, "the demo listens on loopback only")
    if core.admin_token is None:
        core = core.model_copy(update={"admin_token": SecretStr(secrets.token_urlsafe(32))})
    kafka = loaded.settings.kafka
    if kafka is not None and not kafka.topic_prefix.startswith(DEMO_PREFIX):
        kafka = dataclasses.replace(kafka, topic_prefix=DEMO_PREFIX + kafka.topic_prefix)
    return Settings(core, {}, kafka)


async def start_demo(specs: Sequence[ExchangeSpec], base: Settings) -> Demo:
    """Start the simulated exchanges in this process, on free loopback ports."""
    simulator = new_simulator(SEED)
    await simulator.start()
    simulator.walk(running=True)
    return Demo(simulator, demo_settings(base, specs, {spec.name: simulator.url(spec.name) for spec in specs}))


def demo_settings(base: Settings, specs: Sequence[ExchangeSpec], urls: Mapping[str, str]) -> Settings:
    """The settings that lead to simulated exchanges at these addresses, by the keys of the demo's world."""
    config = demo_config(seed=SEED)
    exchanges = {spec.name: _exchange(spec, config, urls[spec.name]) for spec in specs}
    return Settings(base.core, exchanges, base.kafka)


def _exchange(spec: ExchangeSpec, config: SimulatorConfig, url: str) -> ExchangeSettings:
    urls = {one.suffix: one.default for one in spec.urls} | {"REST_URL": url}
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
        for account in config.accounts[spec.name]
    ]
    return ExchangeSettings(spec, urls, polls, tuple(accounts))
