"""Settings as the environment of a child process: what its role needs, and not one name of ours beside.

The opposite of reading them: a child that reads what is written here has the settings that it was made from.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr

from bus.kafka_settings import KafkaSettings
from cli.settings.core import CoreSettings
from cli.settings.exchanges import MAIN, ExchangeSettings
from cli.settings.kafka import KafkaGiven
from cli.settings.load import setting_names
from cli.settings.values import FILE_SUFFIX
from collectors.spec import ExchangeSpec

_OF_THE_API: Final = "ADMIN_TOKEN"
"""Whoever does not need a secret is not given it."""


def foreign(environment: Mapping[str, str], specs: Sequence[ExchangeSpec]) -> dict[str, str]:
    """The environment without our settings and whatever begins like an exchange's."""
    ours = setting_names()
    prefixes = tuple(f"{spec.prefix}_" for spec in specs)
    return {
        name: text
        for name, text in environment.items()
        if name.removesuffix(FILE_SUFFIX) not in ours and not (prefixes and name.startswith(prefixes))
    }


def core_environment(core: CoreSettings, *, api: bool) -> dict[str, str]:
    """The settings that belong to no exchange; the token for writes for the api alone."""
    written = _fields(core)
    if not api:
        written.pop(_OF_THE_API, None)
    return written


def kafka_environment(kafka: KafkaSettings) -> dict[str, str]:
    """How Kafka is reached."""
    given = {
        name: getattr(kafka, name if name == "topic_prefix" else name.removeprefix("kafka_"))
        for name in KafkaGiven.model_fields
    }
    return _fields(KafkaGiven.model_validate(given))


def exchange_environment(exchange: ExchangeSettings) -> dict[str, str]:
    """One exchange: its addresses, intervals and accounts."""
    spec = exchange.spec
    written = {f"{spec.prefix}_{suffix}": url for suffix, url in exchange.urls.items()}
    for poll in spec.polls:
        written[f"{spec.prefix}_{poll.group}_POLL_SECONDS"] = repr(exchange.poll_seconds[poll.wallets[0]])
    for account in exchange.accounts:
        head = f"{spec.prefix}_" if account.label == MAIN else f"{spec.prefix}__{account.label.upper()}__"
        written |= {head + suffix: secret.get_secret_value() for suffix, secret in account.credentials.items()}
        written[f"{head}PORTFOLIO"] = account.portfolio
        if account.allowed_flags:
            written[f"{head}ALLOW_FLAGS"] = ",".join(sorted(account.allowed_flags))
    return written


def _fields(model: BaseModel) -> dict[str, str]:
    written = {field.upper(): _text(getattr(model, field)) for field in type(model).model_fields}
    return {name: text for name, text in written.items() if text}


def _text(value: Any) -> str:
    """A setting as it is written; empty for what is not set."""
    match value:
        case None:
            return ""
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(value) or ","  # Nothing at all would mean the default.
        case Path():
            return str(value)
        case _:
            return str(value)
