"""What the settings need to know of an exchange: its names, addresses, credentials and intervals.

Each exchange module states its own; the command line builds settings, template and checks from it, so that an
exchange's name stands nowhere else.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CredentialSpec:
    """One part of an account's credentials: ``API_KEY`` becomes ``<EXCHANGE>_API_KEY``."""

    suffix: str
    about: str
    base64: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class UrlSpec:
    """One address of an exchange: ``REST_URL`` becomes ``<EXCHANGE>_REST_URL``."""

    suffix: str
    default: str
    about: str
    whole: bool = False
    """False: scheme, host and port alone. True: with its path."""


@dataclass(frozen=True, slots=True)
class PollSpec:
    """The interval of one or more wallets: ``SPOT`` becomes ``<EXCHANGE>_SPOT_POLL_SECONDS``."""

    group: str
    wallets: tuple[str, ...]
    default_seconds: float


@dataclass(frozen=True, slots=True)
class ExchangeSpec:
    """An exchange as the settings see it."""

    name: str
    title: str
    credentials: tuple[CredentialSpec, ...]
    urls: tuple[UrlSpec, ...]
    polls: tuple[PollSpec, ...]
    key_guide: str
    """How to get a key that can only read, in one sentence with the exchange's own menu names."""
    metrics_port: int
    """Where its collector shows health and metrics when it runs as a process of its own, unless told otherwise."""
    flags: tuple[str, ...] = ()
    """Permissions by the exchange's names that a setting may allow although they are more than reading."""

    @property
    def prefix(self) -> str:
        """What the exchange's setting names begin with, without the underscore."""
        return self.name.upper().replace("-", "_")
