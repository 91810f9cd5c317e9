"""What a collector is told: where the exchange is, which accounts, how often. Passed in whole, never looked up."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr, TypeAdapter, ValidationError

from collectors.exchange import Exchange
from collectors.http import Timeouts
from collectors.pacing import Pacing
from schemas.fields import Label

PRICE_POLL_SECONDS: Final = 5.0
POLL_SECONDS_MAX: Final = 3600.0
"""Slower than an hour nobody means: the value is in another unit."""

_LABEL: Final[TypeAdapter[str]] = TypeAdapter(Label)


class SettingsError(ValueError):
    """A setting that cannot be right: the message names it and says how to mend it, and never shows a secret."""


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One account: where it belongs and what reads it, by the names of the exchange's ``spec.credentials``.

    ``allowed_flags`` lets a key in although it has these powers.
    """

    portfolio: str
    label: str
    credentials: Mapping[str, SecretStr]
    allowed_flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """One exchange. ``poll_seconds`` is by wallet; what it leaves out is read as often as the exchange module says."""

    exchange: str
    rest_url: str = ""
    """Without a path; empty for the exchange's own."""
    accounts: tuple[AccountSettings, ...] = ()
    poll_seconds: Mapping[str, float] = field(default_factory=dict)
    price_poll_seconds: float = PRICE_POLL_SECONDS
    timeouts: Timeouts = field(default_factory=Timeouts)
    pacing: Pacing = field(default_factory=Pacing)

    def interval(self, wallet: str, default: float) -> float:
        """How often a wallet is read, in seconds."""
        return self.poll_seconds.get(wallet, default)


def check_settings(settings: CollectorSettings, exchange: Exchange) -> None:
    """SettingsError for the first setting that cannot be right."""
    _check_url(settings)
    known = exchange.wallets
    for wallet, seconds in settings.poll_seconds.items():
        if wallet not in known:
            raise SettingsError(f"{exchange.name} has no wallet {wallet!r} to poll: it has {', '.join(sorted(known))}.")
        _check_seconds(f"The poll interval of {exchange.name} {wallet}", seconds)
    _check_seconds(f"The price poll interval of {exchange.name}", settings.price_poll_seconds)
    seen: set[tuple[str, str]] = set()
    keys: set[str] = set()
    for account in settings.accounts:
        where = f"{exchange.name}/{account.label}"
        for what, label in (("account", account.label), ("portfolio", account.portfolio)):
            _check_label(f"The {what} label of {exchange.name}", label)
        if (account.portfolio, account.label) in seen:
            raise SettingsError(f"The account {where} stands twice in the settings: give each its own label.")
        seen.add((account.portfolio, account.label))
        _check_credentials(account, exchange, where)
        key = account.credentials[exchange.spec.credentials[0].suffix].get_secret_value()
        if key in keys:
            raise SettingsError(f"The API key of {where} is another account's too: its balances would count twice.")
        keys.add(key)


def _check_credentials(account: AccountSettings, exchange: Exchange, where: str) -> None:
    for credential in exchange.spec.credentials:
        value = account.credentials.get(credential.suffix)
        if value is None and credential.optional:
            continue
        if value is None or not value.get_secret_value():
            raise SettingsError(f"{where}: {credential.suffix} is missing. {exchange.spec.key_guide}")
        text = value.get_secret_value()
        if not text.isascii() or not text.isprintable() or " " in text:
            raise SettingsError(f"{where}: {credential.suffix} has spaces or strange letters in it: copy it again.")
    try:
        exchange.check_credentials(account.credentials)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from None


def _check_url(settings: CollectorSettings) -> None:
    if not settings.rest_url:
        return
    name = f"The REST address of {settings.exchange}"
    try:
        parts = urlsplit(settings.rest_url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise SettingsError(f"{name} is no address: write it like https://api.example.com.") from None
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.password:
        raise SettingsError(f"{name} must be http:// or https:// and a host, without a name or password in it.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise SettingsError(f"{name} is given without a path: write it like https://api.example.com.")
    if parts.scheme == "http" and host not in {"localhost", "127.0.0.1", "::1"} and not host.endswith(".localhost"):
        raise SettingsError(f"{name} is http:// to another machine: use https://, or keys would travel in clear text.")


def _check_label(name: str, label: str) -> None:
    try:
        _LABEL.validate_python(label)
    except ValidationError:
        raise SettingsError(
            f"{name} is {label[:40]!r}: use 1 to 32 small letters, digits, '-' and '_', beginning with no sign."
        ) from None


def _check_seconds(name: str, seconds: float) -> None:
    if not (math.isfinite(seconds) and 0 < seconds <= POLL_SECONDS_MAX):
        raise SettingsError(f"{name} is {seconds}: give seconds, more than 0 and at most {POLL_SECONDS_MAX:.0f}.")
