"""All settings at once: from file, environment and secret files to one frozen object, or a list of what is wrong."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from bus.kafka_settings import KafkaSettings
from cli.settings.core import LOOPBACK_HOSTS, CoreSettings
from cli.settings.exchanges import ExchangeSettings, exchange_names, read_exchange
from cli.settings.kafka import KafkaGiven, check_kafka
from cli.settings.values import FILE_SUFFIX, Finding, Values, from_environment, merge, read_env_file
from collectors.spec import ExchangeSpec

ENV_FILE: Final = Path(".env")

LIKELY: Final = 0.5
"""How alike (0 to 1) a wrong name and a right one are at least where the right one is worth being named."""

NEAR: Final = 0.72
"""The same where the wrong one begins like ours: KAFKA_SERVERS is so near, KAFKA_HEAP_OPTS or LOG_DIR are not."""

ALIKE: Final = 0.9
"""The same where it does not even begin like ours: a letter or two are wrong."""

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a process was told, checked."""

    core: CoreSettings
    exchanges: Mapping[str, ExchangeSettings]
    kafka: KafkaSettings | None = None
    """None: the embedded way."""

    @property
    def account_count(self) -> int:
        """Accounts of all exchanges."""
        return sum(len(exchange.accounts) for exchange in self.exchanges.values())

    def secrets(self) -> list[str]:
        """Every secret text, for the log's redaction."""
        secrets = [token for token in (self.core.admin_token, self.core.read_token) if token is not None]
        for exchange in self.exchanges.values():
            for account in exchange.accounts:
                secrets.extend(account.credentials.values())
        texts = [secret.get_secret_value() for secret in secrets]
        if self.kafka is not None:
            texts += [text for text in (self.kafka.sasl_password, self.kafka.ssl_key_password) if text]
        return texts


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings if nothing is wrong, and the findings either way."""

    settings: Settings | None
    findings: Sequence[Finding]

    @property
    def errors(self) -> list[Finding]:
        """What must be mended before anything runs."""
        return [finding for finding in self.findings if finding.severity == "error"]

    def problems(self) -> str:
        """The errors as text for a person: each with its mend."""
        lines = [f"  - {error.message}\n      → {error.mend}" for error in self.errors]
        return "\n".join(["The settings have errors:", *lines])


def load_settings(specs: Sequence[ExchangeSpec], env_file: Path, environment: Mapping[str, str]) -> Loaded:
    """Read and check everything; the environment goes before the file. Never raises for what a person wrote."""
    from_file = read_env_file(env_file)
    from_env = from_environment(dict(environment))
    given = {*from_file.values, *from_env.values}
    known = setting_names()
    for spec in specs:
        known |= exchange_names(spec, given)
    prefixes = tuple(
        sorted({f"{spec.prefix}_" for spec in specs} | {name.split("_")[0] + "_" for name in setting_names()})
    )
    _name_unknown(from_file, from_env, known, prefixes, tuple(f"{spec.prefix}_" for spec in specs))
    values = merge(from_file, from_env, known)
    core = _read(CoreSettings, values)
    of_kafka = _read(KafkaGiven, values)
    kafka = None if of_kafka is None else check_kafka(of_kafka, values)
    exchanges = {spec.name: read_exchange(spec, values) for spec in specs}
    _refuse_doubles(values, exchanges)
    if core is not None:
        _check_exposure(core, values)
    if core is None or any(finding.severity == "error" for finding in values.findings):
        return Loaded(None, values.findings)
    return Loaded(Settings(core, exchanges, kafka), values.findings)


def setting_names() -> set[str]:
    """The name of every setting that belongs to no exchange."""
    return {field.upper() for model in (CoreSettings, KafkaGiven) for field in model.model_fields}


def _check_exposure(core: CoreSettings, values: Values) -> None:
    for name, host, what in (
        ("API_HOST", core.api_host, "read what you own"),
        ("METRICS_HOST", core.metrics_host, "read how the processes fare"),
    ):
        if host not in LOOPBACK_HOSTS and core.read_token is None:
            values.error(
                "READ_TOKEN",
                f"{name} is {host}: others on the network could {what}",
                f"set READ_TOKEN (spark-portfolio token makes one), or leave {name} at 127.0.0.1",
            )


def _name_unknown(
    from_file: Values, from_env: Values, known: set[str], prefixes: tuple[str, ...], of_exchanges: tuple[str, ...]
) -> None:
    squeezed = {_squeezed(one) for one in known}
    for name, value in from_file.values.items():
        if name.removesuffix(FILE_SUFFIX) in known:
            continue
        what = f"{name} ({value.origin}) is no setting"
        # In capitals: a name in small letters would else be passed over in silence, as somebody else's.
        if name.upper().startswith(prefixes) or _squeezed(name) in squeezed:
            from_file.error(name, what, _nearest(name, known))
        elif _near(name, known, ALIKE):  # Maybe another program's, which shares the file.
            from_file.warn(name, what, _nearest(name, known))
    for name in from_env.values:
        if name.removesuffix(FILE_SUFFIX) in known:
            continue
        # Other programs have names that begin like ours there, as Kafka's own do: only what is near is worth a word.
        if name.startswith(of_exchanges) or _near(name, known, NEAR if name.startswith(prefixes) else ALIKE):
            from_env.warn(name, f"{name} in the environment is no setting of ours", _nearest(name, known))


def _squeezed(name: str) -> str:
    return name.upper().removesuffix(FILE_SUFFIX).replace("_", "")


def _near(name: str, known: set[str], cutoff: float) -> list[str]:
    return difflib.get_close_matches(name.upper().removesuffix(FILE_SUFFIX), sorted(known), n=1, cutoff=cutoff)


def _nearest(name: str, known: set[str]) -> str:
    close = _near(name, known, LIKELY)
    return f"did you mean {close[0]}?" if close else "delete it"


def _read(model: type[_Model], values: Values) -> _Model | None:
    fields = {field.upper(): field for field in model.model_fields}
    given = {field: values.values[name].text for name, field in fields.items() if name in values.values}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            name = str(detail["loc"][0]).upper()
            message = detail["msg"].removeprefix("Value error, ")
            values.error(name, f"{name} ({values.values[name].origin}): {message}", f"correct {name}")
        return None


def _refuse_doubles(values: Values, exchanges: Mapping[str, ExchangeSettings]) -> None:
    for exchange in exchanges.values():
        seen: dict[str, str] = {}
        for account in exchange.accounts:
            key = next(iter(account.credentials.values())).get_secret_value()
            if key in seen:
                values.error(
                    exchange.spec.prefix,
                    f"{exchange.spec.name}/{account.label} and {exchange.spec.name}/{seen[key]} have the same key: "
                    "everything in it would be counted twice",
                    "give each account its own key, or remove one",
                )
            seen[key] = account.label


def secret(value: SecretStr | None) -> str | None:
    """The text of a secret, for the part that needs it."""
    return None if value is None else value.get_secret_value()
