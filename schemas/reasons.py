"""Why a read failed, in one word, for programs that say it to people in their own language.

The vocabulary is open: a newer writer may send a word that is not here, and a reader takes it as if there were none.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeGuard, get_args

ErrorReason = Literal[
    "network",
    "certificate",
    "timeout",
    "trouble",
    "region",
    "firewall",
    "redirect",
    "key",
    "secret",
    "address",
    "key_or_address",
    "permission",
    "too_strong",
    "two_factor",
    "held_back",
    "clock",
    "limit",
    "banned",
    "format",
    "too_large",
]
"""Every word that our collectors send. More may be added; none is removed, and none comes to mean something else."""

ERROR_REASONS: Final[tuple[ErrorReason, ...]] = get_args(ErrorReason)

MEANINGS: Final[Mapping[ErrorReason, str]] = {
    "network": "no connection: the name was not resolved, nobody answered, or the connection broke",
    "certificate": "the server's certificate could not be verified",
    "timeout": "no whole answer in time",
    "trouble": "the exchange has a trouble of its own: an error of its servers, an overload, maintenance",
    "region": "the exchange does not serve this place (HTTP 451)",
    "firewall": "a firewall before the exchange stopped the request: this network or address is blocked (HTTP 403)",
    "redirect": "the answer led elsewhere: a wrong address in the settings, or a network that wants a login first",
    "key": "the API key is unknown, was deleted, or has a wrong form",
    "secret": "the signature was refused: the secret does not belong to the key",
    "address": "this machine's address is not on the key's list",
    "key_or_address": "the key, its allowed addresses or its permissions; the exchange has one answer for all of them",
    "permission": "the key may not read",
    "too_strong": "the key may do more than read",
    "two_factor": "the account lacks two-factor authentication",
    "held_back": "nothing was asked: many calls in a row were refused, and another one might block this address",
    "clock": "the time stamp of a request was refused",
    "limit": "asked too often: the exchange ordered a wait",
    "banned": "the exchange has shut this address out for a while",
    "format": "the exchange and this program do not understand each other; if it stays, an update is needed",
    "too_large": "the wallet holds more than this program carries",
}
"""What each word says."""


def is_known(word: str | None) -> TypeGuard[ErrorReason]:
    """Whether this program knows what the word says."""
    return word in MEANINGS
