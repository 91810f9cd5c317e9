"""The settings of exchanges, built from what each exchange says it needs: addresses, intervals, accounts by label."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from cli.settings.core import LOOPBACK_HOSTS
from cli.settings.values import Value, Values, is_placeholder
from collectors.spec import CredentialSpec, ExchangeSpec, UrlSpec

MAIN: Final = "main"
POLL_SECONDS_MIN: Final = 1.0
POLL_SECONDS_MAX: Final = 3600.0

_PORTFOLIO: Final = "PORTFOLIO"
_ALLOW_FLAGS: Final = "ALLOW_FLAGS"
_LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class AccountCredentials:
    """One account of an exchange: its label, the portfolio it counts to, its credentials by the exchange's names."""

    label: str
    portfolio: str
    credentials: Mapping[str, SecretStr]
    allowed_flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """One exchange: addresses by suffix, seconds by wallet, accounts. No account: a source of prices only."""

    spec: ExchangeSpec
    urls: Mapping[str, str]
    poll_seconds: Mapping[str, float]
    accounts: tuple[AccountCredentials, ...] = ()


def exchange_names(spec: ExchangeSpec, given: Iterable[str]) -> set[str]:
    """Every setting name of an exchange: the fixed ones, and those of the labels that occur in ``given``."""
    prefix = spec.prefix
    names = {f"{prefix}_{url.suffix}" for url in spec.urls}
    names |= {f"{prefix}_{poll.group}_POLL_SECONDS" for poll in spec.polls}
    suffixes = [credential.suffix for credential in spec.credentials] + [_PORTFOLIO]
    if spec.flags:
        suffixes.append(_ALLOW_FLAGS)
    names |= {f"{prefix}_{suffix}" for suffix in suffixes}
    for label in _labels(spec, given, suffixes):
        names |= {f"{prefix}__{label}__{suffix}" for suffix in suffixes}
    return names


def _labels(spec: ExchangeSpec, given: Iterable[str], suffixes: list[str]) -> set[str]:
    pattern = re.compile(rf"{spec.prefix}__([A-Z0-9][A-Z0-9_]*?)__({'|'.join(suffixes)})(_FILE)?")
    return {match[1] for name in given if (match := pattern.fullmatch(name))}


def read_exchange(spec: ExchangeSpec, out: Values) -> ExchangeSettings:
    """The settings of one exchange from merged values; what is wrong is noted in ``out``."""
    prefix = spec.prefix
    urls = {
        url.suffix: _url(out, f"{prefix}_{url.suffix}", out.values.get(f"{prefix}_{url.suffix}"), url)
        for url in spec.urls
    }
    poll_seconds: dict[str, float] = {}
    for poll in spec.polls:
        seconds = _seconds(out, f"{prefix}_{poll.group}_POLL_SECONDS", poll.default_seconds)
        poll_seconds.update(dict.fromkeys(poll.wallets, seconds))
    suffixes = [credential.suffix for credential in spec.credentials] + [_PORTFOLIO, _ALLOW_FLAGS]
    heads = {MAIN: f"{prefix}_"}
    for label in sorted(_labels(spec, out.values, suffixes)):
        if label.lower() == MAIN:
            out.error(f"{prefix}__{label}__", f"the account {MAIN} is named without a label", f"use {prefix}_…")
            continue
        heads[label.lower()] = f"{prefix}__{label}__"
    accounts = [account for label, head in heads.items() if (account := _account(spec, out, label, head))]
    return ExchangeSettings(spec, urls, poll_seconds, tuple(accounts))


def _account(spec: ExchangeSpec, out: Values, label: str, head: str) -> AccountCredentials | None:
    found = {
        credential: value
        for credential in spec.credentials
        if (value := out.values.get(head + credential.suffix)) is not None
    }
    if not any(not credential.optional for credential in found):
        for credential, value in found.items():
            out.error(
                head + credential.suffix,
                f"{head}{credential.suffix} ({value.origin}) stands without the account's own key",
                f"set {_list_needed(spec, head)} too",
            )
        return None
    good = True
    for credential in spec.credentials:
        name = head + credential.suffix
        if credential not in found:
            if not credential.optional:
                out.error(
                    name,
                    f"{name} is missing: the account {spec.name}/{label} has only a part of its key",
                    f"set {name}; {spec.key_guide}",
                )
                good = False
        elif not _check_credential(out, name, found[credential], credential):
            good = False
    portfolio = out.values.get(head + _PORTFOLIO, Value(MAIN, "")).text
    for what, text in (("label", label), ("portfolio", portfolio)):
        if _LABEL.fullmatch(text) is None:
            out.error(head, f"{text!r} is no name for a {what}", "use small letters, digits, - and _, 32 at most")
            good = False
    flags = frozenset(_flags(out, spec, head))
    if not good:
        return None
    secrets = {credential.suffix: SecretStr(value.text) for credential, value in found.items()}
    return AccountCredentials(label, portfolio, secrets, flags)


def _list_needed(spec: ExchangeSpec, head: str) -> str:
    return " and ".join(head + credential.suffix for credential in spec.credentials if not credential.optional)


def _check_credential(out: Values, name: str, value: Value, credential: CredentialSpec) -> bool:
    if is_placeholder(value.text):
        return False  # Said already.
    if re.search(r"\s", value.text) or not value.text.isascii() or not value.text.isprintable():
        out.error(name, f"{name} ({value.origin}) has spaces or strange letters within", "copy it again, whole")
        return False
    if credential.base64:
        try:
            base64.b64decode(value.text, validate=True)
        except binascii.Error:
            out.error(name, f"{name} ({value.origin}) is not base64", "copy it again, with its = signs at the end")
            return False
    return True


def _flags(out: Values, spec: ExchangeSpec, head: str) -> Iterable[str]:
    value = out.values.get(head + _ALLOW_FLAGS)
    for flag in (part.strip() for part in value.text.split(",")) if value else ():
        if flag and flag not in spec.flags:
            out.error(
                head + _ALLOW_FLAGS, f"{flag!r} is no permission of {spec.title}", f"one of {', '.join(spec.flags)}"
            )
        elif flag:
            yield flag


def _url(out: Values, name: str, value: Value | None, spec: UrlSpec) -> str:
    if value is None:
        return spec.default
    text = value.text.rstrip("/")
    parts = urlsplit(text)
    secure, plain = ("https", "http") if spec.default.startswith("http") else ("wss", "ws")
    try:
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if parts.scheme not in {secure, plain} or not host or parts.username or parts.query or parts.fragment:
        out.error(name, f"{name} ({value.origin}) is no {secure} address", f"such as {spec.default}")
    elif parts.path and not spec.whole:
        out.error(name, f"{name} ({value.origin}) has a path", f"only scheme, host and port, such as {spec.default}")
    elif parts.scheme == plain and host not in LOOPBACK_HOSTS:
        out.error(
            name, f"{name} ({value.origin}) would send keys unencrypted", f"use {secure}:// (plain: loopback only)"
        )
    return text


def _seconds(out: Values, name: str, default: float) -> float:
    value = out.values.get(name)
    if value is None:
        return default
    try:
        seconds = float(value.text)
    except ValueError:
        seconds = -1.0
    if not POLL_SECONDS_MIN <= seconds <= POLL_SECONDS_MAX:
        out.error(
            name,
            f"{name} ({value.origin}) is no number of seconds from {POLL_SECONDS_MIN:g} to {POLL_SECONDS_MAX:g}",
            f"such as {default:g}",
        )
        return default
    return seconds
